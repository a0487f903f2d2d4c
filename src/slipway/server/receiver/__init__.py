"""Receiver: OTLP in. Start in intake.py; body.py unpacks, wire.py decodes, spans.py, logs.py and points.py convert."""
