// Feedback from a web page, to a Slipway server that names this page's site in server.origins:
//
//   <script src="https://slipway.example/feedback.js" data-key="slw_..." defer></script>
//   slipway.feedback(traceId, "helpful", true, { comment: "just what I needed" })
//
// data-key is a key with the scope "feedback" only: everybody who opens the page can read it. data-url is the server's
// address, where the script does not come from it. Returns a promise of what was kept; sending again keeps it once.
(function () {
  "use strict";
  var script = typeof document === "object" && document ? document.currentScript : null;
  var data = (script && script.dataset) || {};
  var settings = {
    url: data.url || (script && script.src ? new URL(script.src).origin : ""),
    key: data.key || "",
    tries: 4,
    pause: 500,
  };

  function unique() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
  }

  function wait(milliseconds) {
    return new Promise(function (resolve) { setTimeout(resolve, milliseconds); });
  }

  async function send(body, left, pause) {
    var answer = null;
    var text = JSON.stringify(body);
    try {
      answer = await fetch(settings.url + "/api/v1/feedback", {
        method: "POST",
        headers: Object.assign(
          { "Content-Type": "application/json" },
          settings.key ? { Authorization: "Bearer " + settings.key } : {}
        ),
        body: text,
        credentials: "omit",
        referrerPolicy: "no-referrer",
        keepalive: text.length < 60000, // sent although the page is being left; browsers allow that up to 64 KB
      });
    } catch (error) {
      if (left <= 1) throw error;
    }
    if (answer && answer.ok) return answer.json();
    if (answer && answer.status !== 429 && answer.status < 500) left = 0;
    if (left <= 1) {
      var said = await answer.json().catch(function () { return {}; });
      throw new Error("feedback: " + answer.status + " " + ((said.error && said.error.cause) || ""));
    }
    await wait(pause);
    return send(body, left - 1, pause * 2);
  }

  function feedback(traceId, name, value, more) {
    var body = Object.assign({ trace_id: traceId, name: name, value: value, key: unique() }, more || {});
    return send(body, settings.tries, settings.pause);
  }

  globalThis.slipway = Object.assign(globalThis.slipway || {}, { feedback: feedback, settings: settings });
})();
