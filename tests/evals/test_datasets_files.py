"""Datasets from CSV, Parquet, Arrow and saved folders; export to CSV."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Example
from slipway.errors import DataError, MissingExtra
from slipway.evals.datasets import Dataset, dataset, write_csv
from slipway.evals.datasets.write import safe_cell

SAVED = Path(__file__).parent / "saved_by_datasets"
ROWS = [
    {"id": "a", "input": "one", "expected": {"name": "f", "n": 1}, "lang": "en"},
    {"id": "b", "input": "two", "expected": {"name": "g", "n": 2}, "lang": "fr"},
]


def test_csv(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeffid,input,expected,lang\r\na,"one, ""two""\r\nthree",1,en\r\n\r\nb,x,,fr\r\n'.encode())
    data = dataset(path, slices=["lang"])
    assert data.examples == (
        Example("a", 'one, "two"\r\nthree', "1", {"lang": "en"}),
        Example("b", "x", "", {"lang": "fr"}),
    )
    path.write_text("id;input\na;x,y\n")
    assert dataset(path)["a"].input == "x,y"
    (tmp_path / "t.tsv").write_text("id\tinput\na\tx\n")
    assert dataset(tmp_path / "t.tsv")["a"].input == "x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "has no rows"),
        (b"id,input\n", "has no rows"),
        (b"id,input\na,b,c\n", "line 2: 3 fields where the first line names 2; quote"),
        (b'id,input\na,"b\nc"\nd\n', "line 4: 1 fields"),
        (b'id,input\na,"b', "line 2: not CSV: unexpected end of data; close its quotes"),
        (b"id,id\na,b\n", "line 1: the field 'id' is named twice"),
        (b"id,,input\na,b,c\n", "line 1: a field has no name"),
        (b"id,input\na,\xff\n", "not UTF-8"),
        (b"id,text\na,b\n", "line 2: no field 'input'"),
    ],
)
def test_bad_csv_is_named(tmp_path, text, says):
    path = tmp_path / "t.csv"
    path.write_bytes(text)
    with pytest.raises(DataError, match=says):
        dataset(path)


def test_a_csv_cell_of_ten_megabytes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,input\na," + "x" * 10_000_000 + "\n")
    assert len(dataset(path)["a"].input) == 10_000_000


def test_parquet_and_arrow(tmp_path):
    table = pa.Table.from_pylist(ROWS)
    pa.parquet.write_table(table, tmp_path / "p.parquet")
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.OSFile(str(tmp_path / "f.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    expected = dataset(ROWS).examples
    for name in ("p.parquet", "s.arrow", "f.arrow"):
        assert dataset(tmp_path / name, slices="lang").examples == expected


def test_bad_columnar_files_are_named(tmp_path):
    for name in ("p.parquet", "a.arrow"):
        (tmp_path / name).write_bytes(b"PAR1 rubbish")
        with pytest.raises(DataError, match=name):
            dataset(tmp_path / name)
    pa.parquet.write_table(pa.table({"id": ["a", "b"], "input": [1.0, float("nan")]}), tmp_path / "n.parquet")
    with pytest.raises(DataError, match="row 2: field 'input' is nan"):
        dataset(tmp_path / "n.parquet")


@pytest.mark.parametrize("name", ["one", "sharded", "chosen", "splits/train", "splits/test"])
def test_what_hugging_face_datasets_saved_is_what_it_reads_back(name):
    """Folders that the real library wrote (saved_by_datasets/make.py), beside what it reads from them itself."""
    expected = dataset(json.loads((SAVED / "as_read.json").read_text(encoding="utf-8"))[name])
    found = dataset(SAVED / name, slices="lang")
    assert found.examples == expected.examples
    assert found.name == Path(name).name


def test_one_split_of_several_is_chosen():
    assert dataset(SAVED / "splits", split="test").examples == dataset(SAVED / "splits/test").examples
    with pytest.raises(DataError, match=r"splits train, test; choose"):
        dataset(SAVED / "splits")
    with pytest.raises(DataError, match=r"splits train, test; choose"):
        dataset(SAVED / "splits", split="dev")


def test_a_row_of_a_later_shard_is_named_by_its_number_in_all(tmp_path):
    folder = tmp_path / "d"
    shutil.copytree(SAVED / "sharded", folder)
    shutil.copy(folder / "data-00000-of-00003.arrow", folder / "data-00001-of-00003.arrow")  # three rows, then the same
    with pytest.raises(DataError, match=r"row 4: .*'r0'"):
        dataset(folder)


def test_a_bad_folder_says_what_is_wrong(tmp_path):
    with pytest.raises(DataError, match=r"without state\.json"):
        dataset(tmp_path)
    folder = tmp_path / "d"
    shutil.copytree(SAVED / "one", folder)
    (tmp_path / "secret.arrow").write_bytes((folder / "data-00000-of-00001.arrow").read_bytes())
    (folder / "state.json").write_text('{"_data_files": [{"filename": "../secret.arrow"}]}')
    with pytest.raises(DataError, match=r"names secret\.arrow, which is not there"):
        dataset(folder)
    (folder / "state.json").write_text('{"_data_files": [], "_indices_files": [{"filename": "i.arrow"}]}')
    with pytest.raises(DataError, match="flatten_indices"):
        dataset(folder)
    (folder / "state.json").write_text("[")
    with pytest.raises(DataError, match="not a JSON object"):
        dataset(folder)


def test_without_pyarrow_the_install_command_is_named(tmp_path, monkeypatch):
    (tmp_path / "p.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'slipway\[parquet\]'"):
        dataset(tmp_path / "p.parquet")


def test_t40_csv_export_cannot_be_a_formula(tmp_path):
    attacks = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        '=HYPERLINK("http://evil.example")',
        "＝1",
        "\n=1",
    ]
    rows = [{"id": f"={n}", "input": text, "expected": -1.5, "=evil": {"a": "=1"}} for n, text in enumerate(attacks)]
    write_csv(dataset(rows), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as made:
        table = list(csv.reader(made))
    assert table[0] == ["id", "input", "expected", "cluster", "'=evil"]
    for row, text in zip(table[1:], attacks, strict=True):
        assert row[1] == f"'{text}"
        assert row[0].startswith("'=")
        assert row[2:] == ["-1.5", "", '{"a":"=1"}']


@given(st.text())
def test_no_text_begins_a_formula(text):
    assert safe_cell(text).lstrip(" ")[:1] not in ("=", "+", "-", "@", "\t", "\r")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_csv_reads_back_what_is_no_formula(tmp_path_factory, texts):
    data = Dataset("d", tuple(Example(str(n), "x" + text, "") for n, text in enumerate(texts)))
    path = tmp_path_factory.mktemp("csv") / "d.csv"
    write_csv(data, path)
    assert [e.input for e in dataset(path)] == [e.input for e in data]
