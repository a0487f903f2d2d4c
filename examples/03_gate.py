"""A gate: must-pass examples, a bound on the interval, not worse than what is shipped. Exits like `slipway gate`."""

import sys

import slipway as sw


@sw.task
def shout(example, ctx):
    return example.input.upper() + ctx.config.get("ending", "")


rows = [{"id": str(n), "input": f"order {n}", "expected": f"ORDER {n}"} for n in range(60)]
runs = sw.evaluate(
    shout,
    sw.dataset(rows, name="orders"),
    scorers=["exact"],
    variants=[sw.Variant("shipped"), sw.Variant("louder", {"ending": "!"}, parent="shipped", note="ends with a mark")],
    project="examples",
)
opened = sw.gate(runs["shipped"], must_pass=True)
closed = sw.gate(runs["louder"], baseline=runs["shipped"], at_least=0.9)
print(opened)
print(closed)
sys.exit(0 if opened.passed and closed.exit_code == 1 else 1)
