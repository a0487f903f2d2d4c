"""What the assistant can do: one file adds one skill (see skill.py and docs/guides/skill.md)."""
