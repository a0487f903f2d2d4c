"""Settings: the file, the variables above it, arguments above both; clear errors."""

from __future__ import annotations

import pytest

from slipway.config import find_file, load
from slipway.errors import ConfigError


def write(folder, text):
    (folder / "slipway.toml").write_text(text, encoding="utf-8")


def test_defaults_without_a_file(tmp_path):
    config = load(environ={})
    assert config.project == "default"
    assert config.store_url == f"sqlite:///{tmp_path / '.slipway' / 'slipway.db'}"


def test_arguments_beat_variables_beat_the_file(tmp_path):
    write(tmp_path, 'project = "file"\ndata = "here"')
    assert load(environ={}).project == "file"
    assert load(environ={"SLIPWAY_PROJECT": "variable"}).project == "variable"
    assert load(environ={"SLIPWAY_PROJECT": "variable"}, project="argument").project == "argument"
    assert load(environ={"SLIPWAY_TRACE": "false", "SLIPWAY_SAMPLE": "0.25"}).trace.sample == 0.25
    assert load(environ={"SLIPWAY_TRACE": "false"}).trace.enabled is False


def test_the_file_is_found_from_below(tmp_path):
    write(tmp_path, 'project = "above"')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_file(below) == tmp_path / "slipway.toml"
    assert load(below, environ={}).data_folder == tmp_path / ".slipway"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('projekt = "x"', "did you mean 'project'?"),
        ("[suites.quick]\nteir = 'quick'", "did you mean 'suites.quick.tier'?"),
        ("[suites.quick.limit]\nsecond = 3", "did you mean 'suites.quick.limit.seconds'?"),
        ("[trace]\nsample = 'most'", "trace.sample"),
        ("[trace]\nsample = 3", "trace.sample"),
        ("[trace]\nsample = -0.1", "trace.sample"),
        ("[trace]\nsample = nan", "trace.sample"),
        ("[suites.quick]\ntier = 'daily'", "no tier 'daily'"),
        ("project = ", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(tmp_path, text, says):
    write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(environ={})
    assert says in str(caught.value)
