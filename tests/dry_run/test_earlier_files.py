"""Old answers in a folder: found by their claim wherever they stand, compared one at a time, never written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest
from dry_run.made import outcome, response

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.totals import Effect, effect
from adapter.errors import UsageError
from adapter.sinks.earlier_files import EarlierAnswers

Json = dict[str, Any]


@dataclass
class Compared:
    """All that a dry run finds out about a folder."""

    written: list[Written]
    unreadable: int
    warnings: list[str]


def compared_with(answers: Iterable[Answer], out: Path, *, whole: bool = True) -> Compared:
    with EarlierAnswers(out) as earlier:
        written = [earlier.compare(each) for each in answers]
        written += earlier.left() if whole else []
        return Compared(written, earlier.unreadable, earlier.warnings())


def of(claim: str, resource: Json) -> Json:
    """An answer of ``made`` as the answer to another claim."""
    named: Json = orjson.loads(orjson.dumps(resource).replace(b"Claim/c1", f"Claim/{claim}".encode()))
    return named | {"id": f"{claim}-response" if resource["resourceType"] == "ClaimResponse" else claim}


def answer(claim: str, resource: Json) -> Answer:
    named = of(claim, resource)
    is_response = named["resourceType"] == "ClaimResponse"
    return Answer(claim, response=named) if is_response else Answer(claim, outcome=named)


def put(folder: Path, *resources: Json) -> None:
    """The folder holds these answers, as a run writes them."""
    for kind in ("ClaimResponse", "OperationOutcome"):
        lines = [orjson.dumps(each) for each in resources if each["resourceType"] == kind]
        (folder / f"{kind}.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))


def standings(written: Iterable[Written]) -> list[tuple[str | None, str, str, str]]:
    return [
        (each.claim, effect(each).value, each.difference.before.standing.value, each.difference.after.standing.value)
        for each in written
        if each.difference
    ]


@pytest.mark.parametrize(
    ("old", "new", "action", "becomes"),
    [
        pytest.param(None, response("DENY"), Action.CREATED, Effect.CREATE, id="new"),
        pytest.param(None, outcome("structure"), Action.CREATED, Effect.CREATE, id="a new outcome"),
        pytest.param(response("DENY"), response("DENY"), Action.UNCHANGED, Effect.LEAVE, id="the same"),
        pytest.param(
            response("DENY"), response("DENY") | {"created": "2030-01-01"}, Action.UNCHANGED, Effect.LEAVE, id="later"
        ),
        pytest.param(outcome("structure"), outcome("structure"), Action.UNCHANGED, Effect.LEAVE, id="the same outcome"),
        pytest.param(response("DENY"), response("APPROVE"), Action.UPDATED, Effect.CHANGE, id="another decision"),
        pytest.param(
            response("DENY"), response("DENY") | {"disposition": "x"}, Action.UPDATED, Effect.CHANGE, id="other words"
        ),
        pytest.param(response("DENY"), outcome("structure"), Action.UPDATED, Effect.CHANGE, id="to an outcome"),
        pytest.param(outcome("structure"), response("DENY"), Action.UPDATED, Effect.CHANGE, id="from an outcome"),
    ],
)
def test_one_answer(tmp_path: Path, old: Json | None, new: Json, action: Action, becomes: Effect) -> None:
    put(tmp_path, *([of("c1", old)] if old else []))
    (written,) = compared_with([answer("c1", new)], tmp_path).written
    assert (written.action, effect(written)) == (action, becomes)
    assert (written.difference is None) is (action is Action.UNCHANGED)


@pytest.mark.parametrize("whole", [True, False])
def test_what_nothing_takes_the_place_of_would_be_gone(tmp_path: Path, whole: bool) -> None:
    put(tmp_path, of("c1", response("DENY")), of("c2", response("PEND")), of("c3", outcome("structure")))
    compared = compared_with([answer("c1", response("DENY"))], tmp_path, whole=whole)
    gone = [
        ("c2", "remove", "PEND", "NO_ANSWER"),
        ("c3", "remove", "OPERATION_OUTCOME", "NO_ANSWER"),
    ]
    assert standings(compared.written) == (gone if whole else [])


def test_an_outcome_about_no_claim_names_none_when_it_is_gone(tmp_path: Path) -> None:
    put(tmp_path, outcome("structure") | {"id": "unreadable-0123"})
    (written,) = compared_with([], tmp_path).written
    assert (written.claim, written.action) == (None, Action.REMOVED)


def test_the_order_of_new_and_old_does_not_matter(tmp_path: Path) -> None:
    claims = [f"c{number}" for number in range(50)]
    put(tmp_path, *(of(each, response("DENY")) for each in claims))
    new = [answer(each, response("APPROVE" if each == "c7" else "DENY")) for each in reversed(claims)]
    compared = compared_with(new, tmp_path)
    assert [each.claim for each in compared.written] == claims[::-1]
    assert standings(compared.written) == [("c7", "change", "DENY", "APPROVE")]


def test_an_id_that_is_too_long_to_be_derived_plainly_is_found(tmp_path: Path) -> None:
    from adapter.answers.claim_response import response_id

    claim = "x" * 64
    resource = of(claim, response("DENY")) | {"id": response_id(claim)}
    put(tmp_path, resource)
    (written,) = compared_with([Answer(claim, response=resource)], tmp_path).written
    assert written.action is Action.UNCHANGED
    (turned,) = compared_with([Answer(claim, outcome=of(claim, outcome("structure")))], tmp_path).written
    assert standings([turned]) == [(claim, "change", "DENY", "OPERATION_OUTCOME")]


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(lambda line: orjson.dumps(dict(reversed(orjson.loads(line).items()))), id="other order"),
        pytest.param(lambda line: line.replace(b'":"', b'" : "', 1), id="spaces"),
        pytest.param(lambda line: b"  " + line, id="indented"),
        pytest.param(lambda line: b"\n\n" + line, id="after empty lines"),
        pytest.param(lambda line: line + b"\r", id="line ends of another system"),
    ],
)
def test_lines_that_others_wrote_are_read(tmp_path: Path, spelt: Any) -> None:
    put(tmp_path)
    lines = [orjson.dumps(of(each, response("DENY"))) for each in ("c1", "c2")]
    (tmp_path / "ClaimResponse.ndjson").write_bytes(b"\n".join(map(spelt, lines)))
    compared = compared_with([answer(each, response("DENY")) for each in ("c2", "c1")], tmp_path)
    assert [each.action for each in compared.written] == [Action.UNCHANGED] * 2
    assert compared.unreadable == 0


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(b"not JSON\n", id="no JSON"),
        pytest.param(b"[]\n", id="no object"),
        pytest.param(b'{"resourceType":"ClaimResponse"}\n', id="no id"),
        pytest.param(b'{"resourceType":"ClaimResponse","id":"c1-response","sta', id="cut off"),
        pytest.param(b"\xff\n", id="no text"),
    ],
)
def test_a_line_that_cannot_be_read_counts_as_not_there_and_is_told(tmp_path: Path, spoilt: bytes) -> None:
    put(tmp_path)
    good = orjson.dumps(of("c2", response("DENY"))) + b"\n"
    (tmp_path / "ClaimResponse.ndjson").write_bytes(good + spoilt)
    compared = compared_with([answer(each, response("DENY")) for each in ("c1", "c2")], tmp_path)
    assert [each.action for each in compared.written] == [Action.CREATED, Action.UNCHANGED]
    (warning,) = compared.warnings
    assert warning.startswith("1 lines of the old answers in ")


def test_the_last_of_two_answers_to_one_claim_counts(tmp_path: Path) -> None:
    put(tmp_path, of("c1", response("DENY")), of("c1", response("APPROVE")))
    (written,) = compared_with([answer("c1", response("APPROVE"))], tmp_path).written
    assert written.action is Action.UNCHANGED


def test_without_a_folder_all_is_new(tmp_path: Path) -> None:
    compared = compared_with([answer("c1", response("DENY"))], tmp_path / "nowhere")
    assert [each.action for each in compared.written] == [Action.CREATED]
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_read_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UsageError, match="cannot be read \\(Permission denied\\)"):
        compared_with([], tmp_path)


@pytest.mark.parametrize("old", [response("DENY"), outcome("structure")], ids=["response", "outcome"])
def test_what_another_process_compared_is_not_gone(tmp_path: Path, old: Json) -> None:
    put(tmp_path, of("c1", old), of("c2", old))
    with EarlierAnswers(tmp_path) as earlier:
        earlier.seen("c1")
        earlier.seen("nobody")
        assert [each.claim for each in earlier.left()] == ["c2"]


def test_answers_may_be_compared_one_at_a_time(tmp_path: Path) -> None:
    put(tmp_path, of("c1", response("DENY")), of("c2", response("DENY")))
    with EarlierAnswers(tmp_path) as earlier:
        assert effect(earlier.compare(answer("c1", response("PEND")))) is Effect.CHANGE
        assert [each.claim for each in earlier.left()] == ["c2"]


def test_old_answers_that_cannot_be_read_any_more_are_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, of("c1", response("APPROVE")))
    with EarlierAnswers(tmp_path) as earlier:
        gone = Mock(readline=Mock(side_effect=OSError(5, "Input/output error")))
        monkeypatch.setitem(earlier._files, "ClaimResponse", gone)
        with pytest.raises(UsageError, match=r"the old answers in .* cannot be read \(Input/output error\)"):
            earlier.compare(answer("c1", response("APPROVE")))
