"""Datasets: reading rows, refusing bad ones, versions, diffs, parts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Example
from slipway.errors import DataError, NotFound, UsageError
from slipway.evals.datasets import Dataset, dataset, write_jsonl

ROWS = [
    {"id": "a", "input": "one", "expected": 1, "lang": "en", "template": "t1"},
    {"id": "b", "input": "two", "expected": 2, "lang": "fr", "template": "t1"},
    {"id": "c", "input": "three", "expected": 3, "lang": "en", "template": "t2"},
]


def file(tmp_path, text, name="rows.jsonl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def jsonl(rows):
    return "\n".join(json.dumps(row) for row in rows)


def test_json_lines(tmp_path):
    data = dataset(file(tmp_path, jsonl(ROWS)), cluster="template", slices=["lang"])
    assert (data.name, len(data), data.slices) == ("rows", 3, ("lang",))
    assert data["a"] == Example("a", "one", 1, {"lang": "en"}, "t1")
    assert data.slices_of(data["b"]) == {"lang": "fr"}
    assert data == dataset(tmp_path / "rows.jsonl", cluster="template", slices="lang")


def test_bom_crlf_blank_lines_and_a_json_list(tmp_path):
    same = dataset(ROWS).examples
    crlf = jsonl(ROWS).replace("\n", "\r\n\r\n")
    assert dataset(file(tmp_path, b"\xef\xbb\xbf" + crlf.encode())).examples == same
    assert dataset(file(tmp_path, json.dumps(ROWS, indent=1), "rows.json")).examples == same


def test_fields_are_chosen_by_name():
    rows = [{"key": 7, "q": "x", "doc": "d", "gold": None, "extra": [1]}]
    (example,) = dataset(rows, id="key", input=["q", "doc"], expected="gold")
    assert example == Example("7", {"q": "x", "doc": "d"}, None, {"extra": [1]})
    assert dataset([{"input": 1}], expected=None).examples[0].expected is None


def test_where_takes_conditions_or_a_function():
    assert [e.id for e in dataset(ROWS, where={"lang": "en"})] == ["a", "c"]
    assert [e.id for e in dataset(ROWS, where={"lang": ["fr"], "expected__ge": 2})] == ["b"]
    assert [e.id for e in dataset(ROWS, where=lambda row: row["input"] > "p")] == ["b", "c"]
    data = dataset(ROWS)
    assert [e.id for e in data.where(lang="en", id__ne="a")] == ["c"]
    assert [e.id for e in data.where(lambda e: e.expected > 1, template__prefix="t1")] == ["b"]
    assert [e.id for e in data.where(lang__gt=3)] == []


def test_rows_without_ids_get_the_hash_of_their_content():
    first = dataset([{"input": "x"}, {"input": "y"}, {"input": "x"}])
    ids = [example.id for example in first]
    assert ids[2] == f"{ids[0]}-2"
    assert len(ids[0]) == 16
    assert [e.id for e in dataset([{"input": "x"}])] == ids[:1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no rows; give it at least one"),
        ("\n \n", "has no rows"),
        ('{"id": "a", "input": 1}\n{"id": "a", "input": 2}', "line 2: field 'id' repeats the id 'a' of .* line 1"),
        ('{"id": "a", "inptu": 1}', "line 1: no field 'input'; did you mean 'inptu'"),
        ('{"id": null, "input": 1}', "line 1: field 'id' is None, which is no id"),
        ('{"id": "", "input": 1}', "field 'id' is empty"),
        ('{"id": true, "input": 1}', "field 'id' is True"),
        ('{"id": [1], "input": 1}', r"field 'id' is \[1\]"),
        ('{"input": 1}\n[1, 2]', "line 2: a row must be an object, not a list"),
        ('{"input": 1}\n{"input": }', "line 2 column 11: not JSON: Expecting value; write one JSON object"),
        ('{"input": {"a": [1, NaN]}}', r"line 1: field 'input.a.1' is nan, which JSON does not have; write null"),
        ('{"input": 1e999}', "field 'input' is inf"),
        ('{"input": 1, "cluster": {"a": 1}}', "field 'cluster' is .* which names no cluster"),
        ('{"input": 1, "metadata": 3}', "field 'metadata' must be an object"),
        (b'{"input": "\xff"}', "line 1: byte 12 is not UTF-8; save"),
        ("{}\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ('{"input": ' + "[" * 300 + "]" * 300 + "}", "field 'input' is nested more than 200 deep"),
        ('{"input": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 1: nested too deep"),
    ],
)
def test_bad_rows_are_named_with_file_line_field_and_mend(tmp_path, text, says):
    path = file(tmp_path, text)
    with pytest.raises(DataError, match=says) as caught:
        dataset(path)
    assert str(path) in str(caught.value)
    assert caught.value.mend


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"id": "key"}, "no field 'key'"),
        ({"expected": "gold"}, "no field 'gold'"),
        ({"cluster": "templat"}, "did you mean 'template'"),
        ({"where": {"lang": "de"}}, "no row of the list satisfies where=.*; loosen"),
    ],
)
def test_a_field_that_was_named_must_be_there(options, says):
    with pytest.raises(DataError, match=says):
        dataset(ROWS, **options)


def test_sources_that_cannot_be_read(tmp_path):
    for source, says in [
        (tmp_path / "nothing.jsonl", "there is no file"),
        (file(tmp_path, "x", "a.xlsx"), "no reader for .xlsx"),
        (3, "cannot read examples from int"),
        (b"{}", "cannot read examples from bytes"),
    ]:
        with pytest.raises(DataError, match=says):
            dataset(source)


def test_t31_hostile_json(tmp_path):
    rows = dataset(file(tmp_path, '{"id": "s", "input": "\\ud800 \\u0000 \\u202e", "__proto__": 1, "a": 1, "a": 2}'))
    (example,) = rows
    assert example.input == "\\ud800 \x00 \u202e"
    assert example.metadata == {"__proto__": 1, "a": 2}
    big = "x" * 10_000_000
    assert len(dataset(file(tmp_path, json.dumps({"input": big}))).examples[0].input) == 10_000_000
    keys = {f"k{n}": n for n in range(100_000)}
    assert len(dataset(file(tmp_path, json.dumps({"input": 1, **keys}))).examples[0].metadata) == 100_000
    assert dataset(file(tmp_path, '{"input": %s}' % ("9" * 400))).examples[0].input == int("9" * 400)


def test_the_version_is_the_content():
    data = dataset(ROWS, name="d")
    assert data.version == dataset([dict(reversed(row.items())) for row in ROWS], name="d").version
    others = [
        dataset(ROWS[:2], name="d"),
        dataset(ROWS[::-1], name="d"),
        dataset(ROWS, name="e"),
        dataset(ROWS, name="d", cluster="template"),
    ]
    assert len({data.version, *(other.version for other in others)}) == 5
    assert data["a"].hash in [__import__("hashlib").sha256(line).hexdigest() for line in data.lines.split(b"\n")]


def test_diff_names_fields():
    new = [
        dict(ROWS[0], expected={"name": "f", "arguments": {"x": 1}}),
        ROWS[2],
        {"id": "d", "input": "four", "lang": "ja"},
    ]
    old = dataset([dict(ROWS[0], expected={"name": "f", "arguments": {"x": 2, "y": 1}}), *ROWS[1:]])
    diff = old.diff(dataset(new))
    assert (diff.added, diff.removed, diff.unchanged) == (("d",), ("b",), 1)
    assert {c.id: dict(c.fields) for c in diff.changed} == {
        "a": {"expected.arguments.x": (2, 1), "expected.arguments.y": (1, None)}
    }
    assert "1 added, 1 removed, 1 changed (expected.arguments.x in 1, expected.arguments.y in 1), 1 the same" in str(
        diff
    )
    assert old.diff(old).empty


def test_sample_is_drawn_by_seed():
    data = dataset([{"id": n, "input": n} for n in range(100)])
    assert data.sample(10, seed=1) == data.sample(10, seed=1) != data.sample(10, seed=2)
    assert [int(e.id) for e in data.sample(10)] == sorted(int(e.id) for e in data.sample(10))
    assert data.sample(1000) == data
    with pytest.raises(UsageError):
        data.sample(-1)


def test_split_keeps_clusters_whole_and_is_stable():
    rows = [{"id": n, "input": n, "cluster": f"c{n // 5}"} for n in range(1000)]
    parts = dataset(rows).split(train=0.8, test=0.2)
    assert len(parts["train"]) + len(parts["test"]) == 1000
    assert 120 <= len(parts["test"]) <= 280
    assert not {e.cluster for e in parts["train"]} & {e.cluster for e in parts["test"]}
    fewer = dataset(rows[:500]).split(train=0.8, test=0.2)
    assert {e.id for e in fewer["test"]} <= {e.id for e in parts["test"]}
    assert parts["test"].name == "dataset-test"
    with pytest.raises(UsageError, match="positive"):
        dataset(rows).split()


def test_an_unknown_example_names_the_nearest():
    with pytest.raises(NotFound, match="did you mean 'row-1'"):
        dataset([{"id": "row-1", "input": 1}])["row1"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.tuples(
            json_values,
            json_values,
            st.dictionaries(st.text(max_size=8), json_values, max_size=4),
            st.none() | st.text(),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_reads_back(tmp_path_factory, made):
    data = Dataset("d", tuple(Example(key, *fields) for key, fields in made.items()))
    read = dataset(list(data), name="d")
    assert read.version == data.version
    path = tmp_path_factory.mktemp("round") / "d.jsonl"
    write_jsonl(data, path)
    assert dataset(path).version == data.version


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("random") / "r.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError):
        dataset(path)
