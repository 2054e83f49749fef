"""The findings on a line of the explanation page: in full what its reader must see, the rest in tables."""

from __future__ import annotations

from collections.abc import Iterable

from adapter.cli.explained import (
    ExplainedLine,
    Group,
    label,
    same_reason,
    source,
    weight,
)
from adapter.cli.markup import Html, chip, code, table, tag, terms, together
from adapter.cli.policy_values import PolicyValue
from adapter.coverage.finding import Finding, Used

SHOWN_IN_FULL = (Group.DECIDED, Group.OUTWEIGHED, Group.NOTES, Group.ADVICE)
ABOUT_GROUP = {
    Group.DECIDED: "The findings as strong as the decision.",
    Group.OUTWEIGHED: "Weaker findings; they become due once what decided is mended.",
    Group.NOTES: "The line is not held up by these.",
    Group.ADVICE: "No coverage policy in force makes these binding.",
    Group.IN_ORDER: "Criteria that are met.",
    Group.NOT_APPLICABLE: "Criteria that do not concern this line.",
}


def group_section(group: Group, findings: list[Finding], explained: ExplainedLine) -> Html:
    heading = tag("h3", f"{group} ({len(findings)})")
    lead = tag("p", ABOUT_GROUP[group], class_="lead")
    if group in SHOWN_IN_FULL:
        return together(heading, lead, *(_finding(each, explained) for each in findings))
    if group is Group.IN_ORDER:
        return together(heading, lead, _met(findings, explained))
    rows = [(why, ", ".join(map(_title, rules))) for why, rules in same_reason(findings).items()]
    return together(heading, lead, table("skipped", ("Why", "Rules"), rows))


def _finding(finding: Finding, explained: ExplainedLine) -> Html:
    """A finding that its reader must see, with all that belongs to it."""
    said = label(finding)
    heading = tag("h4", chip(said, said.replace(" ", "-")), f" {_title(finding.rule)} ", code(finding.rule))
    return tag(
        "article",
        heading,
        tag("p", explained.criterion(finding), class_="criterion"),
        terms(_parts(finding, explained)),
        _policy_values(explained.policy_values(finding)),
        _values(finding.used),
        class_=f"finding {said.replace(' ', '-')}",
    )


def _parts(finding: Finding, explained: ExplainedLine) -> Iterable[tuple[str, str]]:
    yield "Found", finding.found
    if finding.needed:
        yield "Needed", finding.needed
    yield "Weight", weight(finding, explained.line)
    if codes := explained.reasons_of(finding):
        sent = set(codes) <= set(explained.reasons())
        yield "Codes" if sent else "Codes, not sent", "; ".join(f"{each} {each.meaning}".rstrip() for each in codes)
    if finding.fix:
        yield "Next", finding.fix
    yield "Source", source(finding)
    yield "Layer", explained.layer(finding)


def _policy_values(values: list[PolicyValue]) -> Html:
    if not values:
        return Html()
    rows = [
        (together(each.description, tag("br"), code(each.name)), each.words, each.origin or "none") for each in values
    ]
    return table("values", ("Value of the policy", "On the date of service", "Since, source, layer"), rows)


def _values(used: tuple[Used, ...]) -> Html:
    if not used:
        return Html()
    rows = [(each.name, each.value, *_origin(each)) for each in used]
    return table("values", ("Value of the record", "As read", "Resource and version", "FHIRPath"), rows)


def _origin(used: Used) -> tuple[str, str]:
    return (code(used.origin.resource), code(used.origin.path)) if used.origin else ("none", "")


def _met(findings: list[Finding], explained: ExplainedLine) -> Html:
    head = ("Rule", "Found", "Values and where they were read", "What the policy says, and where")
    rows = [
        (_rule_cell(each, explained), each.found, _used_cell(each), _source_cell(each, explained)) for each in findings
    ]
    return table("met", head, rows)


def _rule_cell(finding: Finding, explained: ExplainedLine) -> Html:
    said = label(finding)
    return together(
        chip(said, said), f" {_title(finding.rule)}", tag("span", explained.criterion(finding), class_="criterion")
    )


def _used_cell(finding: Finding) -> Html:
    """Values one below the other; an origin stands in full, for the page is what is filed."""
    items = [
        tag("div", f"{each.name}: {each.value}", *((tag("br"), code(str(each.origin))) if each.origin else ()))
        for each in finding.used
    ]
    return together(*items) if items else Html("none")


def _source_cell(finding: Finding, explained: ExplainedLine) -> Html:
    values = [
        tag("div", f"{each.name}: {each.words}", tag("span", each.origin, class_="criterion"))
        for each in explained.policy_values(finding)
    ]
    return together(tag("div", source(finding), tag("span", explained.layer(finding), class_="criterion")), *values)


def _title(rule: str) -> str:
    return rule.replace("_", " ").capitalize()
