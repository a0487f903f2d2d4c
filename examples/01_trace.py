"""Record calls: functions, a stream, a failure. Then: slipway trace ls"""

import slipway as sw


@sw.trace(kind="retrieval")
def search(question: str) -> list[str]:
    return ["Parcels leave on Tuesday."] if "parcel" in question else []


@sw.trace(kind="llm")
def generate(question: str, sources: list[str]):
    for word in (sources or ["I do not know."])[0].split():
        yield word + " "


@sw.trace
def answer(question: str) -> str:
    with sw.span("choose", kind="chain") as choice:
        sources = search(question)
        choice.set(sources=len(sources))
    if not question:
        raise ValueError("there is no question")
    return "".join(generate(question, sources)).strip()


sw.init(project="examples")
print(answer("When does my parcel leave?"))
try:
    answer("")
except ValueError as error:
    print(f"recorded as failed: {error}")
sw.flush()
print("Next: slipway trace ls --project examples")
