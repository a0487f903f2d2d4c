"""Volume: of the machine where a mixer answers, else of the music player."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway_assistant.backends import loudness
from slipway_assistant.settings import Settings
from web_here import Listener

# What stands in for a sound card: programs of these names that keep a level in a file and print as the real ones do.
AMIXER = """#!/bin/sh
read level switch < "$0.state"
case "$*" in
  *"sset Master mute") echo "$level off" > "$0.state";;
  *"sset Master unmute") echo "$level on" > "$0.state";;
  *"sset Master "*) for last; do :; done; echo "${last%\\%} $switch" > "$0.state";;
esac
read level switch < "$0.state"
echo "Simple mixer control 'Master',0"
echo "  Front Left: Playback 28000 [$level%] [$switch]"
"""
WPCTL = """#!/bin/sh
read level switch < "$0.state"
case "$1" in
  set-volume) echo "${3%\\%} $switch" > "$0.state";;
  set-mute) echo "$level $3" > "$0.state";;
esac
read level switch < "$0.state"
if [ "$1" = get-volume ]; then printf 'Volume: %d.%02d\\n' $((level / 100)) $((level % 100)); fi
"""
PACTL = """#!/bin/sh
read level switch < "$0.state"
case "$1" in
  set-sink-volume) echo "${3%\\%} $switch" > "$0.state";;
  set-sink-mute) echo "$level $3" > "$0.state";;
esac
read level switch < "$0.state"
if [ "$1" = get-sink-volume ]; then echo "Volume: front-left: 26214 /  $level% / -23.88 dB"; fi
"""


def install(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(script)
    program.chmod(0o755)
    state = folder / f"{name}.state"
    state.write_text("50 on\n")
    return state


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No mixer of this machine is touched."""
    monkeypatch.setattr(loudness, "TIMEOUT_S", 120.0)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    someone = Listener(tmp_path / "kept")
    someone.settings = Settings(player="none")
    return someone


@pytest.mark.parametrize(("name", "script"), [("amixer", AMIXER), ("wpctl", WPCTL), ("pactl", PACTL)])
def test_the_machine_is_set_by_the_mixer_it_has(listener: Listener, bin_folder: Path, name: str, script: str) -> None:
    state = install(bin_folder, name, script)
    assert listener.asks("volume.set", action="set", level=35).text == "Volume 35 percent."
    assert state.read_text().split()[0] == "35"
    assert listener.asks("volume.set", lang="fr", action="up").text == "Volume à 45 pour cent."
    assert listener.asks("volume.set", lang="ja", action="mute").text == "ミュートしました。"
    assert state.read_text().split()[0] == "0"
    assert listener.asks("volume.set", action="unmute").text == "Sound is back, at 45 percent."
    assert state.read_text().split()[0] == "45"


@pytest.mark.parametrize(
    ("arguments", "heard", "level"),
    [
        ({"action": "set", "level": 4}, "volume four", 40),
        ({"action": "set", "level": 4}, "set the volume to 4 percent", 4),
        ({"action": "set", "level": 0}, "", 0),
        ({"action": "set", "level": 300}, "", 100),
        ({"action": "set", "level": -5}, "", 0),
        ({"action": "up"}, "", 60),
        ({"action": "down"}, "", 40),
        ({"action": "up", "level": 20}, "turn it up by 20", 70),
        ({"action": "up", "level": 80}, "turn it up to 80", 80),
        ({"action": "down", "level": 20}, "turn it down to 20", 20),
    ],
)  # fmt: skip
def test_levels_and_steps(
    listener: Listener, bin_folder: Path, arguments: dict[str, object], heard: str, level: int
) -> None:
    state = install(bin_folder, "amixer", AMIXER)
    answer = listener.asks("volume.set", heard, **arguments)
    assert answer.data["level"] == level
    assert state.read_text().split()[0] == str(level)


def test_the_ends_are_said(listener: Listener, bin_folder: Path) -> None:
    install(bin_folder, "amixer", AMIXER)
    listener.asks("volume.set", action="set", level=100)
    assert listener.asks("volume.set", action="up").text == "That is as loud as it gets."
    listener.asks("volume.set", action="set", level=0)
    assert listener.asks("volume.set", action="down").text == "It is silent already."


@pytest.mark.parametrize("damage", [None, b"", b"[]", b'{"level": 900}', b"\xff"])
def test_unmuting_startles_nobody_when_the_level_before_is_lost(
    listener: Listener, bin_folder: Path, damage: bytes | None
) -> None:
    state = install(bin_folder, "amixer", AMIXER)
    state.write_text("0 off\n")
    if damage is not None:
        (listener.folder / "volume.json").write_bytes(damage)
    assert listener.asks("volume.set", action="unmute").data["level"] == 30


def test_a_mixer_that_fails_leaves_it_to_the_next_one(listener: Listener, bin_folder: Path) -> None:
    install(bin_folder, "wpctl", "#!/bin/sh\nexit 1\n")
    state = install(bin_folder, "amixer", AMIXER)
    assert listener.asks("volume.set", action="up").ok
    assert state.read_text().split()[0] == "60"


def test_without_any_volume_that_is_said(listener: Listener) -> None:
    answer = listener.asks("volume.set", lang="fr", action="up")
    assert (answer.text, answer.ok) == ("Désolé, je ne trouve rien dont je puisse régler le volume.", False)


def test_a_level_that_is_missing_is_asked_for(listener: Listener) -> None:
    answer = listener.asks("volume.set", lang="ja", action="set")
    assert (answer.ask, answer.text) == ("level", "音量を何パーセントにしますか？")
