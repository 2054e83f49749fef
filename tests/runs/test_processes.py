"""Real processes on a real PostgreSQL: killed, resumed, refused, watched; every claim ends with exactly one answer."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import NOW
from runs.world import LONG_AGO, SlowServer, Workplace, ended, until, workplace

from adapter.runs.board import Board
from adapter.sinks.ledger import Ledger

Json = dict[str, Any]
SITE = Path(__file__).parents[2] / "fixtures" / "site" / "mappings"


@pytest.fixture
def place(database: str, tmp_path: Path) -> Iterator[Workplace]:
    with workplace(database, tmp_path) as place:
        yield place


@pytest.fixture
def board(database: str) -> Iterator[Board]:
    with Board(database) as board:
        yield board


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, dict[str, Json]]:
    """What ``sync URL`` says and writes, on a server of its own."""
    with workplace("", tmp_path_factory.mktemp("alone")) as place:
        code, stdout, stderr = place.run("sync", place.url, "--now", NOW, "--format", "json", ADAPTER_DATABASE_URL="")
        assert code == 0, stderr
        return json.loads(stdout), {claim: _local(each, place.url) for claim, each in place.answered().items()}


def _local(answer: Json, url: str) -> Json:
    found: Json = json.loads(json.dumps(answer).replace(url, "http://fhir.test"))
    return found


def assert_all_answered_once(place: Workplace, expected: dict[str, Json]) -> None:
    found = {claim: _local(each, place.url) for claim, each in place.answered().items()}
    assert found == expected
    answers = {name for name in place.server.writes if name.startswith("ClaimResponse/")}
    assert {name: place.server.writes[name] for name in answers} == dict.fromkeys(answers, 1)
    assert place.server.repeated == []


def begun(board: Board, place: Workplace, *, items: int) -> str:
    """The id of the run, once some of its items are done."""
    until(lambda: bool(_runs(board)))
    (id,) = _runs(board)
    until(lambda: sum(1 for each in board.items(id) if each.state.over) >= items)
    return id


def _runs(board: Board) -> list[str]:
    return [each.id for each in board.runs()]


def test_one_of_two_workers_is_killed_and_the_same_is_said_and_written_as_by_one_process(
    place: Workplace, board: Board, alone: tuple[Json, dict[str, Json]]
) -> None:
    told, written = alone
    place.server.seconds = 0.03
    workers = [place.start("worker", ADAPTER_NODE=f"node-{number}") for number in (1, 2)]
    until(lambda: len(board.present()) == 2)
    sync = place.sync("--format", "json")
    id = begun(board, place, items=3)
    until(lambda: any(_works(each.process, "node-1") and each.state == "running" for each in board.items(id)))
    workers[0].kill()
    place.server.seconds = 0.0
    code, stdout, stderr = ended(sync)
    assert code == 0, stderr
    assert_all_answered_once(place, written)
    report = json.loads(stdout)
    same = ("claims", "lines", "claim_responses", "operation_outcomes", "warnings", "written")
    assert {name: report[name] for name in same} == {name: told[name] for name in same}
    items = place.show(id)["items"]
    assert {each["state"] for each in items} == {"done"}
    assert Counter(each["attempts"] for each in items)[2] == 1, "what the dead one had in hand was done by another"
    workers[1].send_signal(signal.SIGTERM)
    assert ended(workers[1])[0] == 0


def _works(process: str | None, node: str) -> bool:
    return process is not None and process.startswith(f"{node}/")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_the_same_command_goes_on_with_the_run(
    place: Workplace,
    board: Board,
    alone: tuple[Json, dict[str, Json]],
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, written = alone
    monkeypatch.setattr("adapter.durable.takeover.SILENCE_SECONDS", 6.0)  # half a minute is waited for above
    place.server.seconds = 0.05
    first = place.sync()
    id = begun(board, place, items=2)
    first.send_signal(number)
    code, _, stderr = ended(first)
    if number is signal.SIGINT:
        assert code == 130
        assert f"coaching-adapter runs show {id}" in stderr
    place.server.seconds = 0.0
    # Another instant is asked for, and yet all answers are of one: the run's.
    code, _, stderr = place.synced("--now", "2027-01-31T12:00:00Z")
    assert code == 0, stderr
    assert f"Going on with run {id}" in stderr
    assert _runs(board) == [id]
    assert_all_answered_once(place, written)


def test_a_worker_of_other_mappings_says_so_and_does_nothing(place: Workplace, board: Board) -> None:
    place.server.seconds = 0.05
    sync = place.sync()
    id = begun(board, place, items=1)
    other = place.start("worker", "--mappings", str(SITE), ADAPTER_NODE="elsewhere")
    until(lambda: bool(board.refusals(id)))
    _, table, _ = place.run("runs", "show", id)
    assert re.search(r"Left to others by elsewhere/\w+: it decides by other mappings\.", table)
    place.server.seconds = 0.0
    assert ended(sync)[0] == 0
    other.send_signal(signal.SIGTERM)
    code, _, stderr = ended(other)
    assert code == 0
    assert re.search(rf"warning run\.left_to_others .*differs=mappings .*run={id}", stderr), stderr
    shown = place.show(id)
    assert not any(_works(each["worker"], "elsewhere") for each in shown["items"])
    assert [each["differs"] for each in shown["refused"]] == [["mappings"]]


def test_a_run_of_other_mappings_is_not_gone_on_with(place: Workplace, board: Board) -> None:
    place.server.seconds = 0.2
    first = place.sync()
    id = begun(board, place, items=1)
    first.kill()
    code, _, stderr = place.synced("--mappings", str(SITE))
    assert code == 2
    assert f"run {id} of this range is unfinished and decides by other mappings" in stderr
    assert place.run("runs", "cancel", id)[0] == 0
    place.server.seconds = 0.0
    assert place.synced("--mappings", str(SITE))[0] == 0
    assert [each["state"] for each in place.runs()] == ["done", "cancelled"]


def test_a_worker_once_ends_when_nothing_is_left_and_since_auto_goes_on_from_the_run(
    place: Workplace, board: Board
) -> None:
    first = place.sync("--since", "auto")
    assert ended(place.start("worker", "--once"))[0] == 0
    assert ended(first)[0] == 0
    read = len([each for each in place.server.asked if "_lastUpdated=ge" in each])
    code, stdout, _ = place.synced("--since", "auto", "--format", "json")
    assert (code, json.loads(stdout)["claims"]) == (0, {"in_scope": 0, "out_of_scope": 0, "unanswered": 0})
    assert read
    reached = board.runs()[0].plan.since
    assert reached is not None
    assert reached > LONG_AGO.isoformat(), "another machine's ledger knew nothing: it is read from the runs"


ENCOUNTER = "Encounter/a04-30-minutes-enc"


def _shorter(server: SlowServer) -> None:
    encounter = json.loads(json.dumps(server.resources[ENCOUNTER]))
    encounter["period"]["end"] = encounter["period"]["start"]
    server.put(encounter)


def _gone(server: SlowServer) -> None:
    server.remove(ENCOUNTER)


def _more_of_it(server: SlowServer) -> None:
    claim = json.loads(json.dumps(server.resources["Claim/a04-30-minutes"]))
    claim["item"][0]["quantity"] = {"value": 7}
    server.put(claim)


@pytest.mark.parametrize(
    ("changes", "claims", "updated"),
    [
        pytest.param([], 0, 0, id="nothing"),
        # It is evidence for the other claims of its patient too, of which there are nine.
        pytest.param([_shorter], 10, 1, id="evidence of a claim that nobody touched"),
        pytest.param([_gone], 10, 1, id="evidence deleted"),
        pytest.param([_more_of_it], 1, 1, id="the claim"),
        pytest.param([_shorter, _more_of_it], 10, 1, id="both count once"),
    ],
)
def test_since_auto_notices(
    place: Workplace, changes: Sequence[Callable[[SlowServer], None]], claims: int, updated: int
) -> None:
    ledger = str(place.folder / "shared.sqlite")
    assert place.synced(ADAPTER_LEDGER=ledger)[0] == 0
    for change in changes:
        change(place.server)
    code, stdout, stderr = place.synced("--since", "auto", "--format", "json", ADAPTER_LEDGER=ledger)
    assert code == 0, stderr
    told = json.loads(stdout)
    assert (told["claims"]["in_scope"], told["written"]["updated"], told["written"]["created"]) == (claims, updated, 0)
    if len(changes) == 1:
        return
    before = dict(place.server.writes)
    assert place.run("sync", place.url, "--now", NOW)[0] == 0
    assert dict(place.server.writes) == before, "who reads everything finds nothing to do"


@pytest.mark.parametrize("first", ["with workers", "by one process"])
def test_both_go_on_from_one_checkpoint(place: Workplace, board: Board, first: str) -> None:
    ledger = str(place.folder / "shared.sqlite")
    alone, since_auto = ["sync", place.url, "--now", NOW], ["--since", "auto", "--format", "json"]
    if first == "with workers":
        assert place.synced(ADAPTER_LEDGER=ledger)[0] == 0
        code, stdout, _ = place.run(*alone, *since_auto, ADAPTER_LEDGER=ledger)
    else:
        assert place.run(*alone, ADAPTER_LEDGER=ledger)[0] == 0
        code, stdout, _ = place.synced(*since_auto, ADAPTER_LEDGER=ledger)
        assert board.runs()[0].plan.since is not None
    assert (code, json.loads(stdout)["claims"]["in_scope"]) == (0, 0)


def test_a_run_that_was_overtaken_puts_no_checkpoint_back(place: Workplace) -> None:
    ledger = place.folder / "shared.sqlite"
    assert place.synced(ADAPTER_LEDGER=str(ledger))[0] == 0
    with Ledger(ledger) as opened:
        ((query, instant),) = opened.checkpoints(place.url).items()
        opened.set_checkpoint(place.url, query, "2100-01-01T00:00:00+00:00")
    assert instant < "2100"
    assert place.synced(ADAPTER_LEDGER=str(ledger))[0] == 0
    with Ledger(ledger) as opened:
        assert opened.checkpoint(place.url, query) == "2100-01-01T00:00:00+00:00"


def test_a_record_that_cannot_be_read_is_told_and_the_rest_is_answered(
    place: Workplace, board: Board, alone: tuple[Json, dict[str, Json]]
) -> None:
    _, written = alone
    place.server.refused = {"a04-30-minutes"}
    code, stdout, stderr = place.synced("--format", "json")
    assert code == 3, stderr
    report = json.loads(stdout)
    # One record costs no item: within its window it is found by halves, and named.
    assert (report["items"]["failed"], report["given_up"]) == (0, [])
    assert report["claims"]["unanswered"] == 1, stderr
    assert "no answer for Claim/a04-30-minutes: " in stderr
    assert set(place.answered()) == set(written) - {"a04-30-minutes"}


def test_a_claim_that_replaces_one_of_another_window_takes_its_answer_back(database: str, tmp_path: Path) -> None:
    with workplace(database, tmp_path) as place:
        original = place.server.resources["Claim/a04-30-minutes"]
        successor = {**original, "id": "successor", "created": "2026-01-01"}
        successor["identifier"] = [{"system": "urn:test", "value": "successor"}]
        successor["related"] = [{"claim": {"reference": "Claim/a04-30-minutes"}, "relationship": _prior()}]
        place.server.put(successor)
        # It is read first: then there is no answer yet that it could take back.
        place.server.resources["Claim/successor"]["meta"]["lastUpdated"] = LONG_AGO.isoformat()
        assert place.synced()[0] == 0
        answers = place.answered()
        assert (answers["a04-30-minutes"]["status"], answers["successor"]["status"]) == ("cancelled", "active")
        before = dict(place.server.writes)
        assert place.synced()[0] == 0
        assert dict(place.server.writes) == before, "a second run changes nothing"


def _prior() -> Json:
    system = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"
    return {"coding": [{"system": system, "code": "prior"}]}


SQLITE = {"ADAPTER_DATABASE_URL": "sqlite:///x"}


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        pytest.param(
            ["sync", "URL", "--workers"], {"ADAPTER_DATABASE_URL": "sqlite:///x"}, "postgresql://", id="SQLite"
        ),
        pytest.param(["worker"], {"ADAPTER_DATABASE_URL": ""}, "set ADAPTER_DATABASE_URL", id="no database"),
        pytest.param(["runs"], {"ADAPTER_DATABASE_URL": ""}, "set ADAPTER_DATABASE_URL", id="nothing to list"),
        pytest.param(["sync", "URL", "--workers", "--out", "x"], {}, "--out and --workers", id="files"),
        pytest.param(["sync", "URL", "--workers", "--dry-run"], {}, "--dry-run and --workers", id="dry run"),
        pytest.param(["sync", "URL", "--workers", "--claim", "1"], {}, "--claim and --workers", id="a few claims"),
        pytest.param(["sync", "URL", "--workers", "--bulk"], {}, "--bulk and --workers", id="an export"),
        pytest.param(["sync", "URL", "--workers", "--watch", "60"], {}, "--watch and --workers", id="again and again"),
        pytest.param(["sync", "fixtures", "--workers"], {}, "name its base URL", id="from files"),
        pytest.param(["sync", "http://me:secret@fhir.test", "--workers"], {}, "no password", id="a password"),
        pytest.param(["sync", "URL", "--workers", "--since", "soon"], {}, "--since 'soon'", id="no instant"),
        pytest.param(["runs", "show", "none"], {}, "there is no such run", id="no such run"),
    ],
)
def test_refused_by_name(place: Workplace, arguments: list[str], settings: dict[str, str], said: str) -> None:
    told = [place.url if each == "URL" else each for each in arguments]
    code, stdout, stderr = place.run(*told, **settings)
    assert (code, stdout) == (2, "")
    assert said in stderr
    assert "secret" not in stderr


def test_a_database_that_is_away_is_told_in_one_line(place: Workplace) -> None:
    code, _, stderr = place.run("runs", ADAPTER_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert code == 4
    assert stderr.startswith("coaching-adapter: the database of runs cannot be read")


def test_runs_are_listed(place: Workplace) -> None:
    assert place.run("runs")[1] == "There is no run.\n"
    assert place.synced()[0] == 0
    code, table, _ = place.run("runs", COLUMNS="200")
    (run,) = place.runs()
    assert code == 0
    assert run["run"] in table
    assert (run["state"], run["items"]["waiting"], run["instant"]) == ("done", 0, NOW)
    assert run["totals"]["claims"]["in_scope"] > 0
