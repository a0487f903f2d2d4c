"""``python -m slipway.cli``: the command line where the ``slipway`` script is not on PATH."""

from slipway.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
