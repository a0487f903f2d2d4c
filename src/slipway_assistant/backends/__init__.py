"""Backends: what the skills of music, home, weather, news and facts stand on. Start in net.py and player.py.

A skill says things; a backend knows nothing of language, apart from sentences.py, which has what several skills say.
Each works without a network, and each takes what varies (folder, address, time) as an argument.
"""
