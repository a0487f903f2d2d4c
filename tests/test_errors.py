"""Every error says what to do, and has the exit code of the house."""

from __future__ import annotations

from slipway import errors


def test_the_nearest_name_else_what_there_is():
    assert str(errors.NotFound.among("run", "quik", ["quick", "nightly"])) == "no run 'quik'; did you mean 'quick'?"
    assert str(errors.NotFound.among("run", "zzz", ["quick", "nightly"])) == "no run 'zzz'; there is nightly, quick"
    assert str(errors.NotFound.among("run", "zzz", [])) == "no run 'zzz'; there is none yet"


def test_a_missing_extra_names_the_command():
    assert "pip install 'slipway[models]'" in str(errors.MissingExtra.named("models", "aiohttp"))


def test_exit_codes():
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert {
        name: codes[name] for name in ("UsageError", "ConfigError", "NotFound", "DataError", "SealedError")
    } == dict.fromkeys(("UsageError", "ConfigError", "NotFound", "DataError", "SealedError"), 2)
    assert (
        codes["StoreError"],
        codes["ModelError"],
        codes["CannotTell"],
        codes["NothingRan"],
        codes["CostCapReached"],
    ) == (3, 3, 4, 5, 6)
