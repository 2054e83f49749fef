"""Where references lead: every way of writing one that servers and files were seen to use."""

from __future__ import annotations

from typing import Any

import pytest
from evidence.small_world import NPI, resource, to
from hypothesis import given
from hypothesis import strategies as st

from adapter.answers.taken_over import LOST, taken_over
from adapter.evidence.references import NONE, is_quotable, parse_reference, parse_reference_text
from adapter.evidence.store import EvidenceStore, Located
from adapter.session.model import addressed

Json = dict[str, Any]
BASE = "https://clinic.example/fhir"
URN = "urn:uuid:5c2a3b1e-7a44-4c0e-9a53-0d6c43a0a111"
OTHER_URN = "urn:uuid:00000000-0000-0000-0000-000000000000"
MRN = "https://clinic.example/mrn"

CONTAINED = [
    resource("Practitioner/coach"),
    resource("PractitionerRole/role", practitioner=to("#coach"), organization=to("#")),
]
CLAIM = resource("Claim/c", contained=CONTAINED)
BUNDLE = [
    (f"{BASE}/Claim/c", CLAIM),
    (f"{BASE}/Patient/p", resource("Patient/p", identifier=[{"system": MRN, "value": "12"}])),
    (f"{BASE}/Practitioner/pr", resource("Practitioner/pr", identifier=[{"system": NPI, "value": "9999900019"}])),
    (f"{BASE}/Organization/o", resource("Organization/o", identifier=[{"system": NPI, "value": "9999900019"}])),
    (URN, resource("Encounter/e")),
    (None, resource("Location/room")),
]


def world() -> EvidenceStore:
    store = EvidenceStore()
    store.extend(Located(each, full_url=url, bundle=0) for url, each in BUNDLE)
    return store


def by_identifier(value: str, system: str | None = None, kind: str | None = None) -> Json:
    identifier = {"value": value} | ({"system": system} if system else {})
    return {"identifier": identifier} | ({"type": kind} if kind else {})


@pytest.mark.parametrize(
    ("reference", "leads_to"),
    [
        pytest.param(to("Patient/p"), "Patient/p", id="relative"),
        pytest.param(to("Patient/p/_history/3"), "Patient/p", id="relative, versioned"),
        pytest.param(to(f"{BASE}/Patient/p"), "Patient/p", id="absolute"),
        pytest.param(to(f"{BASE}/Patient/p/_history/3"), "Patient/p", id="absolute, versioned"),
        pytest.param(to(URN), "Encounter/e", id="urn:uuid"),
        pytest.param(to("Location/room"), "Location/room", id="relative, entry without fullUrl"),
        pytest.param(to("#coach"), "Claim/c#coach", id="contained"),
        pytest.param(to("#"), "Claim/c", id="the container itself"),
        pytest.param(to(f"Practitioner?identifier={NPI}|9999900019"), "Practitioner/pr", id="conditional"),
        pytest.param(
            to("Practitioner?identifier=http%3A%2F%2Fhl7.org%2Ffhir%2Fsid%2Fus-npi%7C9999900019"),
            "Practitioner/pr",
            id="conditional, percent-encoded",
        ),
        pytest.param(to(f"{BASE}/Patient?identifier={MRN}|12"), "Patient/p", id="conditional, absolute"),
        pytest.param(to("Patient?identifier=12"), "Patient/p", id="conditional without system"),
        pytest.param(by_identifier("12", MRN, "Patient"), "Patient/p", id="identifier with type"),
        pytest.param(by_identifier("12", MRN), "Patient/p", id="identifier without type"),
        pytest.param(by_identifier("12"), "Patient/p", id="identifier without system"),
        pytest.param(
            by_identifier("9999900019", NPI, "Practitioner"), "Practitioner/pr", id="identifier of two, typed"
        ),
        pytest.param(by_identifier("9999900019", NPI), None, id="identifier of two resources"),
        pytest.param(by_identifier("12", "https://elsewhere.example/mrn"), None, id="identifier of another system"),
        pytest.param(by_identifier("12", MRN, "Group"), None, id="identifier of another type"),
        pytest.param(by_identifier("13", MRN), None, id="identifier nobody has"),
        pytest.param({"display": "Patient/p"}, None, id="display only"),
        pytest.param({"type": "Patient"}, None, id="type only"),
        pytest.param({"extension": [{"url": "http://x.example", "valueCode": "unknown"}]}, None, id="data absent"),
        pytest.param(to("Patient/nobody"), None, id="dangling"),
        pytest.param(to("Encounter/p"), None, id="right id, other type"),
        pytest.param(to("#nobody"), None, id="contained that is not there"),
        pytest.param(to(OTHER_URN), None, id="urn:uuid that is not there"),
        pytest.param(to("https://other.example/fhir/Patient/p"), None, id="the same id on a foreign server"),
        pytest.param(to("Patient?family=Quibblethorn"), None, id="another search"),
        pytest.param(to(f"Patient?active=true&identifier={MRN}|12"), None, id="a search by more than the identifier"),
        pytest.param(to(""), None, id="empty"),
        pytest.param(to("not a reference at all"), None, id="words"),
        pytest.param("Patient/p", None, id="a text in place of a Reference"),
        pytest.param(["Patient/p"], None, id="a list in place of a Reference"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_where_a_reference_leads(reference: object, leads_to: str | None) -> None:
    store = world()
    holder = store.get("Claim/c")
    assert holder is not None
    found = store.resolve(reference, holder)
    assert (found.key if found else None) == leads_to


@pytest.mark.parametrize(
    ("reference", "leads_to"), [("#coach", "Claim/c#coach"), ("#", "Claim/c"), (URN, "Encounter/e")]
)
def test_a_contained_resource_looks_in_its_container_and_beyond(reference: str, leads_to: str) -> None:
    store = world()
    claim = store.get("Claim/c")
    assert claim is not None
    role = store.resolve(to("#role"), claim)
    assert role is not None
    found = store.resolve(to(reference), role)
    assert found is not None
    assert found.key == leads_to


def test_a_contained_id_is_known_in_its_own_container_only() -> None:
    store = world()
    patient = store.get("Patient/p")
    assert patient is not None
    assert store.resolve(to("#coach"), patient) is None


def two_bundles() -> EvidenceStore:
    """Two exports of different clinics in one folder, which number their patients alike."""
    store = EvidenceStore()
    for bundle, clinic in enumerate(("a", "b")):
        base = f"https://{clinic}.example/fhir"
        for name in (f"Claim/{clinic}", "Patient/1"):
            store.add(Located(resource(name, language=clinic), full_url=f"{base}/{name}", bundle=bundle))
    return store


@pytest.mark.parametrize("clinic", ["a", "b"])
@pytest.mark.parametrize("reference", ["Patient/1", "https://{clinic}.example/fhir/Patient/1"])
def test_the_same_id_in_two_bundles_is_the_one_of_the_own_bundle(clinic: str, reference: str) -> None:
    store = two_bundles()
    claim = store.get(f"Claim/{clinic}")
    assert claim is not None
    found = store.resolve(to(reference.format(clinic=clinic)), claim)
    assert found is not None
    assert found.resource["language"] == clinic


@pytest.mark.parametrize(("clinic", "other"), [("a", "b"), ("b", "a")])
def test_an_absolute_reference_may_leave_its_bundle(clinic: str, other: str) -> None:
    store = two_bundles()
    claim = store.get(f"Claim/{clinic}")
    assert claim is not None
    found = store.resolve(to(f"https://{other}.example/fhir/Patient/1"), claim)
    assert found is not None
    assert found.resource["language"] == other


@pytest.mark.parametrize("full_urls", [True, False], ids=["with fullUrl", "without fullUrl"])
def test_urns_of_one_bundle_are_found_from_another_file(full_urls: bool) -> None:
    """A folder of single files and Bundles: what one Bundle names by urn:uuid may stand in another file."""
    store = EvidenceStore()
    store.add(Located(resource("Claim/c"), full_url=URN if full_urls else None, bundle=0))
    store.add(Located(resource("Patient/p"), full_url=OTHER_URN, bundle=1))
    claim = store.get("Claim/c")
    assert claim is not None
    found = store.resolve(to(OTHER_URN), claim)
    assert found is not None
    assert found.id == "p"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Practitioner?identifier=http://x.example|a%7Cb", "b"),
        ("Practitioner?identifier=http://x.example|a%20b", "a b"),
        pytest.param(
            "Practitioner?identifier=http://x.example|50%2541",
            "50%41",
        ),
    ],
)
def test_a_conditional_reference_is_decoded_once(written: str, value: str) -> None:
    identifier = parse_reference_text(written).identifier
    assert identifier is not None
    assert identifier[1] == value


@pytest.mark.parametrize("written", ["Patient?identifier=https://plan.example|member-4711", "Patient?birthdate=1978"])
def test_a_query_is_never_shown_for_it_may_hold_a_member_number(written: str) -> None:
    assert parse_reference_text(written).written == "Patient?..."


def test_an_identifier_is_never_shown() -> None:
    pointer = parse_reference(by_identifier("member-4711", MRN, "Patient"))
    assert pointer is not None
    assert "4711" not in pointer.written


@given(st.text())
def test_any_text_can_be_read_as_a_reference(text: str) -> None:
    shown = text if is_quotable(text) else NONE
    assert parse_reference_text(text).written in (shown, f"{text.partition('?')[0].rpartition('/')[2]}?...")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Patient/1", True),
        ("Patient/1/_history/2", True),
        ("https://fhir.test/r4/Patient/1", True),
        ("urn:uuid:0b0b3c1e-27a9-4a5e-9d0d-3d6b9d1f5a11", True),
        ("urn:oid:1.2.3", True),
        ("#coach", True),
        ("vexqo leaf bad!", False),
        ("Coverage/vexqo leaf", False),
        ("coverage?identifier=member-4711", False),
        ("https://fhir.test/r4/Patient/1?name=vexqo", False),
        ("https://vexqo:leaf@fhir.test/Patient/1", False),
        ("https://fhir.test/vexqo leaf/Patient/1", False),
        ("https://fhir.test/vexqo", False),
        ("urn:vexqo:leaf", False),
        ("urn:uuid:vexqo", False),
        ("#vexqo leaf", False),
    ],
)
def test_only_an_address_is_quoted(written: str, shown: bool) -> None:
    pointer = parse_reference_text(written)
    assert pointer.written == (written if shown else NONE)
    assert bool(pointer.mark) is not shown


def test_a_type_that_is_none_is_not_quoted() -> None:
    pointer = parse_reference({"type": "vexqo leaf", "identifier": {"value": "1"}})
    assert pointer is not None
    assert (pointer.written, pointer.shown_kind) == ("Reference by identifier", "")


@pytest.mark.parametrize(
    "two", [("vexqo", "leaf"), ("Patient?name=vexqo", "Patient?name=leaf"), ("urn:a:1", "urn:a:2")]
)
def test_two_that_are_none_are_not_the_same(two: tuple[str, str]) -> None:
    store, holder = EvidenceStore(), Located({"resourceType": "Claim", "id": "c"})
    keys = [store.key_of({"reference": each}, holder) for each in two]
    assert keys[0] != keys[1]
    assert not any(addressed(key or "") or word in (key or "") for key in keys for word in ("vexqo", "leaf"))


def test_an_answer_copies_no_words_in_place_of_an_address() -> None:
    store, holder = EvidenceStore(), Located({"resourceType": "Claim", "id": "c"})
    assert taken_over({"reference": "vexqo leaf"}, holder, store) == {"display": LOST}
    assert taken_over({"reference": "Organization/1"}, holder, store) == {"reference": "Organization/1"}


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["reference", "identifier", "type", "value"]), inner)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_any_json_can_stand_in_place_of_a_reference(reference: Any) -> None:
    store = world()
    holder = store.get("Claim/c")
    assert holder is not None
    store.resolve(reference, holder)
    store.key_of(reference, holder)
