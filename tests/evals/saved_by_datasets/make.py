"""Writes the folders beside this file with the real Hugging Face library, of which the tests need only what it left.

python -m venv /tmp/hf && /tmp/hf/bin/pip install datasets && /tmp/hf/bin/python tests/evals/saved_by_datasets/make.py

The library brings 24 distributions and 300 MiB, so it is not one of `make setup`'s. VERSION names the one that wrote them.
The rows are invented. ``as_read.json`` is what the library itself reads back from each folder.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import datasets

HERE = Path(__file__).parent
SAID = [
    ("will it rain in ashford", "weather", {"place": "ashford"}, "en"),
    ("turn the lamp off", "lamp_off", {}, "en"),
    ("pleut-il à brumeval", "weather", {"place": "brumeval"}, "fr"),
    ("open the blue door please", "open_door", {"colour": "blue"}, "en"),
    ("何時ですか", "time", {}, "ja"),
    ("wake me at seven", "alarm", {"hour": "seven"}, "en"),
    ("quelle heure est-il", "time", {}, "fr"),
]


def main() -> None:
    """One table in one file, in three, as two splits, and as what filtering and shuffling leave."""
    rows = [
        {
            "id": f"r{number}",
            "input": text,
            "expected": {"name": name, "arguments": [{"key": k, "value": v} for k, v in arguments.items()]},
            "lang": lang,
            "tags": ["short"] if len(text) < 18 else ["long", "polite"],
            "weight": number / 4,
            "note": None if number % 2 else "seen",
            "level": ("easy", "hard")[number % 2],
            "said_at": datetime(2026, 3, 1 + number, 8, 30, tzinfo=UTC),
        }
        for number, (text, name, arguments, lang) in enumerate(SAID)
    ]
    whole = datasets.Dataset.from_list(rows).class_encode_column("level")
    made = {
        "one": whole,
        "sharded": whole,
        "chosen": whole.shuffle(seed=1).filter(lambda row: row["lang"] != "ja"),
        "splits": datasets.DatasetDict(train=whole.select(range(5)), test=whole.select([5, 6])),
    }
    for name, data in made.items():
        data.save_to_disk(HERE / name, **({"num_shards": 3} if name == "sharded" else {}))
    read = {name: datasets.load_from_disk(str(HERE / name)) for name in ("one", "sharded", "chosen")}
    read |= {f"splits/{name}": data for name, data in datasets.load_from_disk(str(HERE / "splits")).items()}
    text = json.dumps({name: list(data) for name, data in read.items()}, ensure_ascii=False, indent=1, default=str)
    (HERE / "as_read.json").write_text(text + "\n", encoding="utf-8")
    (HERE / "VERSION").write_text(f"datasets {datasets.__version__}\n")


if __name__ == "__main__":
    main()
