"""Datasets: versioned examples from files, tables, traces or lists. Start in dataset.py; rows.py turns rows into examples.

data = dataset("quick.jsonl", input="text", cluster="template", slices=["lang"])
version = data.save(store)
"""

from slipway.evals.datasets.dataset import Dataset
from slipway.evals.datasets.diff import Change, Diff
from slipway.evals.datasets.difficulty import Difficulty, difficulty
from slipway.evals.datasets.kept import load_version, save, versions
from slipway.evals.datasets.sources import dataset
from slipway.evals.datasets.write import write_csv, write_jsonl

__all__ = [
    "Change",
    "Dataset",
    "Diff",
    "Difficulty",
    "dataset",
    "difficulty",
    "load_version",
    "save",
    "versions",
    "write_csv",
    "write_jsonl",
]
