"""``coaching-adapter failures find``: from a claim to its log lines, and from a digest in a log line to the claim."""

from __future__ import annotations

import re

from rich.text import Text

from adapter.cli.commands import OK
from adapter.cli.console import console, folding, print_json
from adapter.cli.failure_commands import as_json, opened_inbox, since
from adapter.errors import UsageError
from adapter.logs.digest import Digests
from adapter.logs.keys import DIGEST
from adapter.settings import Settings, load_settings

_DIGEST = re.compile(DIGEST)


def find(wanted: str, output_format: str) -> int:
    """Print the digest of a claim, and the failures that carry it; or those that carry a digest from a log line.

    Raises:
        UsageError: no key is set, so that no digest of one process is that of another.
    """
    digests = lasting_digests(load_settings())
    digest = wanted if _DIGEST.fullmatch(wanted) else digests.of_claim(wanted)
    if output_format != "json":  # also where there is no database to look into
        console().print(f"In logs: {digest}", soft_wrap=True)
    with opened_inbox() as inbox:
        found = [each for each in inbox.failures() if digests.of(each.hint) == digest]
    if output_format == "json":
        print_json({"digest": digest, "failures": [as_json(each) for each in found]})
        return OK
    table = folding("Changed", "Attempts", "Since", "Reason")
    for each in found:
        table.add_row(*map(Text, (each.hint, str(each.attempts), since(each), each.reason)))
    console().print(table if found else "Nothing of it was given up.")
    return OK


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
