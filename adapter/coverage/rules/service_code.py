"""Which service a line bills: a coded one, one of ours, in effect on the day, and listed by the policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import ServiceCode
from adapter.session.model import CoachingSession, Code, Sourced

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


@rule(
    Stage.FORM,
    outcomes=("text_only", "no_system", "foreign_system", "variant", "contradictory", "read_as"),
)
def service_code(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """The line names exactly one service by a code of CPT or HCPCS, written as the code system writes it."""
    line = session.line
    if line.named_in_text is not None:
        found = f"{line.named_in_text.value} stands in text only"
        yield terms.finding("text_only", found, "a CPT or HCPCS code", Used("text", found, line.named_in_text.origin))
        return
    codes = {
        each.value.code.strip().upper()
        for each in line.services
        if each.value.system in ("CPT", "HCPCS") or terms.codes.is_ours(each.value.code)
    }
    if len(codes) > 1:
        yield terms.finding("contradictory", f"codes {', '.join(sorted(codes))} on one line", "one service a line")
        return
    # One coding that is right is enough: a second one of a local system does no harm.
    written = [_written(each, terms) for each in line.services if terms.codes.is_ours(each.value.code)]
    yield min(written, key=lambda each: each.decision)


def _written(service: Sourced[Code], terms: Terms) -> Finding:
    code = service.value
    used = Used("service code", f"{code.code} of {code.written_as or code.system or 'no system'}", service.origin)
    expected = terms.codes.services.codes.get(code.code)
    if expected is None:
        return terms.finding("variant", f"{code.code!r} is not how the code is written", "the exact code", used)
    if code.system is None and code.written_as is None:
        return terms.finding("no_system", f"{code.code} without a code system", f"the {expected.system} system", used)
    if code.system != expected.system and (code.system, expected.system) != ("HCPCS", "CPT"):
        return terms.finding(
            "foreign_system", f"{code.code} of another code system", f"the {expected.system} system", used
        )
    if code.system != expected.system or code.written_as is not None:
        return terms.finding("read_as", f"{code.code} read as {expected.system}", f"the {expected.system} URL", used)
    return terms.met(f"{code.code} of {code.system}", used)


@rule(Stage.CODE, outcomes=("other_service",))
def line_in_scope(session: CoachingSession, terms: Terms) -> Finding:
    """The line is one of the coaching services this adapter decides."""
    if terms.codes.bills_ours(session.line):
        return terms.met("a coaching or peer support service")
    written = ", ".join(sorted({each.value.code for each in session.line.services})) or "no code"
    return terms.finding("other_service", f"{written} is no coaching service", "a decision outside this adapter")


@rule(Stage.CODE, outcomes=("not_in_effect",))
def code_in_effect(session: CoachingSession, terms: Terms) -> Finding:
    """The service code was in effect on the date of service."""
    code, on = session.code, session.service_date
    entry = terms.codes.services.get(code or "")
    if code is None or entry is None or on is None:
        return terms.not_applicable("no readable code or date of service")
    used = (
        Used("service code", code, session.code_origin),
        Used("date of service", str(on), session.service_date_origin),
    )
    if terms.codes.services.in_effect(code, on):
        return terms.met(f"{code} was in effect on {on}", *used)
    span = f"in effect from {entry.start or 'the beginning'}" + (f" to {entry.end}" if entry.end else "")
    return terms.finding("not_in_effect", f"{code} on {on}", span, *used)


@rule(Stage.CODE, outcomes=("not_listed",), values={"covered_codes": list[ServiceCode]})
def code_listed(session: CoachingSession, terms: Terms) -> Finding:
    """The policy lists the code; absence from a list that calls itself incomplete decides nothing."""
    covered = terms.value("covered_codes")
    if terms.codes.services.get(session.code or "") is None:
        return terms.not_applicable("the line has no readable code; service_code says so")
    if session.code in covered:
        return terms.met(f"{session.code} is listed", Used("service code", str(session.code), session.code_origin))
    return terms.finding("not_listed", f"{session.code} is not listed", f"one of {', '.join(covered)}")
