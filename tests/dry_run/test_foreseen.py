"""What a dry run keeps of the answers: a fixed number in memory, and for JSON all, in order."""

from __future__ import annotations

import gc
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from dry_run.made import outcome, response

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.change_json import change_json
from adapter.answers.difference import difference
from adapter.answers.totals import Totals, is_change
from adapter.cli.console import print_json, print_json_listing
from adapter.errors import UsageError
from adapter.sinks import change_spool
from adapter.sinks.earlier_files import EarlierAnswers
from adapter.sync.foreseen import CLAIMS_SHOWN, Foreseen
from adapter.sync.into_folder import Comparing
from adapter.sync.report import Report

Json = dict[str, Any]
MOST_HELD = 20
NEW = difference(None, response("DENY"))
OTHER = difference(response("DENY"), response("APPROVE", net=85.5), ("item",))


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_spool, "MOST_HELD", MOST_HELD)


def written(count: int) -> Iterator[Written]:
    """Answers in no order of claims: created, changed, left and failed, some about no claim."""
    for number in random.Random(0).sample(range(count), count):
        claim = None if number % 10 == 9 else f"claim-{number - number % 2}"
        yield (
            Written(claim, Action.CREATED, difference=NEW),
            Written(claim, Action.UPDATED, difference=OTHER),
            Written(claim, Action.UNCHANGED),
            Written(claim, Action.FAILED, "conflict"),
        )[number % 4]


def at_once(all_of_them: Iterable[Written]) -> Report:
    report = Report()
    for each in all_of_them:
        report.wrote([each], dry_run=True)
    return report


def in_parts(all_of_them: Iterable[Written]) -> Report:
    """As over a server, each part a report of its own; some have more than fits in memory."""
    report, part = Report(), Report()
    for number, each in enumerate(all_of_them):
        part.wrote([each], dry_run=True)
        if number % (3 * MOST_HELD) in (1, MOST_HELD):
            report.absorb(part)
            part = Report()
    report.absorb(part)
    return report


WAYS = pytest.mark.parametrize("way", [at_once, in_parts])


@WAYS
def test_no_more_is_held_of_many_answers_than_of_few(way: Callable[[Iterable[Written]], Report]) -> None:
    few, many = kept(lambda: way(written(20 * CLAIMS_SHOWN // 10))), kept(lambda: way(written(20 * CLAIMS_SHOWN)))
    assert few <= many <= CLAIMS_SHOWN + MOST_HELD


@pytest.mark.parametrize("old", [False, True], ids=["all new", "all as they were"])
def test_a_folder_is_compared_in_the_same_room(tmp_path: Path, old: bool) -> None:
    answers = [Answer(f"c{number}", outcome=outcome("structure") | {"id": f"c{number}"}) for number in range(1000)]
    if old:
        change = [orjson.dumps(each.outcome) for each in answers]
        (tmp_path / "OperationOutcome.ndjson").write_bytes(b"\n".join(change))

    def compared() -> Report:
        report = Report()
        with EarlierAnswers(tmp_path) as earlier:
            folder = Comparing(earlier, whole=True)
            folder.take(answers)
            folder.finish(report)
        return report

    assert kept(compared) <= (0 if old else CLAIMS_SHOWN) + MOST_HELD
    assert compared().written == {Action.UNCHANGED if old else Action.CREATED: len(answers)}


def kept(way: Callable[[], Report]) -> int:
    """How many answers are in memory when all have come: as what was written, or as rows."""
    before = in_memory()
    report = way()
    return in_memory() - before + report.foreseen.spool.held


def in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, Written) for each in gc.get_objects())


@WAYS
@pytest.mark.parametrize("count", [0, 1, MOST_HELD, MOST_HELD + 1, 2 * MOST_HELD + 1, 7 * MOST_HELD])
def test_all_are_told_by_claim_and_of_one_claim_as_they_came(
    count: int, way: Callable[[Iterable[Written]], Report]
) -> None:
    report, all_of_them = way(written(count)), [*written(count)]
    ordered = sorted(all_of_them, key=lambda each: each.claim or "")
    assert [*report.foreseen.in_order()] == [change_json(each) for each in ordered]
    assert report.foreseen.totals == Totals.of(all_of_them)
    assert report.written == Counter(each.action for each in all_of_them)


@WAYS
@pytest.mark.parametrize("count", [0, 10, 2 * CLAIMS_SHOWN - 2, 2 * CLAIMS_SHOWN, 2 * CLAIMS_SHOWN + 4])
def test_people_are_shown_the_first_by_claim(count: int, way: Callable[[Iterable[Written]], Report]) -> None:
    changes = sorted(filter(is_change, written(count)), key=lambda each: each.claim or "")
    assert way(written(count)).foreseen.first == changes[:CLAIMS_SHOWN]


def test_claims_stand_in_the_order_of_their_letters() -> None:
    foreseen = Foreseen()
    names = ["c2", None, "c10", "\U0001f600", "\uffef", "c1", "é", *(f"d{number}" for number in range(MOST_HELD))]
    foreseen.add(Written(name, Action.UNCHANGED) for name in names)
    assert [each["claim"] for each in foreseen.in_order()] == sorted(names, key=lambda name: name or "")


def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = at_once(written(3 * MOST_HELD))
    assert len([*report.foreseen.in_order()]) == 3 * MOST_HELD
    assert [*tmp_path.iterdir()] == []


def test_a_folder_for_temporary_files_that_takes_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert len([*at_once(written(MOST_HELD)).foreseen.in_order()]) == MOST_HELD
    with pytest.raises(UsageError, match=r"cannot be written \(No such file or directory\)\. Name another with TMPDIR\."):
        at_once(written(MOST_HELD + 1))


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_list_is_printed_as_it_would_be_in_one_piece(count: int, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    head = {"claims": {"in_scope": 1, "none": []}, "text": "[] \x1b[1m\n"}
    items: list[Json] = [{"claim": f"\u202e\n{number}", "lines": [{}, {"a": [1, "[]"]}]} for number in range(count)]
    print_json(head | {"changes": items})
    whole = capfdbinary.readouterr().out
    print_json_listing(head, "changes", iter(items))
    assert capfdbinary.readouterr().out == whole
