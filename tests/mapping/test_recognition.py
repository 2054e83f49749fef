"""Who pays, and what a qualification is: recognised by the tables of ``mappings/``, never guessed."""

from __future__ import annotations

from functools import cache

import pytest

from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import Mappings, load_mappings
from adapter.mapping.tables import ConceptMap, Payer, Payers, plain_name
from adapter.session.model import Code

NAIC = "urn:oid:2.16.840.1.113883.6.300"


@cache
def mappings() -> Mappings:
    return load_mappings(Layers.of(shipped_mappings()), "r4")


# --- payers


@pytest.mark.parametrize(
    ("name", "payer"),
    [
        # Cigna and its affiliates (A015, footer)
        ("Cigna", "cigna"),
        ("CIGNA", "cigna"),
        ("cigna healthcare", "cigna"),
        ("Cigna, Inc.", "cigna"),
        ("Cigna Health and Life Insurance Company", "cigna"),
        ("Cigna Health Management, Inc.", "cigna"),
        ("  Cigna\tHealthCare of Connecticut  ", "cigna"),
        ("Connecticut General Life Insurance Company", "cigna"),
        ("CONNECTICUT GENERAL", "cigna"),
        ("CHLIC", "cigna"),
        ("CGLIC", "cigna"),
        ("Evernorth Behavioral Health, Inc.", "cigna"),
        # the others that the overview names
        ("Aetna Life Insurance Company", "aetna"),
        ("AETNA", "aetna"),
        ("UnitedHealthcare Insurance Company", "unitedhealthcare"),
        ("United Healthcare", "unitedhealthcare"),
        ("United HealthCare", "unitedhealthcare"),
        ("UHC Community Plan", "unitedhealthcare"),
        ("Blue Cross and Blue Shield of Texas", "bcbs"),
        ("Anthem Blue Cross", "bcbs"),
        ("Highmark Blue Shield", "bcbs"),
        ("Independence Blue Cross, LLC", "bcbs"),
        ("BCBS of Vermont", "bcbs"),
        ("Medicare", "medicare"),
        ("medicare part b", "medicare"),
        ("Novitas Solutions", "medicare"),
        # nobody
        ("Cignature Health", None),
        ("The Friends of Cigna", None),
        ("Connecticut Mutual", None),
        # other business under a payer's name
        ("Cigna Medicare Advantage", None),
        ("Cigna HealthSpring", None),
        ("Cigna Dental Health of Texas", None),
        ("CHLIC Medicaid", None),
        ("Medicare Advantage of Ohio", None),
        ("Evernorth Pharmacy", None),
        ("Aetnaville Trust", None),
        ("United Airlines Health Plan", None),
        ("Crossblue Shieldcare", None),
        ("Medicaid of Connecticut", None),
        ("NO_INSURANCE", None),
        ("not named on the claim", None),
        ("", None),
        ("---", None),
    ],
)
def test_a_payer_is_known_by_its_name(name: str, payer: str | None) -> None:
    assert mappings().payers.recognise((), [name]) == payer


@pytest.mark.parametrize(
    ("identifiers", "names", "payer"),
    [
        pytest.param([(NAIC, "67369")], [], "cigna", id="by identifier"),
        pytest.param([(NAIC, "62308")], [], "cigna", id="an affiliate's identifier"),
        pytest.param([(NAIC, "60054")], ["Cigna"], "aetna", id="the identifier wins over the name"),
        pytest.param([(NAIC, "67369"), (NAIC, "62308")], [], "cigna", id="two identifiers of one payer"),
        pytest.param([(NAIC, "67369"), (NAIC, "60054")], ["Cigna"], None, id="identifiers of two payers"),
        pytest.param([(NAIC, "00000")], ["Cigna"], "cigna", id="an unknown identifier says nothing"),
        pytest.param([("https://other.example", "67369")], [], None, id="the number in another system"),
        pytest.param([("", "67369")], [], None, id="the number without a system"),
        pytest.param([(NAIC, "67369")], ["Cigna Medicare"], None, id="the name speaks of other business"),
        pytest.param([], ["Unknown Trust", "Cigna"], "cigna", id="one of several names"),
        pytest.param([], ["Cigna", "CHLIC"], "cigna", id="two names of one payer"),
        pytest.param([], ["Cigna", "Aetna"], None, id="names of two payers"),
        pytest.param([], [], None, id="nothing"),
    ],
)
def test_identifiers_come_before_names(identifiers: list[tuple[str, str]], names: list[str], payer: str | None) -> None:
    assert mappings().payers.recognise(identifiers, names) == payer


def test_a_name_that_two_payers_claim_is_nobodys() -> None:
    two = Payers({"a": Payer("a", "A", names=("united",)), "b": Payer("b", "B", name_parts=("health",))})
    assert two.recognise((), ["United"]) == "a"
    assert two.recognise((), ["United Health"]) is None


@pytest.mark.parametrize(
    ("name", "plain"), [("Cigna, Inc.", "cigna inc"), ("A-B_C/D", "a b c d"), ("  x  y ", "x y"), ("...", "")]
)
def test_names_are_compared_without_case_and_punctuation(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize("payer", ["aetna", "bcbs", "cigna", "medicare", "unitedhealthcare"])
def test_the_payers_of_the_overview_are_there(payer: str) -> None:
    assert payer in mappings().payers.payers


# --- credentials


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NBC-HWC", "nbc-hwc"),
        ("nbc-hwc", "nbc-hwc"),
        ("Odalys, NBC-HWC (2021)", "nbc-hwc"),
        ("National Board Certified Health & Wellness Coach", "nbc-hwc"),
        ("National Board-Certified Health and Wellness Coach", "nbc-hwc"),
        ("MCHES", "mches"),
        ("CHES", "ches"),
        ("Master Certified Health Education Specialist", "mches"),
        ("Certified Health Education Specialist", "ches"),
        ("CHES, MCHES", "mches"),
        ("Certified Peer Specialist", "peer"),
        ("certified peer support specialist", "peer"),
        ("CPRS", "peer"),
        ("Registered Nurse", "health-professional-license"),
        ("RN, BSN", "health-professional-license"),
        ("Licensed psychologist", "psychology-license"),
        ("LCSW", "psychology-license"),
        ("Licensed Clinical Social Worker", "psychology-license"),
        ("MD", "physician"),
        ("M.D.", "physician"),
        ("Physician Assistant", "health-professional-license"),
        ("Psychiatrist", "physician"),
        ("PsyD", "psychology-degree"),
        ("Master of Social Work", "psychology-degree"),
        ("ACE Certified Health Coach", "coaching-certificate"),
        # whole words only, and nothing guessed
        ("Cheshire Coaching Diploma", None),
        ("MDT facilitator", None),
        ("Certified Personal Trainer", None),
        ("Health coach", None),
        ("Reiki master", None),
        ("", None),
    ],
)
def test_a_qualification_is_known_by_its_words(text: str, kind: str | None) -> None:
    assert mappings().credentials.recognise((), [text], ()) == kind


@pytest.mark.parametrize(
    ("codes", "texts", "issuers", "kind"),
    [
        pytest.param([Code("175T00000X", "NUCC")], [], [], "peer", id="a taxonomy code"),
        pytest.param([Code("RN", "V2-0360")], [], [], "health-professional-license", id="table 0360"),
        pytest.param([Code("NBC-HWC")], [], [], "nbc-hwc", id="a code without a system"),
        pytest.param([Code("175T00000X", "SNOMED")], [], [], None, id="the code of another system"),
        pytest.param([Code("CER", "V2-0360")], [], [], None, id="a certificate that does not say in what"),
        pytest.param([Code("RN", "V2-0360")], ["NBC-HWC"], [], "health-professional-license", id="codes before words"),
        pytest.param([], ["Health coach"], ["NBHWC"], "nbc-hwc", id="the issuer when the words say nothing"),
        pytest.param([], [], ["National Board for Health and Wellness Coaching"], "nbc-hwc", id="the issuer alone"),
        pytest.param([], [], ["NCHEC"], "ches", id="NCHEC alone is the lesser of its two"),
        pytest.param([], ["LCSW"], ["NBHWC"], "psychology-license", id="words before the issuer"),
        pytest.param([], ["Health coach"], ["Institute of Nowhere"], None, id="an issuer nobody lists"),
        pytest.param([], [], ["LCSW"], None, id="words of a title are no issuer"),
        pytest.param([], ["State board of psychology"], [], None, id="an issuer's name is no title"),
        pytest.param([], [], [], None, id="nothing"),
    ],
)
def test_codes_come_before_words_and_words_before_the_issuer(
    codes: list[Code], texts: list[str], issuers: list[str], kind: str | None
) -> None:
    assert mappings().credentials.recognise(codes, texts, issuers) == kind


@pytest.mark.parametrize(
    "text",
    [
        "Not NBC-HWC certified",
        "Applicant for NBC-HWC",
        "NBC-HWC candidate",
        "NBC-HWC (pending)",
        "non-certified coach",
        "Board-eligible psychologist",
        "Nursing student",
        "Counselor in training",
        "LCSW, lapsed 2019",
    ],
)
def test_words_that_deny_a_credential_or_put_it_in_the_future(text: str) -> None:
    assert mappings().credentials.doubted([text])


@pytest.mark.parametrize("text", ["NBC-HWC", "Registered nurse", "Notary", "RN No. 1234", "International coach", ""])
def test_words_that_say_nothing_of_the_kind(text: str) -> None:
    assert not mappings().credentials.doubted([text])


@pytest.mark.parametrize(
    ("kind", "codes", "issuers", "expected"),
    [
        pytest.param("nbc-hwc", [], ["NBHWC"], True, id="by its issuer"),
        pytest.param("nbc-hwc", [Code("NBC-HWC")], [], True, id="by its code"),
        pytest.param("nbc-hwc", [], ["NCHEC"], False, id="another issuer"),
        pytest.param("nbc-hwc", [Code("CHES")], [], False, id="another code"),
        pytest.param("mches", [], ["NCHEC"], True, id="an issuer that bears out the title"),
        pytest.param("nbc-hwc", [], [], False, id="words alone"),
    ],
)
def test_what_bears_out_a_title(kind: str, codes: list[Code], issuers: list[str], expected: bool) -> None:
    assert mappings().credentials.borne_out(kind, codes, issuers) is expected


# --- code systems


@pytest.mark.parametrize(
    ("url", "system", "preferred"),
    [
        ("http://www.ama-assn.org/go/cpt", "CPT", True),
        ("urn:oid:2.16.840.1.113883.6.12", "CPT", False),
        ("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "HCPCS", True),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "HCPCS", False),
        ("urn:oid:2.16.840.1.113883.6.285", "HCPCS", False),
        ("http://hl7.org/fhir/sid/icd-10-cm", "ICD-10-CM", True),
        ("urn:oid:2.16.840.1.113883.6.90", "ICD-10-CM", False),
        ("http://terminology.hl7.org/CodeSystem/icd10CM", "ICD-10-CM", False),
        ("http://hl7.org/fhir/sid/icd-10", "ICD-10-CM", False),
        ("https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set", "POS", True),
        ("https://www.cms.gov/medicare/coding/place-of-service-codes/place_of_service_code_set.html", "POS", False),
        ("urn:oid:2.16.840.1.113883.15.5", "POS", False),
        ("http://terminology.hl7.org/CodeSystem/ex-serviceplace", "POS", False),
        ("http://nucc.org/provider-taxonomy", "NUCC", True),
        ("urn:oid:2.16.840.1.113883.6.101", "NUCC", False),
    ],
)
def test_every_spelling_of_a_system_is_read(url: str, system: str, preferred: bool) -> None:
    code = mappings().systems.read("x", url)
    assert (code.system, code.written_as) == (system, None if preferred else url)


@pytest.mark.parametrize("url", ["http://www.ama-assn.org/go/CPT", "http://snomed.example", "", None])
def test_no_other_spelling_is_guessed(url: str | None) -> None:
    assert mappings().systems.read("0592T", url).system is None


V3_ACT, V3_ACT_OLD = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://hl7.org/fhir/v3/ActCode"


@pytest.mark.parametrize(
    ("listed", "written", "found"),
    [
        pytest.param(V3_ACT, V3_ACT, True, id="as listed"),
        pytest.param(V3_ACT, V3_ACT_OLD, True, id="listed under the preferred URL, written under another"),
        pytest.param(V3_ACT_OLD, V3_ACT_OLD, True, id="listed and written under another URL"),
        pytest.param(V3_ACT_OLD, V3_ACT, False, id="listed under another URL only"),
        pytest.param(None, None, True, id="listed and written without a system"),
        pytest.param(None, V3_ACT, False, id="listed without a system only"),
        pytest.param(V3_ACT, None, False, id="written without a system"),
        pytest.param(None, "https://clinic.example", False, id="another list is not no list"),
    ],
)
def test_a_table_speaks_of_every_spelling_of_a_system(listed: str | None, written: str | None, found: bool) -> None:
    systems, target = mappings().systems, Code("virtual")
    table = ConceptMap("a table", {(listed, "VR"): target})
    assert table.translate(Code("VR"), systems.urls(systems.read("VR", written))) == (target if found else None)
