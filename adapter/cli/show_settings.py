"""``coaching-adapter check --settings``: every setting in effect, and where it came from; of secrets, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from adapter.auth.access import check_access
from adapter.auth.settings import refuse_contradictions
from adapter.cli.console import console, folding, print_json
from adapter.effective_settings import Effective, effective
from adapter.errors import UsageError
from adapter.settings import read_settings, unknown_settings


def show_settings(output_format: str) -> int:
    """Print them all, and then refuse what is wrong with them.

    Raises:
        UsageError: a variable that is no setting, settings that contradict each other, a file that is not as it
            should be, or an address that is none.
    """
    from adapter.durable.database import check_database  # the database is slow to import

    settings, unknown = read_settings(), unknown_settings()
    shown = list(effective(settings))
    if output_format == "json":
        print_json({"settings": [asdict(each) for each in shown], "unknown": unknown})
    else:
        _table(shown)
    if unknown:
        raise UsageError("; ".join(unknown))
    refuse_contradictions(settings)
    check_access(settings)
    check_database(settings)
    return 0


def _table(shown: Sequence[Effective]) -> None:
    table = folding("setting", "value", "origin")
    for each in shown:
        value = f"({each.value})" if each.secret and each.value else each.value or ""
        table.add_row(each.name, value, each.origin)
    console().print(table)
