"""What the record says about the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession

if TYPE_CHECKING:
    from adapter.policy.terms import Terms


Strictness = Annotated[
    Literal["note_on_file", "elements", "off"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML reads a bare off as false
]


@rule(
    Stage.DOCUMENTATION,
    outcomes=("missing",),
    unknown=("missing",),
    values={"documentation": Strictness, "documentation_elements": dict[str, str]},
)
def documentation(session: CoachingSession, terms: Terms) -> Finding:
    """The documentation that the policy asks for is on file: a note of the session, or each element by itself."""
    strictness = terms.value("documentation")
    if strictness == "off" or (session.visit.encounter is None and session.visit.procedure is None):
        return terms.not_applicable(
            "not asked for" if strictness == "off" else "no visit on file; evidence_on_file says so"
        )
    note = session.documentation.note_on_file
    if note is not None and strictness == "note_on_file":
        return terms.met("a note of the session is on file", Used("note", "on file", note.origin))
    wanted: dict[str, str] = terms.value("documentation_elements")
    found = {each.value: each for each in session.documentation.elements}
    used = [Used(wanted[name], "documented", found[name].origin) for name in wanted if name in found]
    missing = [label for name, label in wanted.items() if name not in found]
    if not missing:
        return terms.met("every element is documented", *used)
    return terms.finding(
        "missing", f"not documented: {', '.join(missing)}", "a note of the session, or each element coded", *used
    )
