"""What rows are made with: see `rows`."""

from __future__ import annotations

from collections.abc import Mapping

from table.expected import (
    Expected,
    approve,
    deny,
    pend,
    reject,
)
from table.judge import Row
from table.world import (
    BASE,
    Change,
)


class Rows(list[Row]):
    """Rows of the table; called, it takes in one more."""

    def __call__(
        self,
        number: str,
        case: str,
        expected: Expected | Mapping[str, Expected],
        *changes: Change,
        zone: str | None = None,
        differs: str = "",
    ) -> None:
        answers = {BASE: expected} if isinstance(expected, Expected) else expected
        self.append(Row(number, case, changes, answers, zone, differs))


SHORT = deny("152", "N163")
NO_TIME = pend("N443")
NOT_FINISHED = reject("16", "M59|N301")
OTHER_DAY = pend("N206")
COACH, SUPERVISOR = "Practitioner/base-coach", "Practitioner/base-supervisor"
PLAIN: dict[str, Expected] = {"first": approve(warned=None)}
