"""Proof: kill the server under load, again and again, and look for what it acknowledged. Start in run.py."""
