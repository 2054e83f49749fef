"""Health data that cannot be mistaken for anything else, and a search that finds it wherever it got to."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]

PHI = "cnryzq"
"""In every name, number, address and text of the marked record, whatever its case."""
BIRTH_DATE = "1901-02-03"
ID = "idzqmark"
"""In every id of the marked record: of use to an operator, and so in answers, but never in a log line."""
NOTE = f"She said {PHI}-note, and went home."


def marked(bundle: Json) -> Json:
    """The approved story as a record full of markers; it is decided as before."""
    record: Json = json.loads(json.dumps(bundle).replace("0592t-approved", ID))
    resources = [each["resource"] for each in record["entry"]]
    for resource in resources:
        kind = resource["resourceType"]
        for change in (_everywhere(kind), *_CHANGES.get(kind, ())):
            resource.update(change)
    patient = next(each["id"] for each in resources if each["resourceType"] == "Patient")
    record["entry"].append({"resource": _observation(patient)})
    return record


def _everywhere(kind: str) -> Json:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{PHI}-narrative</div>'
    return {
        "text": {"status": "generated", "div": div},
        "extension": [{"url": f"http://{PHI}.example.org/extension", "valueString": f"{PHI}-extension-{kind}"}],
    }


def _identified(kind: str) -> Json:
    return {"identifier": [{"system": "https://clinic.example.org/numbers", "value": f"{PHI}-{kind}-number"}]}


_NAMED = {"name": [{"family": f"{PHI}-Family", "given": [f"{PHI}-Given"], "text": f"{PHI}-Whole"}]}
_REACHED = {
    "telecom": [{"system": "phone", "value": f"{PHI}-555"}],
    "address": [{"line": [f"{PHI}-street 7"], "city": f"{PHI}-town", "postalCode": f"{PHI}"}],
}
_CHANGES: dict[str, tuple[Json, ...]] = {
    "Patient": (_identified("patient"), _NAMED, _REACHED, {"birthDate": BIRTH_DATE}),
    "Practitioner": (_NAMED, _REACHED),
    "Coverage": (_identified("coverage"), {"subscriberId": f"{PHI}-member"}),
    "Claim": (_identified("claim"),),
    "Encounter": (_identified("encounter"), {"reasonCode": [{"text": f"{PHI}-reason"}]}),
    "Procedure": ({"note": [{"text": NOTE}]}, _identified("procedure")),
    "Condition": ({"note": [{"text": NOTE}]},),
    "DocumentReference": (
        {
            "description": f"{PHI}-description",
            "content": [
                {
                    "attachment": {
                        "contentType": "text/plain",
                        "title": f"{PHI}-title",
                        "data": base64.b64encode(NOTE.encode()).decode(),
                    }
                }
            ],
        },
    ),
}


def _observation(patient: str) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"{ID}-observation",
        "status": "final",
        "code": {"text": f"{PHI}-code"},
        "subject": {"reference": f"Patient/{patient}"},
        "valueString": f"{PHI}-value",
        "note": [{"text": NOTE}],
    }


# --- the search


def _forms(marker: str) -> Iterator[str]:
    """A text as it is, percent-encoded, escaped, and in base64 at any of its three offsets."""
    yield marker
    yield quote(marker, safe="").lower()
    yield marker.encode().hex()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + marker.encode()).decode()
        yield whole[(offset * 8 + 5) // 6 : (offset * 8 + len(marker) * 8) // 6].lower()


_FORMS = {each: frozenset(_forms(each)) for each in (PHI, BIRTH_DATE, ID)}


def markers_in(content: str | bytes, markers: Iterable[str] = (PHI, BIRTH_DATE)) -> set[str]:
    """The markers that stand in a text, in any form."""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    folded = text.lower()
    return {each for each in markers if any(form in folded for form in _FORMS[each])}


def files_with(folder: Path, markers: Iterable[str] = (PHI, BIRTH_DATE)) -> set[str]:
    """The files of a folder, at any depth, that hold a marker; what is packed is unpacked."""
    wanted = tuple(markers)
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and (markers_in(_content(path), wanted) or markers_in(path.name, wanted))
    }


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def columns_with(database: Path, markers: Iterable[str] = (PHI, BIRTH_DATE)) -> set[str]:
    """The columns, as ``table.column``, of an SQLite file that hold a marker in some row."""
    wanted = tuple(markers)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            f"{table}.{column}"
            for table in tables
            for column, value in _values(db, table)
            if value is not None and markers_in(value if isinstance(value, bytes) else str(value), wanted)
        }


def _values(db: sqlite3.Connection, table: str) -> Iterator[tuple[str, Any]]:
    rows = db.execute(f'SELECT * FROM "{table}"')
    names = [each[0] for each in rows.description]
    for row in rows:
        yield from zip(names, row, strict=True)


# --- what may be said where

LOG_LINE = re.compile(r'^(?:\d{4}-\d\d-\d\dT\S+Z [a-z]+ |\{"timestamp": )')


def log_lines(stderr: str) -> list[str]:
    """The lines that were logged."""
    return [line for line in stderr.splitlines() if LOG_LINE.match(line)]


def assert_silent(stderr: str) -> None:
    """No health data on stderr; no id in what was logged, and of other lines none but of a claim that failed."""
    assert [line for line in stderr.splitlines() if markers_in(line)] == []
    for line in stderr.splitlines():
        told = line if LOG_LINE.match(line) else line.replace(f"Claim/{ID}", "")
        assert markers_in(told, [ID]) == set(), line
