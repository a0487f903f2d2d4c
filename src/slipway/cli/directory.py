"""Every command with its one line of help, in the order in which they are read.

`slipway --help` prints this table and imports nothing else; a command is imported when it is called. Adding a command is one
line here and one file ``slipway/cli/<name>.py`` with the click command in ``command`` (decision 0060).
"""

from __future__ import annotations

SECTIONS: dict[str, dict[str, str]] = {
    "Start": {
        "init": "Write a commented slipway.toml and an example that runs.",
        "doctor": "Check the store, the spool, the machine; say what to mend.",
        "model": "Fetch, list and show weights of models that run here.",
    },
    "Serve": {
        "up": "Start the server: OTLP receiver and JSON API on one port.",
        "key": "Make, list and revoke keys of the server.",
        "backup": "Copy everything that cannot be made again, while it runs.",
        "restore": "Put a backup into an empty data folder.",
        "migrate": "Bring the store to the schema of this version.",
        "prune": "Delete what is older or larger than the settings keep.",
        "prove": "Kill a server under load; look for all it acknowledged.",
    },
    "Record": {
        "run": "Record a script or module that does not know Slipway.",
        "trace": "List traces, show one as a tree of spans.",
        "metrics": "Find metrics by regular expression, with their last values.",
    },
    "Evaluate": {
        "dataset": "Add, list, show and compare versions of datasets.",
        "suite": "List suites; seal, look at and audit a held-out one.",
        "eval": "Run a suite for one or more variants.",
        "runs": "List eval runs, show one with its wrong answers.",
        "compare": "Compare two runs, example by example: a verdict.",
        "gate": "Decide whether a run may ship; exit 0 or 1.",
        "journey": "The tree of variants: what changed, what it did.",
        "reproduce": "Run a run again from what was recorded of it.",
    },
    "Terminal": {
        "completion": "Print the completion script for bash, zsh or fish.",
    },
}

EXIT_CODES: dict[int, str] = {
    0: "passed",
    1: "blocked by a gate, or different",
    2: "the command makes no sense as written",
    3: "infrastructure or a model failed",
    4: "cannot tell",
    5: "nothing ran",
    6: "stopped by the cost cap",
    130: "interrupted",
    143: "terminated",
}


def commands() -> dict[str, str]:
    """Name and short help of every command."""
    return {name: text for section in SECTIONS.values() for name, text in section.items()}


def help_text() -> str:
    """What ``slipway --help`` prints. Plain text: it must not cost the import of a renderer."""
    lines = [
        "Usage: slipway COMMAND [OPTIONS]",
        "",
        "Record what you try, learn whether a change is real, ship only what passed.",
    ]
    for section, rows in SECTIONS.items():
        lines += ["", f"{section}:"] + [f"  {name:<11} {text}" for name, text in rows.items()]
    lines += [
        "",
        "Options:",
        "  --version   Print the version.",
        "  --help      This text; `slipway COMMAND --help` says more about one command.",
        "",
        "Every command takes --json (standard output is one JSON document), --data, --store, --project and --debug.",
        "Each option has a variable: SLIPWAY_EVAL_REPEATS=3 is `slipway eval --repeats 3`.",
        "",
        "Exit codes:",
    ]
    lines += [f"  {code:<11} {meaning}" for code, meaning in EXIT_CODES.items()]
    return "\n".join(lines)
