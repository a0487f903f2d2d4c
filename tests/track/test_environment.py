"""What a run came from is captured, rebuilt from the patch, and holds no secret."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from slipway.config import Capture, Config
from slipway.data import Environment, Span, digest
from slipway.store import open_store
from slipway.track import capture_environment, flush, init, shutdown, span, status
from slipway.track.environment import redacted_command, without_password
from slipway.track.redact import Redactor
from slipway.track.start import _environment
from track.waiting import until

KEY = "ghp_" + "a1B2" * 9


@pytest.fixture(autouse=True)
def _no_settings_of_git(tmp_path, monkeypatch):
    """Neither those of the person who runs the tests, nor those that git gives to what it starts itself, a hook for instance."""
    for name in os.environ:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))  # a folder of ours lies in no repository


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "app.py").write_text("print('one')\n" * 5)
    (root / "gone.txt").write_text("to be deleted\n")
    (root / ".gitignore").write_text("ignored.txt\n.venv\n")
    (root / "requirements.txt").write_text("numpy==2.0\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def change(root: Path) -> None:
    (root / "app.py").write_text("print('one')\n" * 4 + "print('two')\n")
    (root / "gone.txt").unlink()
    (root / "new file.py").write_text("naïve = 'untracked'\n", encoding="utf-8")
    (root / "staged.bin").write_bytes(bytes(range(256)))
    git(root, "add", "staged.bin")
    (root / "ignored.txt").write_text("not this")


def patch_of(captured) -> bytes:
    (blob,) = [blob for blob in captured.blobs if digest(blob) == captured.environment.diff_blob]
    return blob


def test_a_clean_tree(repository):
    captured = capture_environment(folder=repository, command=["python", "app.py"], clock=lambda: 5)
    kept = captured.environment
    assert (kept.commit, kept.branch) == (git(repository, "rev-parse", "HEAD").strip(), "main")
    assert (kept.dirty, kept.diff_blob) == (False, None)
    assert (kept.lock_file, captured.blobs) == ("requirements.txt", (b"# file: requirements.txt\nnumpy==2.0\n\n",))
    assert kept.packages["pytest"] == pytest.__version__
    assert kept.python.startswith("CPython 3.")
    assert (kept.command, kept.working_directory, kept.captured_ns) == (("python", "app.py"), str(repository), 5)
    again = capture_environment(folder=repository, command=["python", "app.py"], clock=lambda: 6)
    assert again.environment.id == kept.id  # the same content, whenever it was captured


def test_the_patch_rebuilds_what_was_not_committed(repository, tmp_path):
    change(repository)
    before = git(repository, "status", "--porcelain")
    captured = capture_environment(folder=repository)
    assert captured.environment.dirty
    assert git(repository, "status", "--porcelain") == before  # nothing was staged, nothing written
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", str(repository), str(copy))
    (tmp_path / "patch").write_bytes(patch_of(captured))
    git(copy, "apply", "--index", str(tmp_path / "patch"))
    for name in ("app.py", "new file.py", "staged.bin"):
        assert (copy / name).read_bytes() == (repository / name).read_bytes()
    assert not (copy / "gone.txt").exists()
    assert not (copy / "ignored.txt").exists()


def test_big_and_secret_files_are_left_out_and_named(repository):
    (repository / "huge.dat").write_bytes(b"x" * 2_000_000)
    (repository / ".env").write_text("PLAIN=word\n")
    (repository / "ok.py").write_text("x = 1\n")
    captured = capture_environment(folder=repository)
    patch = patch_of(captured)
    assert b"ok.py" in patch
    assert b"PLAIN" not in patch
    assert b"huge.dat" not in patch
    assert captured.environment.variables["slipway.diff.omitted"] == ".env, huge.dat"


@pytest.mark.parametrize("where", [{}, {"data": "kept/here"}, {"store": "sqlite:///repo/deep/runs.db"}])
def test_what_slipway_keeps_in_the_repository_is_no_code(repository, tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    config = Config(root=str(repository), **where)
    store = open_store(config.store_url)
    store.put_blob(b"x" * 100)
    config.data_folder.mkdir(exist_ok=True, parents=True)
    (config.data_folder / "spool").mkdir()
    (config.data_folder / "spool/one.spool").write_text("waits")
    # The store is open: its log lies beside it, as when a traced program looks where it came from.
    captured = capture_environment(config, folder=repository).environment
    assert (captured.dirty, captured.diff_blob) == (False, None)
    (repository / "new.py").write_text("x = 1\n")
    captured = capture_environment(config, folder=repository)
    store.close()
    patch = patch_of(captured)
    assert [line for line in patch.splitlines() if line.startswith(b"diff ")] == [b"diff --git a/new.py b/new.py"]
    assert "slipway.diff.omitted" not in captured.environment.variables


def test_a_repository_that_is_the_data_folder_is_code_all_the_same(repository):
    (repository / "new.py").write_text("x = 1\n")
    captured = capture_environment(Config(root=str(repository), data="."), folder=repository)
    assert b"new.py" in patch_of(captured)


def test_a_secret_in_the_diff_is_taken_out_and_the_patch_still_applies(repository, tmp_path):
    pem = (
        "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQ" + "Ab1/" * 14 + "\n" + "cD2+" * 16 + "\n-----END PRIVATE KEY-----\n"
    )
    (repository / "app.py").write_text(f"print('one')\nkey = '{KEY}'\nPEM = '''{pem}'''\nlast = 1\n")
    captured = capture_environment(folder=repository)
    patch = patch_of(captured)
    assert KEY.encode() not in patch
    assert b"cD2+cD2+" not in patch
    assert captured.environment.variables["slipway.diff.redacted"].endswith("lines")
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", str(repository), str(copy))
    (tmp_path / "patch").write_bytes(patch)
    git(copy, "apply", str(tmp_path / "patch"))
    assert "[redacted github]" in (copy / "app.py").read_text()
    assert "last = 1" in (copy / "app.py").read_text()


def test_outside_a_repository_and_without_git(tmp_path, monkeypatch):
    captured = capture_environment(folder=tmp_path)
    assert (captured.environment.commit, captured.environment.dirty, captured.environment.lock_file) == (
        None,
        False,
        None,
    )
    monkeypatch.setenv("PATH", "")
    assert capture_environment(folder=tmp_path).environment.commit is None


def test_a_repository_without_a_commit(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "first.py").write_text("x = 1\n")
    captured = capture_environment(folder=tmp_path)
    assert captured.environment.commit is None
    assert b"first.py" in patch_of(captured)


def test_the_command_line_and_variables_show_no_secret(tmp_path):
    command = [
        "python",
        "x.py",
        "--api-key",
        "hunter2",
        "--password=hunter2",
        "--n",
        "3",
        f"--header=Bearer {KEY}",
        "TOKEN=hunter2",
    ]
    shown = redacted_command(command, Redactor())
    assert shown[:3] == ("python", "x.py", "--api-key")
    assert "hunter2" not in " ".join(shown)
    assert KEY not in " ".join(shown)
    assert shown[5:7] == ("--n", "3")
    config = Config(capture=Capture(environment=("CI", "MY_TOKEN", "LANG")))
    environ = {"CI": "1", "MY_TOKEN": "abc", "LANG": f"x {KEY}", "OTHER": "not listed"}
    kept = capture_environment(config, folder=tmp_path, environ=environ).environment.variables
    assert kept == {"CI": "1", "MY_TOKEN": "[redacted by name]", "LANG": "x [redacted github]"}
    assert without_password("https://me:secret@example.org/r.git") == "https://example.org/r.git"
    assert without_password("git@example.org:r.git") == "git@example.org:r.git"


def test_init_captures_it_in_the_background_and_spans_name_it(repository, monkeypatch):
    monkeypatch.chdir(repository)
    change(repository)
    tracer = init("p", instrument=False)
    assert tracer.environment_known.wait(120)
    with span("s"):
        pass
    assert flush(120)
    shutdown()
    store = open_store(tracer.config.store_url)
    (kept,) = store.find(Environment)
    (spanned,) = store.find(Span)
    assert spanned.environment_id == kept.id == tracer.environment_id
    assert b"untracked" in store.get_blob(kept.diff_blob)
    store.close()


def test_who_flushes_or_shuts_down_waits_for_the_blobs_of_the_environment(repository, monkeypatch):
    class Slow:
        """A store whose disk takes a blob when it is told to."""

        def __init__(self):
            self.may, self.records, self.blobs = threading.Event(), [], []

        def put_blob(self, data):
            assert self.may.wait(300)
            self.blobs.append(data)
            return digest(data)

        def write(self, records):
            self.records += records
            return len(records)

        submit = write

    monkeypatch.chdir(repository)
    change(repository)
    slow = Slow()
    init("p", store=slow, instrument=False)
    try:
        until(lambda: slow.records)  # the environment itself
        assert not flush(0.5)
        slow.may.set()
        assert shutdown(120)
    finally:
        slow.may.set()
        shutdown()
    assert slow.records[0].diff_blob in {digest(blob) for blob in slow.blobs}


def test_one_that_comes_after_the_end_is_counted_as_what_it_is(tmp_path):
    tracer = init(config=Config(root=str(tmp_path)), environment=False, instrument=False)
    with span("s"):
        pass
    assert shutdown(60)
    _environment(tracer, None)
    assert status(tmp_path / ".slipway")["drops"] == {"environment: not captured or stored": 1}
    assert status(tmp_path / ".slipway")["spans.dropped"] == 0
