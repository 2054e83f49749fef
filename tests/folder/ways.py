"""One input, worked off in every way there is: in one portion, patient by patient, by several processes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from answers.story_stages import NOW, shipped

from adapter.sync.files import Order, Way, sync_files

Json = dict[str, Any]
FILES = ("ClaimResponse.ndjson", "OperationOutcome.ndjson", "Provenance.ndjson", "decisions.ndjson")
AT_ONCE = Way(portion=1_000_000)
WAYS = {
    "patient by patient": Way(portion=1),
    "hardly any memory": Way(portion=3, memory=1024),
    "two processes": Way(processes=2, portion=1),
}


def written(source: Path, way: Way, out: Path) -> dict[str, bytes]:
    """The bytes of everything a run writes; of the summary, what does not tell the time."""
    sync_files(Order(source, out, datetime.fromisoformat(NOW)), shipped(), lambda *_: None, way)
    summary = json.loads((out / "summary.json").read_bytes())
    summary.pop("elapsed_seconds")
    return {name: (out / name).read_bytes() for name in FILES} | {"summary.json": json.dumps(summary).encode()}


def decisions(source: Path, way: Way, out: Path) -> dict[str, str]:
    """Claim to the decision on its only line; to the code of the first issue where it could not be processed."""
    found = written(source, way, out)
    lines = map(json.loads, found["decisions.ndjson"].splitlines())
    outcomes = map(json.loads, found["OperationOutcome.ndjson"].splitlines())
    return {each["claim"]: each["decision"] for each in lines} | {
        each["id"]: each["issue"][0]["code"] for each in outcomes
    }


def ndjson(path: Path, resources: Iterable[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(each)}\n" for each in resources), encoding="utf-8")
