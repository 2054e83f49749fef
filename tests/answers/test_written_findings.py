"""Findings that many lines share are written as JSON once, and say the same as if each were written anew."""

from __future__ import annotations

from dataclasses import replace

import orjson
from answers.story_stages import clinic

from adapter.answers.decisions import decision_lines, line_json
from adapter.coverage.finding import Finding


def shared() -> list[Finding]:
    """Every finding of the clinic that its policy keeps for further lines."""
    decided = [each.determination for each in clinic().answers if each.determination is not None]
    found = (finding for each in decided for line in each.lines for finding in line.findings)
    return [each for each in found if each.kept is not None]


def test_lines_are_written_as_they_are_described() -> None:
    for answer in clinic().answers:
        lines = answer.determination.lines if answer.determination is not None else ()
        described = [orjson.dumps(line_json(line, str(answer.claim))) for line in lines]
        assert [orjson.dumps(each) for each in decision_lines(answer)] == described


def test_what_is_shared_is_one_object_and_uses_no_value_of_a_record() -> None:
    found = shared()
    assert len({id(each) for each in found}) < len(found)
    assert not any(each.used for each in found)


def test_a_copy_with_other_words_is_written_anew() -> None:
    copy = replace(shared()[0], found="something else")
    assert copy.kept is None
