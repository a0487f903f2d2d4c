"""The command line: one file for each family of verbs. Start in main.py, then directory.py."""
