"""What each command does: build the parts, run, print. Exit codes are the contract's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from adapter.bootstrap import AUTO, build, mapping_layers, notices
from adapter.cli import show, show_explanation, show_policy
from adapter.cli.progress import progress
from adapter.errors import SourceError, UsageError, WriteError
from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import NAMES, version_of_release
from adapter.limits import Limits
from adapter.reconcile import Adjudicator, Reconciliation
from adapter.session.time import parse_moment
from adapter.settings import Settings, load_settings
from adapter.sinks.files import write_answers
from adapter.sinks.ledger import Ledger
from adapter.sinks.server import ServerSink
from adapter.sources.fhir_client import FhirClient
from adapter.sources.files import Reading, read_files
from adapter.sources.server import ServerSource
from adapter.sync import Progress, Reconciler, Report, sync_files, sync_server

OK, UNANSWERED = 0, 3
DEFAULT_OUT = Path("adapter-out")
CHECKPOINT = "Claim"
OVERLAP = timedelta(minutes=5)
"""``--since auto`` reads a little back: servers index with a delay, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What every command that reads claims is told."""

    source: str
    mappings: tuple[Path, ...]
    fhir_version: str
    output_format: str
    instant: datetime
    lenient: bool = False

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise UsageError("SOURCE is empty; name a file, a folder (. for this one) or a FHIR base URL.")

    @property
    def is_server(self) -> bool:
        return self.source.lower().startswith(("http://", "https://"))

    def adjudicator(self, settings: Settings) -> Adjudicator:
        return build(settings, mapping_layers(self.mappings), self.fhir_version, lenient=self.lenient)


def sync(choice: Choice, *, out: Path | None, dry_run: bool, since: str | None, ids: Sequence[str]) -> int:
    """Decide claims and write the answers; 0 when each claim in scope got one, else 3."""
    settings = load_settings()
    if since is not None and not choice.is_server:
        raise UsageError("--since asks a server what changed; files are always read whole.")
    adjudicator = choice.adjudicator(settings)
    with progress() as tell:
        if choice.is_server:
            report = asyncio.run(_sync_server(choice, settings, adjudicator, out, dry_run, since, ids, tell))
        else:
            folder = out or DEFAULT_OUT
            report = sync_files(Path(choice.source), folder, adjudicator, choice.instant, ids, dry_run, tell)
    show.report(report, choice.output_format, _target(choice, out, dry_run), dry_run)
    return OK if report.complete else UNANSWERED


def _target(choice: Choice, out: Path | None, dry_run: bool) -> str:
    if dry_run:
        return "nothing written (dry run)"
    if choice.is_server and out is None:
        return f"answers written to {server_name(choice.source)}"
    return f"answers in {out or DEFAULT_OUT}"


def server_name(url: str) -> str:
    """A base URL as it may be printed: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


async def _sync_server(
    choice: Choice,
    settings: Settings,
    adjudicator: Adjudicator,
    out: Path | None,
    dry_run: bool,
    since: str | None,
    ids: Sequence[str],
    tell: Progress,
) -> Report:
    async with open_client(choice, settings) as client, _LedgerOf(settings) as ledger:
        adjudicator = await of_server(client, choice.fhir_version, adjudicator)
        source = source_of(client, adjudicator, settings)
        sink = ServerSink(client, adjudicator.identifier_system, ledger, choice.instant) if out is None else None
        begin = ledger.checkpoint(client.base, CHECKPOINT) if since == "auto" else _instant_text(since)
        started = client.server_time
        reconciler = Reconciler(source, sink, adjudicator, choice.instant, dry_run)
        report = await sync_server(reconciler, since=begin, ids=ids, tell=tell)
        if out is not None and not dry_run:
            write_answers(report.answers, out, report.summary())
        whole = not ids and (since == "auto" or since is None)
        if started is not None and whole and not dry_run and sink is not None and report.complete:
            ledger.set_checkpoint(client.base, CHECKPOINT, (started - OVERLAP).isoformat(timespec="seconds"))
        return report


def _instant_text(since: str | None) -> str | None:
    if since is None:
        return None
    try:
        parse_moment(since)
    except ValueError as error:
        raise UsageError(f"--since {since!r} is neither auto nor a FHIR date or instant.") from error
    return since


class _LedgerOf:
    """The ledger of the settings, opened for one run."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.ledger.expanduser()

    async def __aenter__(self) -> Ledger:
        self._ledger = Ledger(self._path)
        return self._ledger

    async def __aexit__(self, *_: object) -> None:
        self._ledger.close()


def open_client(choice: Choice, settings: Settings) -> FhirClient:
    """The client for the server that is the source, to be used as a context."""
    return FhirClient(
        choice.source,
        token=settings.token,
        timeout=settings.timeout,
        page_size=settings.page_size,
        concurrency=settings.concurrency,
        max_response_bytes=settings.max_response_bytes,
    )


def source_of(client: FhirClient, adjudicator: Adjudicator, settings: Settings) -> ServerSource:
    """What reads claims and evidence from the server of the client."""
    mappings = adjudicator.mappings
    return ServerSource(client, mappings.plan, settings.chunk_size, sorted(mappings.scope), settings.limits)


async def of_server(client: FhirClient, wanted: str, adjudicator: Adjudicator) -> Adjudicator:
    """The adjudicator for the FHIR version that the server says it speaks.

    Raises:
        SourceError: a release without mappings, another than asked for, or no CapabilityStatement.
    """
    release = (await client.capabilities()).get("fhirVersion")
    version = version_of_release(release)
    if version is None or version not in adjudicator.versions:
        speaks = release if isinstance(release, str) and release else "of an unknown version"
        known = ", ".join(NAMES[each] for each in adjudicator.versions)
        hint = "Use a server of one of these." if wanted.lower() == AUTO else "Is --fhir-version right for this server?"
        raise SourceError(f"the server speaks FHIR {speaks}, the mappings {known}", hint)
    return adjudicator.only(version)


def explain(choice: Choice, claim_id: str) -> int:
    """Print the determination of one claim, or why it could not be processed."""
    settings = load_settings()
    adjudicator = choice.adjudicator(settings)
    if choice.is_server:
        claim, store, adjudicator = asyncio.run(_claim_on_server(choice, settings, adjudicator, claim_id))
    else:
        claim, store = _claim_in_files(choice, claim_id, settings.limits)
    if claim is None:
        raise UsageError(f"there is no Claim/{claim_id} in {choice.source if not choice.is_server else 'the server'}.")
    if not adjudicator.in_scope(claim):
        raise UsageError(f"Claim/{claim_id} bills none of {', '.join(adjudicator.mappings.scope)}: out of scope.")
    reconciliation = Reconciliation(adjudicator, store, choice.instant)
    answers = reconciliation.answer([claim])
    for unanswered in reconciliation.unanswered:
        if unanswered.claim == claim.id:
            raise WriteError(unanswered.problem)
    sessions = reconciliation.sessions(claim)
    show_explanation.explanation(answers[0], sessions, adjudicator.book, choice.output_format)
    return OK


def _claim_in_files(choice: Choice, claim_id: str, limits: Limits) -> tuple[Located | None, EvidenceStore]:
    store = EvidenceStore()
    store.extend(read_files(Path(choice.source), Reading(), limits))
    return store.get(f"Claim/{claim_id}"), store


async def _claim_on_server(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, claim_id: str
) -> tuple[Located | None, EvidenceStore, Adjudicator]:
    async with open_client(choice, settings) as client:
        adjudicator = await of_server(client, choice.fhir_version, adjudicator)
        source = source_of(client, adjudicator, settings)
        found = [each async for page in source.claims(ids=[claim_id]) for each in page]
        store = await source.gather(found)
        return found[0] if found else None, store, adjudicator


def policies(mappings: Sequence[Path], output_format: str) -> int:
    """List payers and policies."""
    adjudicator = build(load_settings(), mapping_layers(mappings))
    show.policies(adjudicator.book, output_format)
    return OK


def show_rules(name: str, on: date, mappings: Sequence[Path], output_format: str) -> int:
    """Print one policy as it stands on a date of service."""
    book = build(load_settings(), mapping_layers(mappings)).book
    if name not in book.policies:
        raise UsageError(f"there is no policy {name!r}; there are {', '.join(sorted(book.policies))}.")
    show_policy.policy(book, name, on, output_format)
    return OK


def check(mappings: Sequence[Path], fhir_version: str) -> int:
    """Load everything; faults are raised, with file and line."""
    layers = mapping_layers(mappings)
    adjudicator = build(load_settings(), layers, fhir_version)
    show.checked(adjudicator, notices(layers, adjudicator))
    return OK
