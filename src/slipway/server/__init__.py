"""Server: one process on one port. OTLP in, the JSON API out. Start in app.py; a group of routes is one file of routes/."""
