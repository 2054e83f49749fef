"""Of several versions of a resource the newest counts, in whatever order they are read."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from evidence.small_world import resource, to

from adapter.evidence.store import EvidenceStore, Located

Json = dict[str, Any]


def version(language: str, **meta: Any) -> Json:
    return resource("Patient/p", language=language, meta=meta)


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param([{"versionId": "9"}, {"versionId": "10"}], id="numbers, not texts"),
        pytest.param([{"lastUpdated": "2023-01-01T00:00:00Z"}, {"lastUpdated": "2023-01-02T00:00:00Z"}], id="by time"),
        pytest.param(
            [
                {"versionId": "9", "lastUpdated": "2023-01-01T00:00:00Z"},
                {"versionId": "2", "lastUpdated": "2023-01-02T00:00:00Z"},
            ],
            id="time before number: a restored server counts anew",
        ),
        pytest.param([{}, {"versionId": "1"}], id="a version before none"),
        pytest.param([{"versionId": "a"}, {"versionId": "b"}, {"versionId": "c"}], id="versions that are no numbers"),
        pytest.param(
            [{"lastUpdated": "2023-01-01T23:30:00+05:00"}, {"lastUpdated": "2023-01-01T19:00:00Z"}],
            id="times of different offsets",
        ),
        pytest.param(
            [{"lastUpdated": "2023-01-01T00:00:00Z"}, {"lastUpdated": "2023-01-01T00:00:00.5Z"}],
            id="times with and without a fraction",
        ),
    ],
)
def test_the_newest_version_wins_in_any_order(versions: list[Json]) -> None:
    newest = str(len(versions) - 1)
    for order in permutations([version(str(number), **meta) for number, meta in enumerate(versions)]):
        store = EvidenceStore()
        store.extend(map(Located, order))
        found = store.get("Patient/p")
        assert found is not None
        assert found.resource["language"] == newest
        assert (store.size, store.superseded) == (1, len(versions) - 1)


def test_an_older_version_is_not_found_by_the_identifier_it_alone_had() -> None:
    store = EvidenceStore()
    store.add(Located(resource("Patient/p", meta={"versionId": "1"}, identifier=[{"value": "old"}])))
    store.add(Located(resource("Patient/p", meta={"versionId": "2"}, identifier=[{"value": "new"}])))
    holder = Located(resource("Claim/c"))
    assert store.resolve({"identifier": {"value": "old"}}, holder) is None
    assert store.resolve({"identifier": {"value": "new"}}, holder) is not None


OLD = Located(version("old", versionId="1"), full_url="https://a.example/fhir/Patient/p", bundle=0)
NEW = Located(version("new", versionId="2"))


@pytest.mark.parametrize(
    "order",
    [
        pytest.param((NEW, OLD), id="newer first"),
        pytest.param(
            (OLD, NEW),
            id="older first",
        ),
    ],
)
def test_an_address_leads_to_the_newest_version_too(order: tuple[Located, Located]) -> None:
    store = EvidenceStore()
    store.extend(order)
    found = store.resolve(to("https://a.example/fhir/Patient/p"), Located(resource("Claim/c")))
    assert found is not None
    assert found.resource["language"] == "new"


def test_two_copies_that_claim_to_be_the_same_version_do_not_depend_on_the_order() -> None:
    """The same input in other file order gives the same answers, even where the input contradicts itself."""
    found = set()
    for order in permutations([version("one", versionId="1"), version("two", versionId="1")]):
        store = EvidenceStore()
        store.extend(map(Located, order))
        located = store.get("Patient/p")
        assert located is not None
        found.add(located.resource["language"])
    assert len(found) == 1


def test_the_order_of_reading_does_not_show() -> None:
    one, two = (resource(f"Procedure/{id}", subject=to("Patient/p")) for id in "ab")
    stores = [EvidenceStore(), EvidenceStore()]
    stores[0].extend([Located(one), Located(two)])
    stores[1].extend([Located(two), Located(one)])
    assert [[each.key for each in store.about("Procedure", "Patient/p")] for store in stores] == [
        ["Procedure/a", "Procedure/b"]
    ] * 2


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(None, id="null"),
        pytest.param({}, id="empty"),
        pytest.param({"versionId": "3"}, id="right"),
        pytest.param({"versionId": 3}, id="a number"),
        pytest.param("x", id="a text"),
        pytest.param([1], id="a list"),
        pytest.param(5, id="an integer"),
    ],
)
def test_a_meta_of_any_shape_can_be_taken_in(meta: Any) -> None:
    store = EvidenceStore()
    store.add(Located(resource("Patient/p", meta=meta)))
    found = store.get("Patient/p")
    assert found is not None
    assert found.versioned.startswith("Patient/p")


# --- a newer version elsewhere than in the Bundle of the reference

HOME, ELSEWHERE = "https://a.example/fhir/Patient/p", "https://b.example/fhir/Patient/p"
URN, OTHER_URN = "urn:uuid:5c2a3b1e-7a44-4c0e-9a53-0d6c43a0a111", "urn:uuid:00000000-0000-0000-0000-000000000000"
FIRST, SECOND = {"versionId": "1"}, {"versionId": "2"}


def copy_of(language: str, meta: Json, number: str | None = None, system: str | None = "https://mrn.example") -> Json:
    identifier = {"value": number} | ({"system": system} if system else {})
    return resource("Patient/p", language=language, meta=meta, **({"identifier": [identifier]} if number else {}))


def near(url: str | None, meta: Json = FIRST, number: str | None = None) -> Located:
    """The copy in the Bundle of the reference."""
    return Located(copy_of("near", meta, number), full_url=url, bundle=0)


def far(
    url: str | None = None, bundle: int | None = None, meta: Json = SECOND, number: str | None = None, **more: Any
) -> Located:
    return Located(copy_of("far", meta, number, **more), full_url=url, bundle=bundle)


@pytest.mark.parametrize(
    ("copies", "leads_to"),
    [
        pytest.param((near(HOME), far()), "far", id="newer, alone in a file, of the one server"),
        pytest.param((near(HOME), far(meta={})), "near", id="alone in a file, of no known version"),
        pytest.param((near(HOME, SECOND), far(meta=FIRST)), "near", id="older, alone in a file"),
        pytest.param((near(HOME), far(meta=FIRST)), "near", id="of the same version"),
        pytest.param((near(HOME), far(HOME, 1)), "far", id="newer, in another Bundle, same address"),
        pytest.param((near(URN), far(URN, 1)), "far", id="newer, same urn:uuid"),
        pytest.param((near(URN), far(OTHER_URN, 1)), "near", id="newer, another urn:uuid"),
        pytest.param((near(HOME), far(ELSEWHERE, 1)), "near", id="newer, on another server"),
        pytest.param((near(None, number="7"), far(None, 1, number="7")), "far", id="newer, same identifier"),
        pytest.param((near(None, number="7"), far(None, 1, number="8")), "near", id="newer, another identifier"),
        pytest.param((near(None), far(None, 1)), None, id="newer, in a Bundle without addresses"),
        pytest.param((near(HOME), far(None, 1)), None, id="newer, in another Bundle without addresses"),
        pytest.param((near(URN), far()), None, id="newer, alone, and the near one has no address on a server"),
        pytest.param((near(None, {}), far(None, 1)), "near", id="the near one names no version: ids are its Bundle's"),
        pytest.param(
            (near(None, number="7"), far(None, 1, number="7", system=None)), None, id="a number without a system"
        ),
        pytest.param(
            (near(HOME), far(), far(None, None, {"versionId": "3"})), "far", id="the newest of several that are newer"
        ),
    ],
)
def test_a_newer_version_outside_the_bundle(copies: tuple[Located, ...], leads_to: str | None) -> None:
    """The same resource gives way to its newer version; another one with its id does not; unclear leads nowhere."""
    for order in permutations(copies):
        store = EvidenceStore()
        store.extend(order)
        holder = Located(resource("Claim/c"), full_url="https://a.example/fhir/Claim/c", bundle=0)
        found = store.resolve(to("Patient/p"), holder)
        assert (found.resource["language"] if found else None) == leads_to
