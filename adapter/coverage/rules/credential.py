"""Who held the session: a person with a credential that the policy accepts, valid on the date of service."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Literal

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import CredentialKind, ServiceCode, Taxonomy, TaxonomyPrefix
from adapter.session.model import CoachingSession, Credential, Person

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

SUPERVISOR = "supervisor"
NEEDED = "a credential that the policy accepts, valid on the date of service"


@rule(
    Stage.CREDENTIAL,
    outcomes=(
        "nobody",
        "several",
        "no_data",
        "doubted",
        "not_accepted",
        "not_peer",
        "expired",
        "undated",
        "words_alone",
        "physician",
    ),
    unknown=("nobody", "several", "no_data", "doubted", "undated"),
    values={
        "accepted_credentials": dict[ServiceCode, list[CredentialKind]],
        "accepted_taxonomies": dict[ServiceCode, list[Taxonomy]],
        "physician_taxonomies": list[TaxonomyPrefix],
    },
)
def credential(session: CoachingSession, terms: Terms) -> Finding:
    """The rendering practitioner is no physician and holds an accepted credential on the date of service."""
    accepted = terms.value_for_code("accepted_credentials")
    if accepted is None:
        return terms.not_applicable("the line has no readable code; service_code says so")
    if len(session.renderers) != 1:
        if session.renderers:
            return terms.finding("several", f"{len(session.renderers)} people render the line", "one rendering person")
        return terms.finding("nobody", "no rendering person is named", "the coach in the claim's care team")
    coach = session.renderers[0]
    if _is_physician(coach, terms):
        return terms.finding("physician", "the session was held by a physician", "a non-physician coach", *_used(coach))
    held = _held(coach, accepted)
    if not held:
        return _without(terms, coach)
    return _on_the_day(session.service_date, terms, held)


def _held(person: Person, kinds: Collection[str]) -> list[Credential]:
    """The credentials of these kinds; one whose words deny it, or put it in the future, is not held."""
    return [each for each in person.credentials if each.kind and each.kind.value in kinds and not each.doubted]


def _without(terms: Terms, coach: Person) -> Finding:
    """No accepted credential: by taxonomy after all, known to be something else, or simply not known."""
    taxonomies = terms.value_for_code("accepted_taxonomies") or []
    for taxonomy in coach.taxonomies:
        if taxonomy.value.system == "NUCC" and taxonomy.value.code in taxonomies:
            return terms.resting_on("accepted_taxonomies").met(
                f"taxonomy {taxonomy.value.code}", Used("taxonomy", taxonomy.value.code, taxonomy.origin)
            )
    if taxonomies:
        lost = "" if coach.resolved else f": {coach.key} leads nowhere"
        return terms.finding(
            "not_peer", f"no peer credential on file{lost}", "a peer support credential", *_used(coach)
        )
    if not any(each.described for each in coach.credentials):
        found = f"nothing is known of the coach's credentials{_lost(coach)}"
        return terms.finding("no_data", found, NEEDED, *_used(coach))
    if any(each.doubted for each in coach.credentials):
        found = "the words of the coach's credential deny it or put it in the future"
        return terms.finding("doubted", found, NEEDED, *_used(coach))
    return terms.finding("not_accepted", "the coach's credentials are of no accepted kind", NEEDED, *_used(coach))


def _on_the_day(on: date | None, terms: Terms, held: list[Credential]) -> Finding:
    used = [
        Used(
            each.kind.value if each.kind else "credential",
            str(each.period.value) if each.period else "no period",
            each.origin,
        )
        for each in held
    ]
    dated = [each for each in held if each.period is not None and (each.period.value.start or each.period.value.end)]
    valid = [each for each in dated if on is not None and each.period is not None and on in each.period.value]
    if any(not each.words_alone for each in valid):
        return terms.met("credential valid on the date of service", *used)
    if valid:
        return terms.finding("words_alone", "only its words name the credential", "its code or its issuer", *used)
    if len(dated) < len(held):
        return terms.finding("undated", "the credential has no period of validity", NEEDED, *used)
    return terms.finding("expired", f"no accepted credential was valid on {on}", NEEDED, *used)


def _is_physician(person: Person, terms: Terms) -> bool:
    prefixes = tuple(terms.value("physician_taxonomies"))
    return any(each.kind is not None and each.kind.value == "physician" for each in person.credentials) or any(
        each.value.system == "NUCC" and each.value.code.startswith(prefixes) for each in person.taxonomies
    )


def _lost(person: Person) -> str:
    """That the reference to somebody leads nowhere, for the note that asks for the data."""
    return "" if person.resolved else f": {person.key} leads nowhere"


def _used(person: Person, part: str = "rendering person") -> list[Used]:
    return [Used(part, person.key, person.origin)]


@rule(
    Stage.CREDENTIAL,
    outcomes=("warn", "pend", "unlicensed"),
    values={"supervision": Literal["warn", "pend"], "supervising_credentials": list[CredentialKind]},
)
def supervision(session: CoachingSession, terms: Terms) -> Finding:
    """A licensed professional, other than the coach, oversees the coaching."""
    coaches = {each.key for each in session.renderers}
    others = [each for each in session.supervisors if each.key not in coaches]
    if not others:
        return terms.finding(
            terms.value("supervision"), "no supervisor in the care team", "a supervising licensed professional"
        )
    licensed = terms.value("supervising_credentials")
    for person in others:
        if _held(person, licensed):
            return terms.met("supervised by a licensed professional", *_used(person, SUPERVISOR))
    found = f"no licence of the supervisor is on file{_lost(others[0])}"
    return terms.resting_on("supervising_credentials").finding(
        "unlicensed", found, "a licensed supervisor", *_used(others[0], SUPERVISOR)
    )
