"""From settings to the trail of a run. It is open, and proven to be, before the first claim is read."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson

from adapter import __version__
from adapter.audit.chain import Chain
from adapter.audit.event import Activity, Who, activity_event
from adapter.audit.file import AuditFile
from adapter.audit.outbox import Outbox
from adapter.audit.trail import Book, Trail, now
from adapter.errors import AuditError, UsageError
from adapter.settings import AUDIT_WORDS, Settings
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import shown

OFF, SERVER = AUDIT_WORDS


def audit_path(settings: Settings) -> Path:
    """The audit file of the settings; beside the ledger where they name none."""
    named = settings.audit not in (None, OFF, SERVER)
    return Path(str(settings.audit)).expanduser() if named else settings.ledger.expanduser().parent / "audit.ndjson"


def outbox_path(settings: Settings) -> Path:
    """Where audit events wait for the server."""
    return settings.ledger.expanduser().parent / "audit-owed.sqlite"


def chain_of(settings: Settings) -> Chain:
    """The chain with the key of the settings, if there is one."""
    key = settings.audit_key
    return Chain(key.get_secret_value().encode() if key is not None else None)


def audit_file(settings: Settings, who: Who) -> AuditFile:
    """The file that events are added to."""

    def torn(length: int, digest: str) -> bytes:
        details = [("torn-bytes", str(length)), ("torn-hash", digest)]
        return orjson.dumps(activity_event(who, now(), Activity.AUDIT_CHANGED, details))

    return AuditFile(audit_path(settings), chain_of(settings), torn, settings.audit_max_bytes)


def who_acts(settings: Settings, server: str = "") -> Who:
    """This process, by the account that runs it."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number without a name
        user = ""
    client = settings.client_id or f"urn:fhir-coaching-adapter:{__version__}"
    return Who(f"fhir-coaching-adapter {__version__}", client, socket.gethostname(), user, server, str(uuid4()))


@contextmanager
def opened_trail(
    settings: Settings, server: str = "", client: FhirClient | None = None, *, writes: bool = False
) -> Iterator[Trail]:
    """The trail of a run.

    Args:
        server: base URL that is read from; empty for files.
        client: by which it is asked, where it is asked by one.
        writes: whether the run may write to the server. Only such runs send their events there.

    Raises:
        UsageError: the audit cannot be written. Nothing was read yet.
    """
    who = who_acts(settings, shown(server) if server else "")
    with _book(settings, who, writes=writes) as book:
        trail = Trail(book, who)
        if client is not None:
            trail.through(client)
        try:
            trail.note(Activity.STARTED)
        except AuditError as error:
            raise UsageError(str(error)) from error
        try:
            yield trail
        except BaseException:
            with suppress(AuditError):  # what ended the run is told, and not what came of it
                trail.note(Activity.STOPPED, failed=True)
            raise
        trail.note(Activity.STOPPED)


@dataclass(frozen=True, slots=True)
class InFile:
    """A book that is a file."""

    file: AuditFile

    def put(self, events: Sequence[bytes]) -> None:
        self.file.append(events)

    def through(self, client: FhirClient) -> None:
        """Nothing is sent."""

    async def settle(self) -> str:
        return ""


@contextmanager
def _book(settings: Settings, who: Who, *, writes: bool) -> Iterator[Book | None]:
    if settings.audit == OFF:
        yield None
    elif settings.audit == SERVER and writes:
        with closing(Outbox(outbox_path(settings), who.server)) as outbox:
            yield outbox
    else:
        yield InFile(audit_file(settings, who))
