"""``coaching-adapter failures find``: from a claim to its log lines, and from a digest in a log line to the claim."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.text import Text

from adapter.cli.commands import OK
from adapter.cli.console import console, folding, print_json
from adapter.cli.failure_commands import as_json, opened_inbox, read_or_refused, since
from adapter.durable.purging import is_prepared, known_database
from adapter.errors import UsageError
from adapter.logs.digest import Digests
from adapter.logs.keys import DIGEST
from adapter.receiver.work.inbox import Failure
from adapter.settings import Settings, load_settings

_DIGEST = re.compile(DIGEST)
_NEVER_SERVED = "Nothing is kept here: `serve` never ran with these settings, and only it gives up and keeps."


def find(wanted: str, output_format: str) -> int:
    """Print the digest of a claim, and the failures that carry it; or those that carry a digest from a log line.

    Raises:
        SourceError: there is a database, and it cannot be read.
        UsageError: no key is set, so that no digest of one process is that of another.
    """
    settings = load_settings()
    digests = lasting_digests(settings)
    digest = wanted if _DIGEST.fullmatch(wanted) else digests.of_claim(wanted)
    if output_format != "json":  # also where there is no database to look into
        console().print(f"In logs: {digest}", soft_wrap=True)
    kept = _kept(settings)
    found = [each for each in kept or () if digests.of(each.hint) == digest]
    if output_format == "json":
        print_json({"digest": digest, "kept": kept is not None, "failures": [as_json(each) for each in found]})
        return OK
    table = folding("Changed", "Attempts", "Since", "Reason")
    for each in found:
        table.add_row(*map(Text, (each.hint, str(each.attempts), since(each), each.reason)))
    nothing = _NEVER_SERVED if kept is None else "Nothing of it was given up."
    console().print(table if found else nothing)
    return OK


def _kept(settings: Settings) -> Sequence[Failure] | None:
    """All that was given up; None where nothing is kept, for there was never a ``serve`` with these settings."""
    url = known_database(settings)
    with read_or_refused():
        if url is None or not is_prepared(url):
            return None
    with opened_inbox() as inbox:
        return inbox.failures()


def lasting_digests(settings: Settings) -> Digests:
    """Digests by the key of the settings.

    Raises:
        UsageError: there is none.
    """
    key = settings.digest_key
    if key is None:
        raise UsageError(
            "ADAPTER_DIGEST_KEY is not set, so each process digests by a key of its own that is gone with it. "
            "Set the key that the logs were written with."
        )
    return Digests(key.get_secret_value().encode())
