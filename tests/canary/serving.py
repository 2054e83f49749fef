"""``coaching-adapter serve`` as its user starts it, but with a rule that crashes on one claim, and quotes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import adapter.receiver.work.worker
import adapter.reconcile.reconciliation
from adapter.cli import main
from adapter.coverage.adjudicate import determine
from adapter.durable import pauses

CRASHES = "crashes"
"""In the id of the claim that no rule survives."""


def serve_broken(quoted: str) -> None:
    """Run the command line with a rule whose exception says ``quoted``."""

    def broken(sessions: Sequence[Any], *rest: Any) -> Any:
        if CRASHES in sessions[0].claim.id:
            raise KeyError(quoted)
        return determine(sessions, *rest)

    setattr(adapter.reconcile.reconciliation, "determine", broken)  # noqa: B010 - no name that it exports
    adapter.receiver.work.worker.MOST_ATTEMPTS = 1
    pauses.FIRST_WAIT = 0.01
    main.run()


if __name__ == "__main__":
    serve_broken(sys.argv.pop(1))
