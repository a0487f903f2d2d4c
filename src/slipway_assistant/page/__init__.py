"""The page: talk to the assistant from a browser on this machine. Start in serve.py.

app.py answers requests, page.html is all that the browser loads: the style, the script and what records are inside it.
"""
