"""From the JSON of one file to its resources: a resource, a Bundle, or one of either on each line.

What cannot be read, or is over a limit, becomes an issue with file and line, and everything else is read on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import orjson

from adapter.errors import InputError, Issue
from adapter.evidence.references import Json
from adapter.evidence.store import Located
from adapter.fhir.paths import is_type_name
from adapter.limits import Limits
from adapter.sources.guarded import guarded_lines, over_limit, read_guarded
from adapter.sources.json_text import Repeat, parse_json
from adapter.sources.oversize import within_limits
from adapter.sources.positions import Positions
from adapter.sources.walk import Reading, is_ndjson

SAMPLE = 1_000_000
"""Bytes that tell what kind of file it is."""
MOST_FAULTS = 1000
"""Places of one file that are named; of what is broken throughout, the rest is only counted."""
LINES_LIMIT = 8_000_000
"""Bytes beyond which the line inside a JSON file is not looked for: finding it parses the file again."""
STANDS_TWICE = "a key that stands twice, so that nobody can tell which value is meant"


@dataclass
class FileReader:
    """Takes one file apart; what cannot be read goes to ``reading``, with file and line."""

    path: Path
    root: Path
    shown: str
    reading: Reading
    limits: Limits
    bundles: Iterator[int]
    faults: int = 0
    repeats: Sequence[Repeat] = ()
    """Keys that stand twice in the document (or the line) that is being taken apart."""

    def read(self) -> Iterator[Located]:
        """Every resource of the file."""
        if is_ndjson(self.path):
            for _, line, number in self.lines():
                yield from self.line(line, number)
        elif (content := self.content()) is not None:
            yield from self.document(content)
        self.finish()

    def content(self) -> bytes | None:
        """The whole file, where it can be read."""
        try:
            return read_guarded(self.path, self.root, self.limits)
        except InputError as error:
            self.refuse(error)
            return None

    def lines(self, spool: IO[bytes] | None = None) -> Iterator[tuple[int, bytes, int]]:
        """Where each line that is not blank begins, the line, and its number; ``spool`` as of ``guarded_lines``."""
        try:
            lines = guarded_lines(self.path, self.root, self.limits, spool)
            for number, (start, line) in enumerate(lines, start=1):
                if not line.isspace():
                    yield start, line, number
        except InputError as error:
            self.refuse(error)

    def line(self, content: bytes, number: int) -> Iterator[Located]:
        """The resources of one line."""
        try:
            value = self._parsed(content, "the line")
        except InputError as error:
            self.refuse(error, number)
            return
        yield from self._value(value, number, None)

    def finish(self) -> None:
        """Tell how many faults were not told one by one."""
        if self.faults > MOST_FAULTS:
            problem = f"{self.faults - MOST_FAULTS} more places of this file cannot be read"
            self.reading.issues.append(Issue("structure", problem, "Resource", f"{self.shown}, line 1"))

    def sent(self, content: bytes) -> Iterator[Located]:
        """As ``document``, of what somebody sent: a fault of all of it is raised."""
        value = self._parsed(content, "the document")
        lines = partial(_line_in, _positions_in(content))
        if not isinstance(value, dict) or value.get("resourceType") != "Parameters":
            yield from self._value(value, None, lines)
            return
        self._repeated(None, lines)
        for place, resource in self._parameters(value, lines):
            yield from self._resource(resource, place, None, None, None, lines)

    def _parameters(self, value: Json, lines: Callable[[str], int]) -> Iterator[tuple[str, Json]]:
        """The resources among the parameters of an operation, each with the place it stands in."""
        parameters = value.get("parameter")
        for index, each in enumerate(parameters if isinstance(parameters, list) else []):
            place = f"Parameters.parameter[{index}]"
            resource = each.get("resource") if isinstance(each, dict) else None
            if not isinstance(resource, dict) or each.get("name") != "resource":
                problem = "the operation takes one parameter, `resource`, which holds a resource"
                self._fault(problem, lines(place), place, "invalid")
            else:
                yield f"{place}.resource", resource

    def document(self, content: bytes) -> Iterator[Located]:
        """The resources of a whole file; it may be NDJSON under another name."""
        try:
            value = self._parsed(content, "the document")
        except InputError as error:
            if not _is_ndjson(content):
                self.refuse(error)
                return
            for number, line in enumerate(io.BytesIO(content), start=1):
                if line.strip():
                    yield from self.line(line, number)
            return
        yield from self._value(value, None, partial(_line_in, _positions_in(content)))

    def _parsed(self, content: bytes, what: str) -> Any:
        if len(content) > self.limits.max_json_bytes:
            raise over_limit(what, self.limits.max_json_bytes, "bytes", "MAX_JSON_BYTES")
        value, self.repeats = parse_json(content)
        return value

    def _value(self, value: Any, line: int | None, lines: Callable[[str], int] | None) -> Iterator[Located]:
        """A resource, the resources of a Bundle, or something that is no FHIR."""
        if not isinstance(value, dict) or "resourceType" not in value:
            self.reading.not_fhir += 1
            return
        self._repeated(line, lines)
        yield from self._resource(value, "", None, None, line, lines)

    def _repeated(self, line: int | None, lines: Callable[[str], int] | None) -> None:
        for each in self.repeats:
            if each.kind != "Claim":  # a claim's own answer tells of it
                self._fault(STANDS_TWICE, lines(each.expression) if lines else line or 1, each.expression)

    def _resource(
        self,
        resource: Json,
        entry: str,
        full_url: str | None,
        bundle: int | None,
        line: int | None,
        lines: Callable[[str], int] | None,
    ) -> Iterator[Located]:
        if not is_type_name(resource.get("resourceType")):
            where = lines(f"{entry}.resourceType") if lines else line or 1
            self._fault("resourceType is not the name of a type", where, f"{entry or 'Resource'}.resourceType")
        elif resource["resourceType"] == "Bundle":
            yield from self._bundle(resource, entry, line, lines)
        else:
            self.reading.resources += 1
            located = Located(resource, full_url, bundle, self.shown, line, entry or None, lines=lines)
            if self.repeats:
                located = replace(located, faults=tuple(self._repeats_in(located)))
            yield within_limits(located, self.limits)

    def _repeats_in(self, located: Located) -> Iterator[Issue]:
        """The keys of a resource that stand twice, by their FHIRPath in the resource."""
        start = located.entry or located.kind
        for each in self.repeats:
            if each.expression == start or each.expression.startswith((f"{start}.", f"{start}[")):
                path = located.kind + each.expression.removeprefix(start)
                yield Issue("structure", f"{path}: {STANDS_TWICE}", path, located.place(path))

    def _bundle(
        self, bundle: Json, entry: str, line: int | None, lines: Callable[[str], int] | None
    ) -> Iterator[Located]:
        """The entries of a Bundle; a Bundle inside is a Bundle of its own, as its references are."""
        number = next(self.bundles)
        entries = bundle.get("entry", [])
        if not isinstance(entries, list):
            self._fault(
                "Bundle.entry is not a list", lines(entry) if lines else line or 1, f"{entry or 'Bundle'}.entry"
            )
            return
        for index, each in enumerate(entries):
            place = f"{entry or 'Bundle'}.entry[{index}]"
            resource = each.get("resource") if isinstance(each, dict) else each
            if resource is None:
                continue
            if not isinstance(resource, dict) or "resourceType" not in resource:
                where = lines(place) if lines else line or 1
                self._fault("the entry holds no FHIR resource", where, f"{place}.resource")
                continue
            url = each.get("fullUrl")
            full_url = url if isinstance(url, str) else None
            yield from self._resource(resource, f"{place}.resource", full_url, number, line, lines)

    def _fault(self, problem: str, line: int, expression: str = "Resource", code: str = "structure") -> None:
        self.faults += 1
        if self.faults <= MOST_FAULTS:
            self.reading.issues.append(Issue(code, problem, expression, f"{self.shown}, line {line}"))

    def refuse(self, error: InputError, line: int | None = None) -> None:
        """Note what cannot be read."""
        self._fault(error.problem, line or error.line, code=error.code)


def _is_ndjson(content: bytes) -> bool:
    """Whether most of the first lines are JSON objects of their own: NDJSON under another name."""
    lines = [line for line in content[:SAMPLE].split(b"\n") if line.strip()][:20]
    whole = sum(1 for line in lines if _is_object(line))
    return len(lines) > 1 and whole * 2 >= len(lines)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _positions_in(content: bytes) -> Callable[[], Positions | None]:
    """The places in a document, read when first asked for; none of a very large one."""

    @cache
    def find() -> Positions | None:
        return None if len(content) > LINES_LIMIT else Positions(content.decode("utf-8"))

    return find


_STEP = re.compile(r"\.(_?[A-Za-z]\w*)|\[(\d+)\]")


def _line_in(find: Callable[[], Positions | None], expression: str) -> int:
    """The line of ``Bundle.entry[3].resource.period.start``, or of the nearest element above it."""
    inside = expression.removeprefix("Bundle.").removeprefix("Parameters.")
    steps = [int(index) if index else name for name, index in _STEP.findall(f".{inside}")]
    positions = find()
    return positions.line(steps) if positions else 1
