"""An answer that is none: the HTTP status and the issues of the OperationOutcome that says why."""

from __future__ import annotations

from collections.abc import Sequence

from adapter.errors import AdapterError, Issue


class Refusal(AdapterError):
    """What was asked for is not done; the issues repeat nothing of what was sent."""

    def __init__(self, status: int, issues: Sequence[Issue], retry_after: float | None = None) -> None:
        super().__init__(f"{status}: {'; '.join(each.text for each in issues)}")
        self.status = status
        self.issues = tuple(issues)
        self.retry_after = retry_after
        """Seconds after which asking again makes sense."""
