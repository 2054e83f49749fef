"""What became of claims, as log lines: by digest, with decisions and no reasons."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from adapter.answers.answer import Answer
from adapter.logs import events
from adapter.reconcile.reconciliation import Unanswered

log = events.logger(__name__)
_LOUDNESS = logging.getLogger(__name__)
_FAULT = re.compile(r"[A-Za-z_][A-Za-z0-9_]* at [A-Za-z0-9_.<>-]+:[0-9]+$")


def decided(answers: Sequence[Answer], unanswered: Sequence[Unanswered]) -> None:
    """A line for each claim: quiet of those that have an answer, loud of those that have none."""
    for each in unanswered:
        fault = _FAULT.search(each.problem)
        log.error("claim.undecided", claim=each.claim or "", fault=fault[0] if fault else "")
    if _LOUDNESS.isEnabledFor(logging.INFO):  # there may be millions
        for answer in answers:
            _answered(answer)


def _answered(answer: Answer) -> None:
    claim = answer.claim or ""
    if answer.response is None or answer.determination is None:
        log.info("claim.refused", claim=claim)
        return
    decisions = ",".join(each.decision.name for each in answer.determination.lines)
    patient = (answer.response.get("patient") or {}).get("reference", "")
    log.info("claim.decided", claim=claim, patient=patient, decision=decisions)
