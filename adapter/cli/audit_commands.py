"""What ``coaching-adapter audit`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from adapter.audit.chain import Head
from adapter.audit.head import parse_head
from adapter.audit.opening import audit_path, chain_of
from adapter.audit.verify import Verdict, verify, verify_files
from adapter.cli.commands import OK, UNANSWERED
from adapter.cli.console import print_json, visible
from adapter.coverage.wording import counted
from adapter.errors import UsageError
from adapter.settings import load_settings

BROKEN = UNANSWERED


def verify_audit(files: Sequence[Path], expected: str | None, output_format: str) -> int:
    """Print whether the chain is whole."""
    settings = load_settings()
    chain, head = chain_of(settings), _expected(expected)
    path = audit_path(settings)
    try:
        verdict = verify_files(files, chain, head) if files else verify(path, chain, head)
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be read ({error.strerror}).") from error
    if output_format == "json":
        print_json(_json(verdict))
    else:
        typer.echo(visible(_sentence(verdict)))
    return OK if verdict.whole else BROKEN


def _expected(text: str | None) -> Head | None:
    """The head that was noted elsewhere.

    Raises:
        UsageError: it is none.
    """
    try:
        return parse_head(text) if text is not None else None
    except ValueError as error:
        raise UsageError("--expect-head is no NUMBER:HASH as `audit verify` prints it.") from error


def _sentence(verdict: Verdict) -> str:
    if not verdict.whole:
        return f"BROKEN after {counted(verdict.lines, 'whole line')}: {verdict.place}: {verdict.fault}."
    begun = f"{counted(verdict.torn, 'byte')} behind it: the beginning of a line"
    torn = f"\n{begun}; the next event cuts that off and says so."
    told = f"Whole: {counted(verdict.lines, 'line')} in {counted(verdict.files, 'file')}; head {verdict.head}"
    return told + (torn if verdict.torn else "")


def _json(verdict: Verdict) -> dict[str, object]:
    return {
        "whole": verdict.whole,
        "files": verdict.files,
        "lines": verdict.lines,
        "head": str(verdict.head),
        "fault": verdict.fault or None,
        "place": verdict.place or None,
        "torn_bytes": verdict.torn,
    }
