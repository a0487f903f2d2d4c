"""The assistant that proves Slipway: speech to text to call to answer. Read mind.py first, then minds/keywords.py."""
