"""Whether an ICD-10-CM code exists and is billable, from the edition packaged with ``simple-icd-10-cm``.

Only the library's code list is read: its API parses the whole tabular XML at import, which takes two seconds and is
of no use here. A code is billable when no longer code begins with it (ICD-10-CM Official Guidelines, section I.B.2).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from adapter.errors import ConfigurationError, ConfigurationFault


@dataclass(frozen=True, slots=True)
class Icd10Cm:
    """One edition: ``edition`` is its name, ``codes`` all codes without dots, sorted."""

    edition: str
    codes: tuple[str, ...]

    def lookup(self, code: str) -> tuple[bool, bool]:
        """(known, billable) of a code with or without its dot; case matters, as in the code system."""
        plain = code.replace(".", "", 1) if code[3:4] == "." else code
        at = bisect_left(self.codes, plain)
        if at == len(self.codes) or self.codes[at] != plain:
            return False, False
        longer = at + 1 < len(self.codes) and self.codes[at + 1].startswith(plain)
        return True, not longer


@cache
def packaged_edition() -> Icd10Cm:
    """The edition that comes with the library.

    Raises:
        ConfigurationError: the library or its code list is not there.
    """
    spec = find_spec("simple_icd_10_cm")
    folder = Path(spec.origin).parent / "data" if spec and spec.origin else Path()
    lists = sorted(folder.glob("code-list-*.txt"))
    if len(lists) != 1:
        fault = ConfigurationFault(
            "simple-icd-10-cm", 1, "the package has no single code list", "reinstall the package"
        )
        raise ConfigurationError([fault])
    codes = {line for line in lists[0].read_text(encoding="utf-8").split() if line[0].isalpha() and "-" not in line}
    return Icd10Cm(lists[0].stem.removeprefix("code-list-").replace("-", " "), tuple(sorted(codes)))
