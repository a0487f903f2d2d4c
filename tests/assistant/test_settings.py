"""The assistant's settings: where they come from, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from slipway.errors import ConfigError
from slipway_assistant.settings import Settings, load


def test_the_nearer_beats_the_farther(tmp_path: Path) -> None:
    (tmp_path / "slipway.toml").write_text(
        "[assistant]\nplace = 'Nantes'\nunits = 'imperial'\nmusic-folder = '/a'\nplayer = 'mpd'\n"
    )
    below = tmp_path / "kitchen"
    below.mkdir()
    (below / "assistant.toml").write_text("units = 'metric'\nmusic-folder = '/b'\n[voices]\nfr = 'siwis.onnx'\n")
    environ = {"SLIPWAY_ASSISTANT_MUSIC_FOLDER": "/c", "SLIPWAY_ASSISTANT_NEWS_FEEDS": "http://a/x,http://b/y"}
    settings = load(below, environ=environ, player="none")
    assert (settings.place, settings.units, settings.music_folder) == ("Nantes", "metric", "/c")
    assert (settings.player, settings.voices) == ("none", {"fr": "siwis.onnx"})
    assert settings.news_feeds == ("http://a/x", "http://b/y")


def test_the_platform_reads_the_same_file(tmp_path: Path) -> None:
    from slipway.config import load as load_platform

    (tmp_path / "slipway.toml").write_text("[assistant]\nplace = 'Nantes'\n")

    assert load_platform(tmp_path, environ={}).assistant == {"place": "Nantes"}


def test_numbers_and_flags_may_be_written_as_text(tmp_path: Path) -> None:
    environ = {"SLIPWAY_ASSISTANT_LATITUDE": "47.2", "SLIPWAY_ASSISTANT_KEEP_AUDIO": "true"}
    settings = load(tmp_path, environ=environ)
    assert (settings.latitude, settings.keep_audio) == (47.2, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plce = 'x'", "did you mean 'place'"),
        ("units = 'furlongs'", "furlongs"),
        ("timezone = 'Mars/Base'", "Mars/Base"),
        ("timezone = '../../etc/passwd'", "no time zone"),
        ("place =", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "assistant.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"assistant\.toml") as refused:
        load(tmp_path, environ={})
    assert says in str(refused.value)


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/configuration.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Settings):
        assert f"`{field.encode_name}`" in page, field.encode_name


def test_home_has_a_zone_with_its_daylight_saving() -> None:
    assert load(Path("/"), environ={}, timezone="Europe/Paris").zone == ZoneInfo("Europe/Paris")
    assert isinstance(Settings().zone, ZoneInfo)


def test_the_data_folder_is_the_users_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Settings().folder == tmp_path / "slipway-assistant"
    assert Settings(data=str(tmp_path / "x")).folder == tmp_path / "x"
