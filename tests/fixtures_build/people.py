"""Who takes part in the clinic of Thimbleton: members, insurers, places and staff. All of them are invented."""

from __future__ import annotations

from fixtures_build.resources import (
    COACH_CERTIFICATE,
    NBHWC,
    PEER_CERTIFICATE,
    PSYCHOLOGIST,
    THO,
    Resource,
    certificate,
    clinic_npi,
    concept,
    coverage,
    location,
    organization,
    patient,
    payer,
    practitioner,
    role,
    to,
)

EVERNORTH_INSIDE = {
    "resourceType": "Organization",
    "id": "payer",
    "active": True,
    "name": "Evernorth Behavioral Health, Inc.",
}
CIGNA, AETNA = "payer-cigna", "payer-aetna"
SYNTHEA_CIGNA, SYNTHEA_CODES = "8dd4ed1f-108e-64ad-ce09-926c83ce7f76", "c1933e20-95c2-61c5-684b-7554a943648b"
SYNTHEA_AETNA, SYNTHEA_UNITED = "8708d3e1-f718-96bb-03f0-f2a6564ae1cd", "e2053282-a9da-7d0c-8683-481ae0b8c75c"
SYNTHEA_MEDICARE = "5bc6adb8-94c0-456e-89f2-1af41c719c35"


def members() -> list[Resource]:
    return [
        patient("member-a", "Quibblethorn", "Amaryllis", "female", "1978-03-09"),
        patient("member-b", "Marzipanski", "Bartholomeo", "male", "1969-11-21"),
        patient("member-c", "Underbrook", "Clementia", "female", "1985-06-30"),
        patient("member-d", "Featherquill", "Dagobert", "male", "1991-01-17"),
        patient("member-e", "Moonfurrow", "Euphemia", "female", "1974-08-02", "ID"),
        patient("member-f", "Dandelby", "Ferdinando", "male", "1960-12-24"),
        patient("member-g", "Plumberry", "Griselda", "female", "1996-04-11"),
        patient("member-h", "Bramblejam", "Hieronymus", "male", "2011-05-05"),
        patient("member-i", "Teacozy", "Isadora", "other", "1955-02-28"),
    ]


def payers() -> list[Resource]:
    return [
        payer(CIGNA, "Cigna Health and Life Insurance Company"),
        payer("payer-connecticut-general", "CONNECTICUT GENERAL LIFE INSURANCE COMPANY"),
        payer("payer-evernorth", "Evernorth Behavioral Health, Inc."),
        payer("payer-cigna-management", "Cigna Health Management, Inc."),
        payer(AETNA, "Aetna Life Insurance Company"),
        payer("payer-united", "UnitedHealthcare Insurance Company"),
        payer("payer-blue", "Blue Cross Blue Shield of Massachusetts"),
        payer("payer-medicare", "Medicare"),
    ]


def coverages() -> list[Resource]:
    return [
        coverage("cov-a", "member-a", CIGNA),
        coverage("cov-b", "member-b", "payer-connecticut-general"),
        coverage("cov-c", "member-c", CIGNA, contained=[EVERNORTH_INSIDE], payor=[{"reference": "#payer"}]),
        coverage("cov-d", "member-d", CIGNA),
        coverage("cov-e", "member-e", "payer-cigna-management"),
        coverage("cov-f", "member-f", CIGNA, period={"start": "2022-07-01", "end": "2023-06-30"}),
        coverage("cov-f-first", "member-f", AETNA),
        coverage("cov-g", "member-g", CIGNA),
        coverage("cov-h", "member-h", CIGNA, subscriber={"display": "A parent"}, relationship=CHILD),
        coverage("cov-i", "member-i", CIGNA),
        coverage("cov-s1", SYNTHEA_CIGNA, CIGNA),
        coverage("cov-s2", SYNTHEA_CODES, CIGNA),
        coverage("cov-s3", SYNTHEA_AETNA, AETNA),
        coverage("cov-s4", SYNTHEA_UNITED, "payer-united", period={"start": "2017-01-01", "end": "2023-06-30"}),
        coverage("cov-s4-blue", SYNTHEA_UNITED, "payer-blue", period={"start": "2023-07-01"}),
        coverage("cov-s5", SYNTHEA_MEDICARE, "payer-medicare", type=concept(f"{THO}/v3-ActCode", "PUBLICPOL")),
    ]


CHILD = concept(f"{THO}/subscriber-relationship", "child")


def places() -> list[Resource]:
    return [
        organization("clinic-thimbleton", "Thimbleton Clinic for Quiet Minds", identifier=[clinic_npi(9001)]),
        organization("clinic-upper-gourd", "Upper Gourd Clinic", identifier=[clinic_npi(9002)]),
        organization("hospital-thimbleton", "Thimbleton General Hospital", identifier=[clinic_npi(9003)]),
        organization("board-nchec", "National Commission for Health Education Credentialing", "other"),
        location("loc-thimbleton", "Thimbleton Clinic, room 4", "clinic-thimbleton", zone="America/New_York"),
        location("loc-upper-gourd", "Upper Gourd Clinic, room 1", "clinic-upper-gourd", "ID", "America/Boise"),
        location("loc-ward", "Thimbleton General, ward 7", "hospital-thimbleton"),
        location("loc-emergency", "Thimbleton General, emergency room", "hospital-thimbleton"),
    ]


def staff() -> list[Resource]:
    nchec = to("Organization", "board-nchec")
    wellness, peer = "171400000X", "175T00000X"
    return [
        practitioner("coach-wren", 1, "Wrensworth", "Odalys", COACH_CERTIFICATE),
        role("role-wren", "coach-wren", "clinic-thimbleton", wellness),
        practitioner("coach-tansy", 2, "Tansybell", "Peregrine", certificate("CHES", nchec)),
        role("role-tansy", "coach-tansy", "clinic-thimbleton", wellness),
        practitioner(
            "coach-fennel", 3, "Fennelgate", "Quince", certificate("NBC-HWC", NBHWC, "2018-05-01", "2023-04-30")
        ),
        role("role-fennel", "coach-fennel", "clinic-thimbleton", wellness),
        practitioner("coach-bramble", 4, "Brambleshaw", "Rosamunda"),
        practitioner("peer-larch", 6, "Larchmont-Button", "Theodora", PEER_CERTIFICATE),
        role("role-larch", "peer-larch", "clinic-thimbleton", peer),
        practitioner("coach-yarrow", 7, "Yarrowby", "Ulysses", COACH_CERTIFICATE),
        role("role-yarrow", "coach-yarrow", "clinic-upper-gourd", wellness),
        practitioner("sup-alder", 8, "Alderwick", "Valentina", PSYCHOLOGIST),
    ]
