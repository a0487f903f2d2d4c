"""README and docs run: each page's python and console blocks, in order, in one empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|console|toml)( [^\n]*)?\n(.*?)^```$", re.M | re.S)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(language, note after it, text) of the blocks that can run. A note ``norun`` needs a reason after it."""
    found = [(language, note.strip(), text) for language, note, text in BLOCK.findall(page.read_text(encoding="utf-8"))]
    for _, note, _ in found:
        assert note != "norun", (
            f"{name_of(page)}: a block that does not run says why: ```python norun: needs a microphone"
        )
    return [block for block in found if not block[1].startswith("norun")]


RUNNABLE = [page for page in PAGES if any(language != "toml" for language, _, _ in blocks(page))]


@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
def test_every_block_runs(page, tmp_path):
    """``python file=NAME`` and ``toml file=NAME`` write a file; ``python`` runs; ``console`` runs its ``$`` lines.

    A console line may end in ``# exit N``.
    """
    environ = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    for variable in [name for name in environ if name.startswith("SLIPWAY_")]:
        del environ[variable]
    program = ""
    for language, note, text in blocks(page):
        if note.startswith("file="):
            (tmp_path / note.removeprefix("file=")).write_text(text, encoding="utf-8")
        elif language == "python":
            program += text  # later blocks see the names of earlier ones
            run([sys.executable, "-c", program], tmp_path, environ, f"{name_of(page)}: {text}")
        elif language == "console":
            for line in re.findall(r"^\$ (.*)$", text, re.M):
                command, _, code = line.partition("# exit ")
                run(["bash", "-c", command], tmp_path, environ, f"{name_of(page)}: {line}", expected=int(code or 0))


def run(command: list[str], folder: Path, environ: dict[str, str], what: str, expected: int = 0) -> None:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=600)
    assert done.returncode == expected, f"{what}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_name_no_machine(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/work/|/root/|/tmp/brief", text), f"{name_of(page)} names a path of somebody's machine"


def test_every_error_page_exists():
    from slipway import errors

    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.SlipwayError):
            assert (ROOT / "docs" / kind.page).is_file(), f"{kind.__name__}.page"


def test_every_setting_is_documented():
    """docs/reference/configuration.md names each setting of slipway.toml and each SLIPWAY_* variable."""
    import msgspec

    from slipway import config

    page = (ROOT / "docs/reference/configuration.md").read_text()
    tables = [config.Config, config.Capture, config.Trace, config.Server, config.Retention, config.Limits]
    for table in [*tables, config.Suite, config.Gate, config.Objectives, config.Variants]:
        for field in msgspec.structs.fields(table):
            assert field.name == "root" or f"`{field.encode_name}`" in page, f"{table.__name__}.{field.encode_name}"
    for variable in config.VARIABLES:
        assert f"`{variable}`" in page, variable


def test_the_pages_made_from_docstrings_are_fresh():
    from slipway.cli.pages import pages

    for name, text in pages().items():
        assert (ROOT / "docs/reference" / name).read_text() == text, f"docs/reference/{name} is stale; run: make docs"


def test_changelog_fragments_are_named_by_kind():
    for fragment in (ROOT / "changelog.d").iterdir():
        assert re.fullmatch(r"[\w-]+\.(added|changed|fixed|removed|security)\.md|README\.md", fragment.name), (
            fragment.name
        )


def test_every_decision_is_in_the_index():
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        assert f"]({page.name})" in index, f"docs/decisions/README.md lacks {page.name}"
