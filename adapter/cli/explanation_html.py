"""One claim's determination as one page to read, file or print: no script, nothing from elsewhere, no name.

Colours never stand alone: each has its word beside it. The sentences are those of the answer's notes.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from adapter import __version__
from adapter.answers.answer import Answer
from adapter.answers.words import DECIDED, disposition
from adapter.cli.explained import (
    ExplainedLine,
    explained_lines,
    standing,
)
from adapter.cli.findings_html import group_section
from adapter.cli.markup import Html, chip, code, table, tag, terms
from adapter.cli.timeline_html import visit_section
from adapter.coverage.finding import Decision
from adapter.evidence.references import Json
from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession

ONLY_ITSELF = "default-src 'none'; style-src 'unsafe-inline'"
"""Content-Security-Policy: whatever the page holds, a browser loads nothing and runs nothing."""
NO_MEANING = "not in our tables"
FOOT = (
    "Holds no name and no free text of the record. Meanings of codes are in our own words; the official texts are "
    "those of X12 (CARC, RARC), the AMA (CPT) and CMS (HCPCS)."
)


def page(answer: Answer, sessions: tuple[CoachingSession, ...], book: PolicyBook) -> str:
    """The whole page."""
    title = f"Claim {answer.claim}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="Content-Security-Policy", content=ONLY_ITSELF),
        tag("title", f"{title}: {_state(answer)[1]}"),
        tag("style", Html(files("adapter.cli").joinpath("explanation.css").read_text(encoding="utf-8"))),
    )
    body = tag("main", *_contents(answer, explained_lines(answer, sessions, book)))
    footer = tag("footer", tag("p", f"coaching-adapter {__version__}. {FOOT}"))
    return f"<!doctype html>\n{tag('html', head, tag('body', body, footer), lang='en')}\n"


def _contents(answer: Answer, lines: list[ExplainedLine]) -> Iterable[Html]:
    yield _summary(answer, lines)
    if answer.outcome is not None:
        yield _issues(answer.outcome)
    for line in lines:
        yield _line(line)
    if notes := (answer.response or {}).get("processNote", []):
        yield _sent(notes)


# --- the claim


def _state(answer: Answer) -> tuple[str, str]:
    """A class for the colour and the word for what became of the claim."""
    if answer.outcome is not None:
        return "reject", "could not be processed"
    if (ended := standing(answer)) is not None:
        return "ended", ended.partition(":")[0].lower()
    if answer.determination is None:
        return "ended", "not decided"
    decided = {line.decision for line in answer.determination.lines}
    if len(decided) > 1 and answer.determination.decision is not Decision.REJECT:
        return "ended", "lines differ"
    decision = answer.determination.decision
    return decision.name.lower(), DECIDED[decision]


def _summary(answer: Answer, lines: list[ExplainedLine]) -> Html:
    kind, word = _state(answer)
    heading = tag("h1", f"Claim {answer.claim} ", chip(word, kind))
    ended = standing(answer)
    sentences = [tag("p", each, class_="disposition") for each in (ended, _disposition(answer)) if each]
    return tag("header", heading, *sentences, _jump(lines), terms(_about(answer, lines)))


def _disposition(answer: Answer) -> str:
    if answer.determination is not None:
        return disposition(answer.determination)
    if answer.outcome is not None:
        return "Nothing was decided. Correct what is listed below and send the claim again."
    return ""


def _jump(lines: list[ExplainedLine]) -> Html:
    """Where there are several lines: each with its decision, as a way to it."""
    if len(lines) < 2:
        return Html()
    return tag("ul", *(tag("li", *_jump_to(each)) for each in lines), class_="lines")


def _jump_to(explained: ExplainedLine) -> tuple[Html, Html]:
    line = explained.line
    words = f"Line {line.sequence}, {line.code or 'no readable code'}"
    return tag("a", words, href=f"#line-{line.sequence}"), _line_chip(explained)


def _about(answer: Answer, lines: list[ExplainedLine]) -> Iterable[tuple[str, str]]:
    response = answer.response or {}
    payers = dict.fromkeys(each.rules.payer_title for each in lines if each.rules.payer_title)
    if payers:
        yield "Payer", ", ".join(payers)
    if answer.determination is not None:
        policies = [each.header for line in lines for each in (line.rules.policy, *line.rules.overlays)]
        yield "Policy", "; ".join(dict.fromkeys(f"{each.title}, version {each.version}" for each in policies))
        yield "Policy identifiers", " ".join(answer.determination.policy_uris)
    if response:
        yield "Decided at", str(response.get("created", "not known"))
        yield "Answer", f"ClaimResponse/{response.get('id')}, outcome {response.get('outcome', 'none')}"


def _issues(outcome: Json) -> Html:
    """What an OperationOutcome says."""
    head = ("What is wrong", "Kind", "Element (FHIRPath)", "Where")
    rows = [
        (
            str(each["details"]["text"]),
            f"{each['severity']}: {each['code']}",
            code(", ".join(each.get("expression", []))),
            code(str(each.get("diagnostics", ""))),
        )
        for each in outcome["issue"]
    ]
    return tag("section", tag("h2", "What to correct"), table("issues", head, rows))


def _sent(notes: list[Json]) -> Html:
    """The notes as the answer holds them, for whoever has that before them."""
    items = [tag("li", str(each["text"]), value=str(each["number"])) for each in notes]
    lead = tag("p", "The texts of ClaimResponse.processNote, by number.", class_="lead")
    return tag("section", tag("h2", "Notes sent with the answer"), lead, tag("ol", *items), class_="sent")


# --- a line


def _line(explained: ExplainedLine) -> Html:
    line = explained.line
    service = f" ({explained.service})" if explained.service else ""
    on = f", {line.service_date}" if line.service_date else ", no date of service"
    return tag(
        "section",
        tag(
            "h2",
            f"Line {line.sequence}: {line.code or 'no readable code'}{service}{on} ",
            _line_chip(explained),
        ),
        *_codes_sent(explained),
        _next(explained),
        visit_section(explained),
        *(group_section(group, findings, explained) for group, findings in explained.groups()),
        class_="line",
        id=f"line-{line.sequence}",
    )


def _codes_sent(explained: ExplainedLine) -> Iterable[Html]:
    if not explained.answered:
        by_itself = DECIDED[explained.line.decision]
        yield tag("p", f"The claim is rejected as a whole; no answer goes out for this line. By itself: {by_itself}.")
    if reasons := explained.reasons():
        yield tag("h3", "Reason codes")
        yield table("reasons", ("Code", "In our words"), [(str(each), each.meaning or NO_MEANING) for each in reasons])


def _line_chip(explained: ExplainedLine) -> Html:
    return chip(explained.decided, explained.line.decision.name.lower() if explained.answered else "ended")


def _next(explained: ExplainedLine) -> Html:
    heading, fixes = tag("h3", explained.next_heading()), explained.fixes()
    if not fixes:
        return tag("div", heading, tag("p", "No finding stands against the line."), class_="next")
    return tag("div", heading, tag("ul", *(tag("li", each) for each in fixes)), class_="next")
