"""What ``slipway init`` writes. Start in app.py."""
