"""The variants, one file each; `slipway_assistant.mind.variants()` finds them. Read keywords.py first."""
