"""``sync URL`` through a proxy that does damage, before a real HAPI: what is said, how it ends, and what there is then.

Each fault meets claims that are answered under an identifier system of their own. After it is lifted a second run must
end well, and the answers must be those of a run that nothing disturbed: one to each claim, in no more versions.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import FIXTURES, shipped
from faults.proxy import (
    Act,
    Exchange,
    FaultProxy,
    Request,
    Rule,
    answers,
    cuts_off,
    edits,
    goes_away,
    loses,
    proxied,
    resets,
    says_all,
    signals,
    stalls,
    writes_of,
)
from test_sync_hapi import FIRST, Server, run
from typer.testing import Result

from adapter.cli.commands import Choice
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings
from adapter.sources import fhir_client
from adapter.sources.patience import Patience

STORIES = ("0592t-approved", "0592t-29-minutes", "modifier-95", "expired-certificate")
ASKED = {"ADAPTER_PAGE_SIZE": "3", "ADAPTER_CHUNK_SIZE": "2", "ADAPTER_CONCURRENCY": "1", "ADAPTER_TIMEOUT": "8"}
EVIDENCE = says_all("POST /fhir ", '"method":"GET"')
LOOK_UP = says_all("/fhir/ClaimResponse?")
ANSWERS, TRAILS = writes_of("ClaimResponse"), writes_of("Provenance")
BATCHES = says_all("POST /fhir ")
HTML = b"<html>log in first</html>"
Json = dict[str, Any]


def claim_pages(request: Request) -> bool:
    """A page of claims, and not the look for the single one that comes before, or last."""
    return says_all("GET /fhir/Claim?", "_sort=_lastUpdated")(request) and "_count=1&" not in request.said


def resources() -> list[Json]:
    """Four claims of four people, with all that speaks about them."""
    found = []
    for story in STORIES:
        text = (FIXTURES / "stories" / story / "0_bundle.json").read_text(encoding="utf-8")
        found += [entry["resource"] for entry in json.loads(text.replace(story, f"faults-{story}"))["entry"]]
    return sorted(found, key=lambda each: FIRST.index(each["resourceType"]) if each["resourceType"] in FIRST else 99)


CLAIMS = sorted(each["id"] for each in resources() if each["resourceType"] == "Claim")


@dataclass
class World:
    """The server, the proxy before it, and the answers of a run that nothing disturbed."""

    server: Server
    proxy: FaultProxy
    since: str
    baseline: dict[str, Json]

    def answers(self, system: str) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        query = {"identifier": f"{system}|", "_count": "100"}
        page = self.server._http.get("/ClaimResponse", params=query).raise_for_status().json()
        for each in (entry["resource"] for entry in page.get("entry", [])):
            found.setdefault(each["request"]["reference"].split("/")[1], []).append(each)
        return found

    def trails(self, responses: Sequence[Json]) -> Counter[str]:
        """How many Provenances each ClaimResponse has."""
        query = {"target": ",".join(f"ClaimResponse/{each['id']}" for each in responses), "_count": "100"}
        page = self.server._http.get("/Provenance", params=query).raise_for_status().json()
        targets = (entry["resource"]["target"][0]["reference"] for entry in page.get("entry", []))
        return Counter(each.partition("/_history")[0].partition("/")[2] for each in targets)

    def sync(self, *options: str) -> Result:
        return run("sync", self.proxy.url, "--since", self.since, *options)


def content(response: Json) -> Json:
    return {name: value for name, value in response.items() if name not in ("id", "meta", "created", "identifier")}


@pytest.fixture(scope="module")
def world(hapi_url: str) -> Iterator[World]:
    """Afterwards nothing of it is on the server, which other modules use too."""
    server = Server(hapi_url)
    since = server._http.get("/Claim", params={"_count": "0"}).json()["meta"]["lastUpdated"]
    server.load(resources())
    with proxied(hapi_url) as proxy:
        yield World(server, proxy, since, {})
    responses = server._http.get("/ClaimResponse", params={"_count": "1000", "_lastUpdated": f"ge{since}"}).json()
    for entry in responses.get("entry", []):
        server._http.delete(f"/ClaimResponse/{entry['resource']['id']}").raise_for_status()
    for each in reversed(resources()):
        server._http.delete(f"/{each['resourceType']}/{each['id']}").raise_for_status()
    server.close()


@pytest.fixture(scope="module")
def adjudicator() -> Adjudicator:
    return shipped()


@pytest.fixture(autouse=True)
def system(
    world: World, adjudicator: Adjudicator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], str]:
    """Sets the identifier system of what follows; the mappings are loaded once, and waits are short."""

    def chosen(_choice: Choice, settings: Settings) -> Adjudicator:
        return replace(adjudicator, identifier_system=settings.identifier_system)

    monkeypatch.setattr(Choice, "adjudicator", chosen)
    monkeypatch.setattr(fhir_client, "Patience", partial(Patience, first_wait=0.01, longest_wait=0.02))
    monkeypatch.setenv("ADAPTER_LEDGER", str(tmp_path / "ledger.sqlite"))
    for name, value in ASKED.items():
        monkeypatch.setenv(name, value)

    def use(name: str) -> str:
        found = f"urn:test:faults:{world.since}:{name}"
        monkeypatch.setenv("ADAPTER_IDENTIFIER_SYSTEM", found)
        return found

    if not world.baseline:
        nothing = use("none")
        world.proxy.scripted()
        assert world.sync().exit_code == 0
        world.baseline = {claim: content(each) for claim, (each,) in world.answers(nothing).items()}
        assert sorted(world.baseline) == CLAIMS
    return use


# --- what is changed in an answer


def links_to_itself(page: Json) -> Json:
    own = next((link["url"] for link in page["link"] if link["relation"] == "self"), None)
    return page | {"link": [{"relation": "self", "url": own}, {"relation": "next", "url": own}]}


def entries_answered(status: str, only: str = "") -> Act:
    """A batch of which each entry, or those that say ``only``, is refused; the server carries out the others alone."""

    async def act(exchange: Exchange) -> None:
        batch = json.loads(exchange.request.body)
        fine = [each for each in batch["entry"] if only and only not in json.dumps(each)]
        asked = replace(exchange.request, body=json.dumps(batch | {"entry": fine}).encode())
        served = iter(json.loads((await exchange.proxy.forward(asked)).body)["entry"] if fine else [])
        entry = [next(served) if each in fine else {"response": {"status": status}} for each in batch["entry"]]
        reply = {"resourceType": "Bundle", "type": "batch-response", "entry": entry}
        await answers(200, json.dumps(reply).encode())(exchange)

    return act


def busy_for_a_second() -> Act:
    """503 until a date."""
    now, then = (format_datetime(datetime.now(UTC) + timedelta(seconds=each), usegmt=True) for each in (0, 1))
    return answers(503, Date=now, Retry_After=then)


@dataclass(frozen=True)
class Fault:
    """What is done to a run, and what is seen of it."""

    rules: Callable[[], list[Rule]]
    code: int
    says: str = ""
    """In stderr; of a fault that is waited out nothing is said."""
    versions: frozenset[str] = frozenset({"1"})


def rule(fits: Any, act: Act, times: int | None = 1, after: int = 0) -> Callable[[], list[Rule]]:
    return lambda: [Rule(fits, act, times, after)]


FAULTS = {
    "connection refused in the middle": Fault(rule(EVIDENCE, goes_away(), None), 4, "cannot connect to http://127."),
    "reset half-way, reading": Fault(rule(claim_pages, resets()), 0),
    "reset half-way, evidence": Fault(rule(EVIDENCE, resets()), 0),
    "reset half-way, answers that are written by then": Fault(rule(ANSWERS, resets()), 0),
    "reset half-way, provenances that are written by then": Fault(rule(TRAILS, resets()), 0),
    "stalls in the middle of an answer": Fault(rule(EVIDENCE, stalls()), 0),
    "401 for good": Fault(rule(claim_pages, answers(401), None), 4, "failed at the step read: "),
    "403 to reading": Fault(rule(EVIDENCE, answers(403), None), 4, "check the token's scopes, or our rights there"),
    "403 to writing": Fault(rule(ANSWERS, answers(403), None), 4, "access failed at the step write"),
    "404 to evidence": Fault(
        lambda: [Rule(EVIDENCE, answers(404), None), Rule(says_all("/fhir/Practitioner?"), answers(404), None)],
        0,
        "the server does not support Practitioner?_id: ",
        frozenset({"1", "2"}),
    ),
    "405 to every batch": Fault(rule(BATCHES, answers(405), None), 0),
    "405 to every batch, the answer to a single write is lost": Fault(
        lambda: [Rule(BATCHES, answers(405), None), Rule(says_all("POST /fhir/ClaimResponse "), loses())], 0
    ),
    "405 to every batch, 500 to single Provenances": Fault(
        lambda: [Rule(BATCHES, answers(405), None), Rule(says_all("POST /fhir/Provenance "), answers(500), None)],
        0,
        "its Provenance is missing",
    ),
    "409 to each answer, once": Fault(rule(ANSWERS, entries_answered("409")), 0),
    "412 to each answer, once": Fault(rule(ANSWERS, entries_answered("412 Precondition Failed")), 0),
    "412 to each answer, for good": Fault(
        rule(ANSWERS, entries_answered("412"), None), 3, "somebody else changed it each time"
    ),
    "410 on a further page": Fault(rule(claim_pages, answers(410), after=1), 0),
    "410 on every further page": Fault(
        rule(says_all("_getpages"), answers(410), None), 3, "410 to a further page of ClaimResponse. run it again"
    ),
    "422 to one answer": Fault(
        rule(ANSWERS, entries_answered("422", "faults-modifier-95"), None),
        3,
        "no answer for Claim/faults-modifier-95: the answer could not be written: the server refused the ClaimResponse",
    ),
    "429 with seconds": Fault(rule(EVIDENCE, answers(429, Retry_After="1")), 0),
    "503 with a date": Fault(lambda: [Rule(claim_pages, busy_for_a_second())], 0),
    "503 for good": Fault(rule(says_all("GET"), answers(503), None), 4, "answered 503 to"),
    "500 in a burst, reading": Fault(rule(claim_pages, answers(500), 3, after=1), 0),
    "500 in a burst, evidence": Fault(rule(EVIDENCE, answers(500), 2), 0),
    "500 to answers, for good": Fault(
        rule(ANSWERS, answers(500), None), 3, "the server refused the ClaimResponse: 500"
    ),
    "HTML in place of a page": Fault(rule(claim_pages, answers(200, HTML, Content_Type="text/html")), 4, "text/html"),
    "truncated JSON, a page": Fault(rule(claim_pages, cuts_off()), 0),
    "truncated JSON, answers that are written by then": Fault(rule(ANSWERS, cuts_off()), 0),
    "wrong content type": Fault(
        rule(EVIDENCE, answers(200, b"<x/>", Content_Type="application/fhir+xml")), 4, "fhir+xml"
    ),
    "a page that links to itself": Fault(rule(claim_pages, edits(links_to_itself)), 0),
    "evidence of which each entry fails": Fault(rule(EVIDENCE, entries_answered("500")), 0),
    "provenances of which each fails": Fault(rule(TRAILS, entries_answered("500")), 0, "its Provenance is missing"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_the_way(world: World, system: Callable[[str], str], name: str) -> None:
    fault, used = FAULTS[name], system(str(list(FAULTS).index(name)))
    world.proxy.scripted(*fault.rules())
    disturbed = world.sync()
    said = told(disturbed)
    assert code(disturbed) == fault.code, said
    assert fault.says in said
    assert "member" not in said, "a message quotes the record"
    seen = "\n".join(each.said[:200] for each in world.proxy.seen)
    assert any(each.count for each in world.proxy.rules), f"nothing met the fault:\n{seen}"
    if fault.code == 0 and not fault.says:
        assert (said, sorted(world.answers(used))) == ("", CLAIMS)
    world.proxy.scripted()
    again = world.sync()
    assert (code(again), told(again)) == (0, "")
    assert_undisturbed(world, used, fault.versions)


def assert_undisturbed(world: World, system: str, versions: frozenset[str] = frozenset({"1"})) -> None:
    """One answer to each claim, that of the undisturbed run, with one Provenance for each version."""
    found = world.answers(system)
    assert {claim: len(several) for claim, several in found.items()} == dict.fromkeys(CLAIMS, 1)
    responses = [each for (each,) in found.values()]
    assert {claim: content(each) for claim, (each,) in found.items()} == world.baseline
    assert {each["meta"]["versionId"] for each in responses} <= versions
    assert world.trails(responses) == {each["id"]: int(each["meta"]["versionId"]) for each in responses}


def code(result: Result) -> int:
    found: int = getattr(result.exception, "exit_code", result.exit_code)
    return found


def told(result: Result) -> str:
    """What its user reads beside the tables."""
    raised = "" if isinstance(result.exception, SystemExit | None) else f"coaching-adapter: {result.exception}"
    return result.stderr + raised


# --- what is sent along is renewed


def lets_in_with(file: Path, token: str) -> Act:
    """401, as somebody writes a new token into the file."""

    async def act(exchange: Exchange) -> None:
        file.write_text(token)  # noqa: ASYNC240 - a few bytes, on the thread of the proxy
        await answers(401)(exchange)

    return act


def test_a_token_that_was_changed_meanwhile_is_read_again_once(
    world: World, system: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, file = system("token"), tmp_path / "token"
    file.write_text("old")
    monkeypatch.setenv("ADAPTER_TOKEN_FILE", str(file))
    world.proxy.scripted(Rule(EVIDENCE, lets_in_with(file, "new")))
    assert code(world.sync()) == 0
    shown = [dict(each.headers)["Authorization"] for each in world.proxy.seen]
    assert list(dict.fromkeys(shown)) == ["Bearer old", "Bearer new"]
    assert_undisturbed(world, used)


# --- told to end


@pytest.fixture
def by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages of two claims, each claim decided by itself."""
    monkeypatch.setenv("ADAPTER_PAGE_SIZE", "2")
    monkeypatch.setenv("ADAPTER_CHUNK_SIZE", "1")


@pytest.mark.usefixtures("by_two")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_end_it_finishes_what_is_in_hand_and_is_gone_on_with(
    world: World, system: Callable[[str], str], number: int
) -> None:
    used = system(f"signal-{number}")
    world.proxy.scripted(Rule(claim_pages, signals(number), after=1))  # two claims are in hand by then, each in a chunk
    ended = world.sync("--format", "json")
    assert code(ended) == 3
    assert "ending after the claims in hand; once more to leave them at once" in told(ended)
    assert "ended as asked after " in told(ended)
    assert json.loads(ended.stdout)["ended_early"] is True
    before = world.answers(used)
    assert len(before) == 2, "what is begun is brought to its end, and no more"
    assert set(world.trails([each for (each,) in before.values()]).values()) == {1}
    world.proxy.scripted()
    assert code(world.sync()) == 0
    assert_undisturbed(world, used)


@pytest.mark.usefixtures("by_two")
def test_told_twice_it_leaves_at_once_and_doubles_nothing(world: World, system: Callable[[str], str]) -> None:
    used = system("twice")
    world.proxy.scripted(Rule(claim_pages, signals(signal.SIGTERM), after=1), Rule(ANSWERS, signals(signal.SIGTERM)))
    assert code(world.sync()) in (3, 130)  # before or after the answer of the server was there
    world.proxy.scripted()
    assert code(world.sync()) == 0
    assert_undisturbed(world, used)


def test_told_to_end_it_leaves_a_folder_as_it_was(world: World, system: Callable[[str], str], tmp_path: Path) -> None:
    system("folder")
    out = tmp_path / "out"
    world.proxy.scripted()
    assert code(world.sync("--out", str(out))) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    world.proxy.scripted(Rule(claim_pages, signals(signal.SIGTERM)))
    assert code(world.sync("--out", str(out))) == 3
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
