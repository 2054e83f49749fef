"""Whether every claim ended in its one right answer: the one that files of the final resources get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from answers.story_stages import shipped
from crash.load import Copy

from adapter.answers.answer import Answer
from adapter.sync.files import Order, sync_files

Json = dict[str, Any]
_SERVERS_OWN = frozenset({"id", "meta", "created"})


def due(work: Sequence[Copy], folder: Path) -> dict[str, Json]:
    """What ``sync`` over files of the final resources answers, by claim."""
    source = folder / "final.ndjson"
    source.write_text("".join(f"{json.dumps(each)}\n" for copy in work for each in copy.final), encoding="utf-8")
    answers: list[Answer] = []
    order = Order(source, folder / "final", datetime.now(UTC))
    sync_files(order, shipped(), lambda *_: None, keep=answers.extend)
    return {each.claim: each.response for each in answers if each.claim and each.response}


def lost(work: Sequence[Copy], of: Callable[[str], Iterable[Json]]) -> Iterator[str]:
    """Every resource that the FHIR server does not hold as it was last written: then nothing is proved."""
    written = {(each["resourceType"], each["id"]): each for copy in work for each in copy.final}
    for kind in sorted({kind for kind, _ in written}):
        held = {each["id"]: _content(each) for each in of(kind)}
        for _, id in sorted(name for name in written if name[0] == kind):
            if held.get(id) != _content(written[kind, id]):
                yield f"the FHIR server lost a write of {kind}/{id}"


def wrong(found: Mapping[str, Sequence[Json]], due: Mapping[str, Json]) -> Iterator[str]:
    """Every claim with no answer, several, or another than is due."""
    for claim in sorted({*found, *due}):
        answers = found.get(claim, [])
        if len(answers) != (claim in due):
            yield f"Claim/{claim} has {len(answers)} ClaimResponses, not {int(claim in due)}"
        elif answers and _content(answers[0]) != _content(due[claim]):
            yield f"Claim/{claim} is answered otherwise: {_difference(_content(answers[0]), _content(due[claim]))}"


def _difference(found: Json, due: Json) -> str:
    """The first element in which they differ; all data here are made up."""
    name = next(each for each in (*due, *found) if found.get(each) != due.get(each))
    return f"{name} is {found.get(name)!r}, not {due.get(name)!r}"


def _content(resource: Json) -> Any:
    plain = {name: value for name, value in resource.items() if name not in _SERVERS_OWN}
    return json.loads(json.dumps(plain), parse_float=float, parse_int=float)  # 85.0 is 85 to a server
