"""``explain`` as it is called: a page, a terminal's text or JSON; a warning is a note; usage errors are told."""

from __future__ import annotations

import json

import pytest
from answers.story_stages import CLINIC, NOW
from explain.pages import Page
from typer.testing import CliRunner, Result

from adapter.cli.main import app
from adapter.cli.markup import Html, tag, together
from adapter.errors import UsageError


def explain(claim: str, output_format: str) -> Result:
    arguments = ["explain", str(CLINIC), claim, "--format", output_format, "--now", NOW]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "140"})


def test_html_is_one_page_on_standard_output() -> None:
    result = explain("a03-29-minutes", "html")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("<!doctype html>\n")
    assert "Minutes documented: 29. Minutes required: 30." in Page(result.stdout).text


def test_a_warning_is_a_note_in_the_terminal() -> None:
    shown = explain("a02-follow-up", "table").stdout
    sentence = "Plan document and law belong to a determination; what was not at hand is said in a note."
    assert f"NOTE         {sentence} (determination_inputs)" in shown
    assert f"MET          {sentence}" not in shown
    assert "Minutes documented: 40. Minutes required: 30." in shown


def test_the_terminal_says_first_what_decided() -> None:
    shown = explain("a05-no-end", "table").stdout
    positions = [shown.index(each) for each in ("Visit.", "What decided:", "Notes:", "In order:", "What to fix")]
    assert positions == sorted(positions)


@pytest.mark.parametrize("claim", ["a02-follow-up", "e06-end-before-start"])
def test_json_keeps_its_form(claim: str) -> None:
    shown = json.loads(explain(claim, "json").stdout)
    assert set(shown) == {"claim", "disposition", "ended", "lines", "notes", "warnings", "operation_outcome"}
    assert (shown["disposition"] is None) is (shown["lines"] == [])
    assert bool(shown["lines"]) is (shown["operation_outcome"] is None)


def test_what_could_not_be_processed_is_told_in_the_terminal() -> None:
    assert "Claim/e06-end-before-start could not be processed:" in explain("e06-end-before-start", "table").stdout


@pytest.mark.parametrize("claim", ["nobody", "792d4f16-5cdc-df78-d8da-be735ed5fbf4"])
def test_a_claim_that_cannot_be_explained_is_a_usage_error(claim: str) -> None:
    assert isinstance(explain(claim, "html").exception, UsageError)


def test_only_explain_prints_pages() -> None:
    assert CliRunner().invoke(app, ["sync", str(CLINIC), "--format", "html"]).exit_code == 2


def test_markup_escapes_all_that_is_not_markup() -> None:
    hostile = "<b onload='x'>&\""
    made = tag("p", hostile, tag("code", "<"), together("&", Html("<br>")), title=hostile)
    assert made == (
        '<p title="&lt;b onload=&#x27;x&#x27;&gt;&amp;&quot;">&lt;b onload=&#x27;x&#x27;&gt;&amp;&quot;'
        "<code>&lt;</code>&amp;<br></p>"
    )
