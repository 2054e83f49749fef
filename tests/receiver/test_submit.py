"""``Claim/$submit``: the decision is that of ``sync``, wherever the evidence comes from; and nothing is stored."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from typing import Any

import httpx
import pytest
from answers.story_stages import STORIES, bundle_of, clinic, story
from r5.alike import clinic_as_r5, clinic_resources
from r5.convert import to_r5
from receiver.submitter import BASE, SECRET, SENT_AS, Submitter, files_said, of, plain, resources, submitter
from starlette.applications import Starlette

from adapter.evidence.store import Located
from adapter.fhir.validation import structural_issues
from adapter.limits import Limits
from adapter.receiver.capabilities import capability_statement
from adapter.receiver.submit import operation as submit_module
from adapter.receiver.submit.operation import PATH, Submit
from adapter.receiver.submit.submitting import answered

Json = dict[str, Any]
APPROVED, SHORT = "0592t-approved", "0592t-29-minutes"
NAMES = [each.name for each in STORIES]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def claims_of(bundle: Json) -> list[Json]:
    return [each for each in resources(bundle) if each["resourceType"] == "Claim"]


def told(answer: httpx.Response) -> dict[str | None, Json]:
    """What an answer says to each claim."""
    body = answer.json()
    each = [entry["resource"] for entry in body["entry"]] if body["resourceType"] == "Bundle" else [body]
    return {_claim_of(one): plain(one) for one in each}


def _claim_of(answer: Json) -> str | None:
    if answer["resourceType"] == "OperationOutcome":
        return answer.get("id")
    return str(answer["request"]["reference"]).partition("/")[2]


def parameters(resource: Json) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]}


# --- the same decision


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", [lambda each: each, parameters], ids=["a Bundle", "Parameters"])
async def test_a_bundle_is_decided_as_its_file_is(name: str, form: Any) -> None:
    async with submitter() as world:
        answer = await world.send(form(bundle_of(name)))
        due = files_said(story(name))
        assert answer.status_code == (200 if "OperationOutcome" not in str(due) else 422)
        assert told(answer) == due
        assert world.server.resources == {}


@pytest.mark.parametrize("name", [each for each in NAMES if each != "urn-uuid-references"])  # no server knows those
@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(["Claim"], id="a claim alone"),
        pytest.param(["Claim", "Encounter", "Procedure"], id="the visit with it"),
        pytest.param(["Claim", "Patient", "Coverage", "Practitioner"], id="all but the visit"),
    ],
)
async def test_what_is_not_sent_is_read_from_the_server(name: str, kinds: list[str]) -> None:
    bundle = bundle_of(name)
    sent, rest = of(bundle, *kinds), [each for each in resources(bundle) if each["resourceType"] not in kinds]
    async with submitter(*rest) as world:
        answer = await world.send(sent if len(sent["entry"]) > 1 else resources(sent)[0])
        before = dict(world.server.resources)
        world.server.put(*resources(sent))
        assert told(answer) == await world.sync() == files_said(story(name))
        assert {each for each in world.server.resources if each not in before} <= {
            f"{each['resourceType']}/{each['id']}" for each in resources(sent)
        }


@pytest.mark.parametrize(
    ("release", "convert", "run"),
    [pytest.param("4.0.1", dict, clinic, id="R4"), pytest.param("5.0.0", to_r5, clinic_as_r5, id="R5")],
)
async def test_every_claim_of_the_clinic_submitted_again_gets_its_answer(release: str, convert: Any, run: Any) -> None:
    due = files_said(run())
    everything = [convert(each) for each in clinic_resources()]
    claims = [each for each in everything if each["resourceType"] == "Claim"]
    async with submitter(*everything, release=release) as world:
        alone = {each["id"]: await world.send(each) for each in claims}
        writes = dict(world.server.writes)
        together = await world.send(
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in claims]}
        )
        assert dict(world.server.writes) == writes
    found = {id: plain(answer.json()) for id, answer in alone.items()}
    assert {id: found[id] for id in due if id} == {id: each for id, each in due.items() if id}
    others = [each for id, each in found.items() if id not in due]
    assert {each["issue"][0]["code"] for each in others} == {"not-supported"}
    assert (together.status_code, told(together)) == (200, found)


async def test_evidence_that_is_sent_wins_over_what_the_server_has() -> None:
    stored, text = bundle_of(SHORT), json.dumps(bundle_of(SHORT))
    longer = of(json.loads(text.replace("T10:29:00", "T10:45:00")), "Claim", "Encounter", "Procedure")
    async with submitter(*resources(stored)) as world:
        before = await world.sync()
        for each in world.server.resources.values():  # newer than what is sent, which says nothing of its version
            each["meta"]["lastUpdated"] = "2030-01-01T00:00:00Z"
        answer = await world.send(longer)
        assert await world.sync() == before
        world.server.put(*resources(longer))
        assert told(answer) == await world.sync() != before


async def test_an_earlier_claim_on_the_server_is_seen() -> None:
    bundle = bundle_of(APPROVED)
    again = {**claims_of(bundle)[0], "id": "again"}
    async with submitter(*resources(bundle)) as world:
        answer = await world.send(again)
        world.server.put(again)
        assert plain(answer.json()) == (await world.sync())["again"]
        assert answer.json() != (await world.sync())[APPROVED]


@pytest.mark.parametrize("base", ["https://public.example.org/fhir", BASE])
async def test_the_server_may_be_called_by_another_name(base: str) -> None:
    bundle = bundle_of(APPROVED)
    absolute = json.loads(json.dumps(bundle).replace("https://clinic.example.org/fhir", base))
    for each in absolute["entry"]:
        _make_absolute(each["resource"], base)
    sent = of(absolute, "Claim", "Coverage")
    async with submitter(*resources(bundle)) as world:
        answer = await world.send(sent)
        assert plain(answer.json()) == files_said(story(APPROVED))[APPROVED]


def _make_absolute(value: Any, base: str) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str) and ":" not in value["reference"]:
            value["reference"] = f"{base}/{value['reference']}"
        value = list(value.values())
    for each in value if isinstance(value, list) else []:
        _make_absolute(each, base)


async def test_an_id_made_up_to_search_for_others_finds_nobody() -> None:
    """Ids become part of searches; one that is none must not reach them."""
    urn, text = "urn:uuid:6f2e0c1e-0000-4000-8000-00000000000", json.dumps(bundle_of(APPROVED))
    names = {"Patient": "0592t-approved-member", "Practitioner": "0592t-approved-coach"}
    for number, (kind, id) in enumerate(names.items()):
        text = text.replace(f'"https://clinic.example.org/fhir/{kind}/{id}"', f'"{urn}{number}"')
        text = text.replace(f'"{kind}/{id}"', f'"{urn}{number}"').replace(f'"id": "{id}"', f'"id": "x,{kind}/victim"')
    async with submitter() as world:
        answer = await world.send(text.encode())
        assert world.server.asked
        assert not any("victim" in each for each in world.server.asked)
    assert {tuple(each["expression"]) for each in answer.json()["issue"]} == {("Patient.id",), ("Practitioner.id",)}


# --- several


async def test_claims_out_of_scope_and_refused_stand_beside_those_that_are_decided() -> None:
    bundle, second = bundle_of(APPROVED), bundle_of(SHORT)
    office = {**claims_of(bundle)[0], "id": "office"}
    office["item"] = [{**office["item"][0], "productOrService": {"coding": [{"code": "99213"}]}}]
    nameless = {name: value for name, value in claims_of(bundle)[0].items() if name != "id"}
    bundle["entry"] += [*second["entry"], {"resource": office}, {"resource": nameless}]
    async with submitter() as world:
        answer = await world.send(bundle)
    each = [entry["resource"] for entry in answer.json()["entry"]]
    assert answer.status_code == 200
    assert [one["resourceType"] for one in each] == ["ClaimResponse"] * 2 + ["OperationOutcome"] * 2
    assert [issue["code"] for one in each[2:] for issue in one["issue"]] == ["not-supported", "required"]
    assert structural_issues(Located(answer.json()), "r4") == []


@pytest.mark.parametrize(
    ("statuses", "status", "kind"),
    [
        ([200], 200, "ClaimResponse"),
        ([422], 422, "OperationOutcome"),
        ([200, 422], 200, "Bundle"),
        ([500, 200], 200, "Bundle"),
        ([422, 422], 422, "OperationOutcome"),
        ([422, 500], 500, "OperationOutcome"),
    ],
)
def test_the_status_of_several(statuses: list[int], status: int, kind: str) -> None:
    one = {"resourceType": "OperationOutcome", "issue": [{"code": "x"}]}
    found = answered([(each, {"resourceType": "ClaimResponse"} if each == 200 else one) for each in statuses])
    assert (found[0], found[1]["resourceType"]) == (status, kind)
    assert len(found[1].get("issue", [])) == (0 if status == 200 else len(statuses))


# --- what is refused


def repeated_id(bundle: Json) -> bytes:
    return json.dumps(bundle).replace('"resourceType": "Patient"', '"id": "b", "resourceType": "Patient"').encode()


def two_servers(bundle: Json) -> Json:
    bundle["entry"][0]["fullUrl"] = bundle["entry"][0]["fullUrl"].replace("clinic", "other")
    return bundle


def with_entry(bundle: Json, entry: Any) -> Json:
    return {**bundle, "entry": [*bundle["entry"], entry]}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b"", 400, "structure", id="nothing"),
        pytest.param(b"Jane Doe", 400, "structure", id="no JSON"),
        pytest.param(b'{"resourceType": "Claim", "x": NaN}', 400, "structure", id="NaN"),
        pytest.param(b'{"resourceType": "Claim", "x": "\xff"}', 400, "structure", id="no UTF-8"),
        pytest.param('{"resourceType": "Claim"}'.encode("utf-16"), 400, "structure", id="UTF-16"),
        pytest.param(gzip.compress(b"{}"), 400, "structure", id="gzip"),
        pytest.param(b"[" * 40_000, 400, "structure", id="nested without end"),
        pytest.param(b'{"a":' * 251 + b"1" + b"}" * 251, 400, "structure", id="nested too deep"),
        pytest.param(b" " * 100_001, 413, "too-long", id="too large"),
        pytest.param(
            b'{"resourceType": "Claim", "x": "' + b"y" * 60_000 + b'"}', 413, "too-long", id="a long document"
        ),
        pytest.param([1], 400, "structure", id="a list"),
        pytest.param({"name": "Jane Doe"}, 400, "structure", id="no FHIR"),
        pytest.param({"resourceType": 7}, 400, "structure", id="a type that is none"),
        pytest.param({"resourceType": "Patient", "id": "Jane"}, 422, "required", id="no claim"),
        pytest.param({"resourceType": "Bundle", "type": "collection"}, 422, "required", id="an empty Bundle"),
        pytest.param({"resourceType": "Bundle", "entry": {}}, 400, "structure", id="entry is no list"),
        pytest.param({"resourceType": "Parameters"}, 422, "required", id="no parameter"),
        pytest.param({"resourceType": "Parameters", "parameter": "x"}, 422, "required", id="parameter is no list"),
        pytest.param({"resourceType": "Parameters", "parameter": ["x"]}, 400, "invalid", id="no parameter at all"),
        pytest.param(
            {"resourceType": "Parameters", "parameter": [{"name": "store", "valueBoolean": True}]}, 400, "invalid"
        ),
        pytest.param(
            with_entry(bundle_of(APPROVED), {"resource": {"name": "Jane"}}), 400, "structure", id="a bad entry"
        ),
        pytest.param(repeated_id(bundle_of(APPROVED)), 400, "structure", id="a key stands twice"),
        pytest.param(two_servers(bundle_of(APPROVED)), 422, "conflict", id="two servers"),
        pytest.param(
            with_entry(bundle_of(APPROVED), {"resource": claims_of(bundle_of(APPROVED))[0]}),
            422,
            "duplicate",
            id="twice",
        ),
        pytest.param({"resourceType": "Claim", "id": "Jane"}, 422, "not-supported", id="a claim that bills nothing"),
        pytest.param({**claims_of(bundle_of(APPROVED))[0], "use": 7}, 422, "structure", id="an invalid claim"),
        pytest.param(
            to_r5(claims_of(bundle_of(APPROVED))[0]) | {"encounter": [], "trace": []}, 422, None, id="R5 to R4"
        ),
    ],
)
async def test_what_cannot_be_decided_says_so_and_repeats_nothing(
    content: Any, status: int, code: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "adapter")
    async with submitter(most_bytes=100_000, limits=Limits(max_json_bytes=50_000)) as world:
        answer = await world.send(content)
        found = answer.json()
        assert (answer.status_code, found["resourceType"]) == (status, "OperationOutcome")
        assert code in (None, found["issue"][0]["code"])
        assert all(each["details"]["text"] for each in found["issue"])
        assert "Doe" not in answer.text + caplog.text
        assert structural_issues(Located(found), "r4") == []


async def test_parameters_name_the_line_of_a_fault() -> None:
    bundle = bundle_of(APPROVED)
    claims_of(bundle)[0]["use"] = 7
    body = json.dumps(parameters(bundle), indent=1)
    line = next(number for number, text in enumerate(body.splitlines(), start=1) if '"use": 7' in text)
    async with submitter() as world:
        answer = await world.send(body.encode())
    assert [each["diagnostics"] for each in answer.json()["issue"]] == [f"the body, line {line}"]


async def test_claims_over_the_limit_are_refused_together() -> None:
    claim = claims_of(bundle_of(APPROVED))[0]
    entries = [{"resource": {**claim, "id": f"c{number}"}} for number in range(101)]
    async with submitter() as world:
        answer = await world.send({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-costly")


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        pytest.param("", {"Content-Type": "text/xml"}, 415, "not-supported", id="XML"),
        pytest.param("", {"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"}, 415, "not-supported"),
        pytest.param("?store=true", {}, 400, "not-supported", id="asked to store"),
        pytest.param("?_format=json&store=", {}, 400, "not-supported", id="asked to store, by an empty word"),
        pytest.param("", {"Authorization": "Bearer wrong"}, 403, "forbidden", id="a wrong secret"),
        pytest.param("", {"Authorization": SECRET}, 403, "forbidden", id="without Bearer"),
        pytest.param("", {"Authorization": ""}, 403, "forbidden", id="an empty secret"),
        pytest.param("", {"Authorization": "Basic x", "X-Signature": "00"}, 403, "forbidden", id="signed"),
    ],
)
async def test_what_is_refused_before_the_body(query: str, headers: dict[str, str], status: int, code: str) -> None:
    async with submitter() as world:
        answer = await world.send(bundle_of(APPROVED), query, **headers)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (status, code)
        assert not world.server.searches


@pytest.mark.parametrize("query", ["", "?_format=json", "?_pretty=true"])
async def test_what_changes_nothing_is_passed_over(query: str) -> None:
    async with submitter() as world:
        answer = await world.send(bundle_of(APPROVED), query, **{"Content-Type": "application/json; charset=utf-8"})
        assert answer.status_code == 200


async def test_without_a_secret_shown_or_set_there_is_no_answer() -> None:
    async with submitter() as world:
        nobody = await world.http.post(PATH, content=b"{}")
        assert nobody.status_code == 401
        off = httpx.ASGITransport(Starlette(routes=[Submit(None, world.submit._answer, most_bytes=9).route()]))
        async with httpx.AsyncClient(transport=off, base_url="http://adapter.test") as http:
            answer = await http.post(PATH, content=b"{}", headers=SENT_AS)
        assert (answer.status_code, "ADAPTER_SUBMIT_SECRET" in answer.text) == (404, True)


# --- faults on our side


async def failing(world: Submitter, **state: Any) -> httpx.Response:
    for name, value in state.items():
        setattr(world.server, name, value)
    return await world.send(bundle_of(APPROVED))


@pytest.mark.parametrize("state", [{"away": True}, {"refused": {"0592t-approved-member"}}], ids=["away", "chokes"])
@pytest.mark.parametrize("warm", [True, False], ids=["at a later request", "at the first"])
async def test_without_the_server_nothing_is_decided(state: dict[str, Any], *, warm: bool) -> None:
    async with submitter() as world:
        if warm:
            assert (await world.send(bundle_of(APPROVED))).status_code == 200
        answer = await failing(world, **state)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (503, "transient")
        assert int(answer.headers["retry-after"]) > 0
        assert BASE not in answer.text


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.receiver.submit.submitting.LONGEST_GATHERING", 0.05)

    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("adapter.sources.server.ServerSource.gather", never)
    async with submitter() as world:
        assert (await world.send(bundle_of(APPROVED))).status_code == 503


async def test_a_rule_that_crashes_leaves_only_its_claim_undecided(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from adapter.coverage.adjudicate import determine as real

    def broken(sessions: Any, *rest: Any) -> Any:
        if sessions[0].claim.id == SHORT:
            raise KeyError("Jane Doe")
        return real(sessions, *rest)

    monkeypatch.setattr("adapter.reconcile.reconciliation.determine", broken)
    bundle = bundle_of(APPROVED)
    bundle["entry"] += bundle_of(SHORT)["entry"]
    async with submitter() as world:
        several, alone = await world.send(bundle), await world.send(bundle_of(SHORT))
    assert (several.status_code, alone.status_code) == (200, 500)
    assert told(several)[APPROVED] == files_said(story(APPROVED))[APPROVED]
    assert told(several)[SHORT]["issue"][0]["code"] == "exception"
    assert "KeyError at test_submit.py" in caplog.text
    assert not any(each in caplog.text + alone.text + several.text for each in ("Jane", "Doe"))
    assert SHORT not in caplog.text


async def test_an_error_of_ours_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("Jane Doe")

    monkeypatch.setattr("adapter.receiver.submit.submitting.read_submission", broken)
    async with submitter() as world:
        answer = await world.send(bundle_of(APPROVED))
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (500, "exception")
    assert "Jane" not in answer.text + caplog.text


# --- many at once


async def test_many_at_once_are_decided_as_each_alone_and_others_are_still_heard() -> None:
    names = [name for name in NAMES if name != "two-lines-office-visit"][:8]
    async with submitter() as world:
        answers = await asyncio.gather(*(world.send(bundle_of(name)) for name in names))
    assert [told(each) for each in answers] == [files_said(story(name)) for name in names]


async def test_whoever_comes_beyond_the_most_at_once_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit_module, "MOST_AT_ONCE", 2)
    async with submitter() as world:
        answers = await asyncio.gather(*(world.send(bundle_of(APPROVED)) for _ in range(5)))
        assert sorted(each.status_code for each in answers) == [200, 200, 429, 429, 429]
        assert {each.headers.get("retry-after") for each in answers if each.status_code == 429} == {"5"}
        assert (await world.send(bundle_of(APPROVED))).status_code == 200


@pytest.mark.parametrize("submits", [True, False])
def test_the_capability_statement_tells_of_it_when_it_is_on(*, submits: bool) -> None:
    statement = capability_statement(submits=submits)
    servers = [each for each in statement["rest"] if each["mode"] == "server"]
    found = [one["name"] for each in servers for resource in each["resource"] for one in resource["operation"]]
    assert found == (["submit"] if submits else [])
    assert structural_issues(Located(statement), "r4") == []
