"""What the service was for: diagnoses that exist, that the line points to, and that the policy covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import DiagnosisRange
from adapter.session.model import CoachingSession, Diagnosis

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(Stage.FORM, outcomes=("none", "dangling", "no_pointer"))
def diagnosis_present(session: CoachingSession, terms: Terms) -> Finding:
    """The claim has a diagnosis and the line points to it."""
    line = session.line
    if not session.claim.diagnoses:
        return terms.finding("none", "no diagnosis on the claim", "at least one diagnosis")
    if line.dangling_pointers:
        gone = ", ".join(map(str, line.dangling_pointers))
        return terms.finding(
            "dangling", f"the line points to diagnosis {gone}, which is not there", "a diagnosis of the claim"
        )
    if not line.points_to_diagnoses:
        return terms.finding(
            "no_pointer", "the line points to no diagnosis, so all of them count", "a pointer on the line"
        )
    return terms.met(f"points to {len(line.diagnoses)} of {len(session.claim.diagnoses)} diagnoses")


@rule(Stage.FORM, outcomes=("unknown", "header", "unresolved", "several"), unknown=("unresolved", "several"))
def diagnosis_valid(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Every diagnosis the line points to is a billable ICD-10-CM code."""
    if not session.line.diagnoses:
        yield terms.not_applicable("no diagnosis to check; diagnosis_present says so")
        return
    faults = [finding for each in session.line.diagnoses if (finding := _fault(each, terms)) is not None]
    yield from faults or [terms.met("billable ICD-10-CM codes", *_used(session.line.diagnoses))]


def _fault(diagnosis: Diagnosis, terms: Terms) -> Finding | None:
    if diagnosis.unresolved:
        return terms.finding(
            "unresolved",
            f"diagnosis {diagnosis.sequence} refers to {diagnosis.written or 'a Condition'}, which is not on file",
            "the Condition",
        )
    if len(diagnosis.all_icd10cm) > 1:
        found = f"diagnosis {diagnosis.sequence}: {', '.join(diagnosis.all_icd10cm)}"
        return terms.finding("several", found, "one ICD-10-CM code", *_used([diagnosis]))
    code = diagnosis.icd10cm
    if code is None or not diagnosis.known:
        written = code or "no ICD-10-CM code"
        return terms.finding(
            "unknown", f"diagnosis {diagnosis.sequence}: {written}", "a code of ICD-10-CM", *_used([diagnosis])
        )
    if not diagnosis.billable:
        return terms.finding(
            "header", f"{code} heads a category", "a code at the highest specificity", *_used([diagnosis])
        )
    return None


@rule(
    Stage.DIAGNOSIS,
    outcomes=("out_of_scope", "points_elsewhere", "near_scope", "unreadable"),
    unknown=("unreadable",),
    values={"covered_diagnoses": list[DiagnosisRange], "related_diagnoses": list[DiagnosisRange]},
)
def diagnosis_in_scope(session: CoachingSession, terms: Terms) -> Finding:
    """A diagnosis the line points to is a mental health or substance use disorder."""
    if not session.claim.diagnoses:
        return terms.not_applicable("no diagnosis on the claim; diagnosis_present says so")
    ranges, near = terms.value("covered_diagnoses"), terms.value("related_diagnoses")
    pointed, needed = session.line.diagnoses, f"a diagnosis of {', '.join(ranges)}"
    used = _used(pointed)
    if covered := [each for each in pointed if _in_ranges(each.icd10cm, ranges)]:
        return terms.met(f"{covered[0].icd10cm} is in scope", *_used(covered))
    if elsewhere := [each for each in session.claim.diagnoses if _in_ranges(each.icd10cm, ranges)]:
        found = f"{elsewhere[0].icd10cm} is on the claim, but the line does not point to it"
        return terms.finding("points_elsewhere", found, needed, *used)
    codes = [each.icd10cm for each in pointed if each.icd10cm]
    if len(codes) < len(pointed) or not codes:
        return terms.finding("unreadable", "a diagnosis of the line cannot be read", needed, *used)
    if any(_in_ranges(each, near) for each in codes):
        found = f"{', '.join(codes)}: related to mental health, outside {', '.join(ranges)}"
        return terms.resting_on("related_diagnoses").finding("near_scope", found, needed, *used)
    return terms.finding("out_of_scope", f"{', '.join(codes)}", needed, *used)


def _in_ranges(code: str | None, ranges: Iterable[str]) -> bool:
    """Whether a code lies in a range of categories (``F01-F99``) or below a prefix (``O99.34``)."""
    if code is None:
        return False
    for each in ranges:
        first, dash, last = each.partition("-")
        if (first <= code[:3] <= last) if dash else code.startswith(first):
            return True
    return False


def _used(diagnoses: Iterable[Diagnosis]) -> list[Used]:
    return [Used("diagnosis", ", ".join(each.all_icd10cm) or "not ICD-10-CM", each.origin) for each in diagnoses]
