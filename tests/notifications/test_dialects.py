"""Every dialect in which servers tell of a change, and what is read from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapter.notifications.model import ANYTHING, Kind, Notification, NotUnderstood, Request
from adapter.notifications.requests import read_request

RECORDED = Path(__file__).parent / "recorded"
FHIR = "application/fhir+json"
ENCOUNTER = "Encounter/86009987-eabe-42bf-8c02-b112b18cb616"
CLAIM = json.dumps({"resourceType": "Claim", "id": "42"}).encode()


def posted(body: Any, path: str = "") -> Notification:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(Request("POST", path, content, FHIR))


def status(**parameters: Any) -> dict[str, Any]:
    """An R4 notification with these parameters in place of the usual ones; None leaves one out."""
    usual: dict[str, Any] = {
        "subscription": {"valueReference": {"reference": "Subscription/7"}},
        "type": {"valueCode": "event-notification"},
    }
    named = [{"name": name, **value} for name, value in {**usual, **parameters}.items() if value is not None]
    parts = {"resourceType": "Parameters", "parameter": named}
    return {"resourceType": "Bundle", "type": "history", "entry": [{"resource": parts}]}


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        pytest.param(Request("PUT", "Claim/42", CLAIM, FHIR), "Claim/42", id="HAPI, created or updated"),
        pytest.param(Request("PUT", "/Claim/42", CLAIM, FHIR), "Claim/42", id="with a slash before it"),
        pytest.param(Request("DELETE", "Claim/42"), "Claim/42", id="HAPI, deleted"),
        pytest.param(Request("POST", ""), ANYTHING, id="HAPI, no payload"),
        pytest.param(Request("POST", "/"), ANYTHING, id="no payload, the address with a slash at its end"),
        pytest.param(Request("PUT", "", b" \n"), ANYTHING, id="no payload, by PUT"),
        pytest.param(Request("PUT", "Claim/42"), "Claim/42", id="an address without a body"),
        pytest.param(Request("POST", "", CLAIM, FHIR), "Claim/42", id="Medplum, created or updated"),
        pytest.param(Request("POST", "", CLAIM, "application/json"), "Claim/42", id="plain JSON"),
        pytest.param(Request("POST", "", b"{}", FHIR, deleted="Claim/42"), "Claim/42", id="Medplum, deleted"),
    ],
)
def test_resources_by_themselves(request_: Request, hint: str) -> None:
    assert read_request(request_) == Notification(hints=(hint,))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ig-r4-handshake", Notification(Kind.HANDSHAKE, (), "admission", (), 0)),
        ("ig-r4-heartbeat", Notification(Kind.HEARTBEAT, (), "admission", (), 2)),
        ("ig-r4-empty", Notification(Kind.EVENT, (ANYTHING,), "admission", (2,), 2)),
        ("ig-r4-id-only", Notification(Kind.EVENT, (ENCOUNTER,), "admission", (2,), 2)),
        ("ig-r4-id-only-with-query", Notification(Kind.EVENT, (ENCOUNTER,), "admission", (2,), 2)),
        ("ig-r4-full-resource", Notification(Kind.EVENT, (ENCOUNTER,), "admission", (2,), 2)),
        ("ig-r4-multi-resource", Notification(Kind.EVENT, (ENCOUNTER,), "admission", (2,), 2)),
        ("ig-r4-error", Notification(Kind.STATUS, (), "admission", (), 3)),
        ("ig-r4b-handshake", Notification(Kind.HANDSHAKE, (), "admission", (), 0)),
        ("ig-r4b-id-only", Notification(Kind.EVENT, (ENCOUNTER,), "admission", (2,), 2)),
        ("ig-r4b-full-resource", Notification(Kind.EVENT, (ENCOUNTER,), "admission", (2,), 2)),
        ("inferno-handshake", Notification(Kind.HANDSHAKE, (), "123", (), 0)),
        ("inferno-empty", Notification(Kind.EVENT, (ANYTHING,), "123", (1,), 1)),
        ("inferno-full_resource", Notification(Kind.EVENT, (ENCOUNTER,), "123", (1,), 1)),
        ("hapi-r4-id-only", Notification(Kind.EVENT, ("Claim/42",), "7", (3,), 3)),
        ("hapi-search-criteria", Notification(Kind.EVENT, ("Claim/42", "Encounter/7"))),
        (
            "r5-events",
            Notification(
                Kind.EVENT,
                ("Claim/a", "DocumentReference/note-1"),
                "claims",
                (9007199254740992, 9007199254740993),
                9007199254740993,
            ),
        ),
    ],
)
def test_recorded_bundles(name: str, expected: Notification) -> None:
    assert posted((RECORDED / f"{name}.json").read_bytes()) == expected


def test_every_recorded_bundle_is_in_the_table() -> None:
    table = test_recorded_bundles.pytestmark[0].args[1]  # type: ignore[attr-defined] # pytest puts it there
    assert {path.stem for path in RECORDED.glob("*.json")} == {row[0] for row in table}


@pytest.mark.parametrize(
    ("part", "hints"),
    [
        pytest.param({"valueReference": {"reference": "Claim/1"}}, ("Claim/1",), id="relative"),
        pytest.param({"valueReference": {"reference": "https://a.example/x/Claim/1"}}, ("Claim/1",), id="absolute"),
        pytest.param({"valueReference": {"reference": "Claim/1/_history/2"}}, ("Claim/1",), id="with its version"),
        pytest.param({"valueReference": {"reference": "Claim/Claim/1"}}, ("Claim/1",), id="the type twice"),
        pytest.param({"valueReference": {"display": "the claim"}}, (ANYTHING,), id="a display alone"),
        pytest.param({"valueReference": "Claim/1"}, (ANYTHING,), id="no Reference"),
        pytest.param({}, (ANYTHING,), id="nothing"),
    ],
)
def test_a_focus_is_read_however_it_is_written(part: dict[str, Any], hints: tuple[str, ...]) -> None:
    event = {"part": [{"name": "focus", **part}]}
    assert posted(status(**{"notification-event": event})).hints == hints


def test_an_event_without_focus_beside_one_with_it_may_be_anything() -> None:
    bundle = status()
    event = {"name": "focus", "valueReference": {"reference": "Claim/1"}}
    bundle["entry"][0]["resource"]["parameter"] += [
        {"name": "notification-event", "part": [event]},
        {"name": "notification-event", "part": []},
    ]
    assert posted(bundle).hints == ("Claim/1", ANYTHING)


@pytest.mark.parametrize(
    ("written", "read"),
    [("12", 12), (12, 12), ("0", 0), ("-1", None), ("many", None), (True, None), (None, None), ("9" * 30, None)],
)
def test_a_count_that_is_none_says_nothing(written: Any, read: int | None) -> None:
    counted = status(**{"events-since-subscription-start": {"valueString": written}})
    assert posted(counted).since_start == read


BUNDLE = {"resourceType": "Bundle"}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        pytest.param(Request("GET", ""), (405, "not-supported"), id="a method that tells nothing"),
        pytest.param(Request("DELETE", ""), (400, "required"), id="a deletion of nothing"),
        pytest.param(Request("PUT", "Claim", CLAIM, FHIR), (404, "not-found"), id="an address without an id"),
        pytest.param(Request("PUT", "Claim/a b", CLAIM, FHIR), (404, "not-found"), id="an id that is none"),
        pytest.param(Request("PUT", "Clam/42"), (404, "not-supported"), id="an unknown type in the address"),
        pytest.param(Request("DELETE", "Clam/42"), (404, "not-supported"), id="an unknown type deleted"),
        pytest.param(Request("PUT", "Claim/43", CLAIM, FHIR), (400, "invalid"), id="another id than the address says"),
        pytest.param(Request("POST", "", b"<Claim/>", "application/fhir+xml"), (415, "not-supported"), id="XML"),
        pytest.param(Request("POST", "", b"{", FHIR), (400, "structure"), id="truncated"),
        pytest.param(Request("POST", "", b"\xff\xfe{}", FHIR), (400, "structure"), id="no UTF-8"),
        pytest.param(Request("POST", "", b"[" * 5000, FHIR), (400, "structure"), id="too deep"),
        pytest.param(Request("POST", "", b"[]", FHIR), (400, "structure"), id="a list"),
        pytest.param(Request("POST", "", b"{}", FHIR), (400, "structure"), id="an empty object, of no deletion"),
        pytest.param(Request("POST", "", b'{"id": "1"}', FHIR), (400, "structure"), id="no type"),
        pytest.param(Request("POST", "", b'{"resourceType": "Claim"}', FHIR), (400, "structure"), id="no id"),
        pytest.param(
            Request("POST", "", b'{"resourceType": "Claim", "id": 4}', FHIR),
            (400, "structure"),
            id="a number for an id",
        ),
        pytest.param(
            Request("POST", "", b'{"resourceType": "Claim", "id": "1", "id": "2"}', FHIR),
            (400, "structure"),
            id="a key twice",
        ),
        pytest.param(
            Request("POST", "", b'{"resourceType": "Clam", "id": "1"}', FHIR), (404, "not-supported"), id="unknown type"
        ),
        pytest.param(Request("POST", "", b"{}", FHIR, deleted="x"), (404, "not-found"), id="a deletion of no resource"),
        pytest.param(
            Request("POST", "", json.dumps({**BUNDLE, "type": "subscription-notification"}).encode(), FHIR),
            (400, "required"),
            id="R5 without a status",
        ),
        pytest.param(
            Request("POST", "", json.dumps(status(type={"valueCode": "gossip"})).encode(), FHIR),
            (400, "value"),
            id="an unknown kind",
        ),
        pytest.param(
            Request("POST", "", json.dumps(status(type=None)).encode(), FHIR), (400, "required"), id="no kind"
        ),
    ],
)
def test_what_is_no_notification_is_refused(request_: Request, answer: tuple[int, str]) -> None:
    with pytest.raises(NotUnderstood) as raised:
        read_request(request_)
    assert (raised.value.status, raised.value.code) == answer


@pytest.mark.parametrize("body", [b'{"resourceType": "Jane Doe", "id": "1"}', b'{"Jane Doe": 1, "Jane Doe": 2}'])
def test_a_refusal_repeats_nothing_of_the_body(body: bytes) -> None:
    with pytest.raises(NotUnderstood) as raised:
        posted(body)
    assert "Jane" not in str(raised.value)


@pytest.mark.parametrize("entry", [None, {}, [None, 5, {}], [{"resource": 5}], [{"resource": {"parameter": 5}}]])
def test_a_bundle_of_no_shape_says_only_that_something_changed(entry: Any) -> None:
    assert posted({"resourceType": "Bundle", "type": "history", "entry": entry}).hints == (ANYTHING,)
