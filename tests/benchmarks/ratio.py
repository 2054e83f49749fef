"""What was measured against its floor, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """Seconds of each round."""

    what: str
    floor: str
    aim: str
    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """The median of the rounds: what disturbs a round disturbs both."""
        return median(one / other for one, other in zip(self.ours, self.theirs, strict=True))

    @property
    def met(self) -> bool:
        """Whether the ratio is as the aim says: ``<= 1.5`` or ``>= 1.7``."""
        sign, limit = self.aim.split()
        return self.ratio <= float(limit) if sign == "<=" else self.ratio >= float(limit)

    def figures(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "floor": self.floor,
            "aim": self.aim,
            "seconds": round(median(self.ours), 3),
            "floor_seconds": round(median(self.theirs), 3),
            "ratio": round(self.ratio, 2),
            "met": self.met,
        }
