"""The script for web pages, run for real: by Node.js, and in a browser on a page of another site with a strict policy."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from contextlib import contextmanager

import pytest

from slipway.data import Feedback
from slipway.server.keys import issue

TRACE = "ab" * 16
RUN = """
const [url, key] = process.argv.slice(2);
globalThis.document = { currentScript: { src: url + "/feedback.js", dataset: { key } } };
(async () => {
  const text = await (await fetch(url + "/feedback.js")).text();
  new Function(text)();
  const kept = await slipway.feedback("%s", "helpful", true, { comment: "yes", key: "one" });
  const again = await slipway.feedback("%s", "helpful", true, { comment: "yes", key: "one" });
  slipway.settings.key = "slw_wrong";
  const refused = await slipway.feedback("%s", "helpful", true).catch((error) => error.message);
  console.log(JSON.stringify([kept, again, refused]));
})();
""".replace("%s", TRACE)
PAGE = """<!doctype html><title>waiting</title>
<script src="{server}/feedback.js" data-key="{key}"></script><script src="/page.js"></script>"""
SCRIPT = f"""slipway.feedback("{TRACE}", "helpful", false, {{ kind: "thumb", who: "a reader" }}).then(
  (kept) => {{ document.title = "kept " + kept.id; }},
  (error) => {{ document.title = "error " + error.message; }});"""


def feedback_key(served):
    issue(served.store, member="ada", role="admin", projects=["*"])
    _, key = issue(served.store, member="page", role="writer", projects=["default"], scopes=["feedback"])
    served.state.keys.forget()
    return key


def test_node_runs_the_script(start, node, tmp_path):
    served = start()
    (tmp_path / "run.js").write_text(RUN)
    command = [node, str(tmp_path / "run.js"), served.url, feedback_key(served)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    kept, again, refused = json.loads(done.stdout)
    assert (kept["value"], kept["kind"], kept["comment"], kept["who"]) == (1, "thumb", "yes", "page")
    assert kept == again
    assert "401" in refused
    assert served.store.count(Feedback) == 1


@contextmanager
def site():
    """Another site, on a port of its own: (its origin, what it serves by path)."""
    pages = {}

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, text, policy = pages.get(self.path, ("text/plain", "", ""))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("named", [True, False])
def test_a_browser_gives_feedback_from_a_page_of_another_site(start, browser, tmp_path, named):
    with site() as (origin, pages):
        served = start(origins=[origin] if named else [])
        policy = f"default-src 'none'; script-src 'self' {served.url}; connect-src {served.url}"
        pages["/"] = ("text/html", PAGE.format(server=served.url, key=feedback_key(served)), policy)
        pages["/page.js"] = ("text/javascript", SCRIPT, "")
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += [f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=20000", "--dump-dom", f"{origin}/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert ("<title>kept " in done.stdout) == named, done.stdout + done.stderr
        assert ("<title>error " in done.stdout) == (not named), done.stdout
    assert [said.who for said in served.store.find(Feedback)] == (["a reader"] if named else [])
