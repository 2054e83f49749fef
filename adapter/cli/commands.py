"""What each command does: build the parts, run, print. Exit codes are the contract's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from adapter.audit.opening import SERVER, opened_trail
from adapter.audit.trail import Trail
from adapter.auth.access import access_to, check_access
from adapter.auth.scopes import Need
from adapter.bootstrap import AUTO, build, mapping_layers, notices
from adapter.cli import show, show_explanation, show_policy
from adapter.errors import SourceError, UsageError, WriteError
from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import NAMES, version_of_release
from adapter.limits import Limits
from adapter.reconcile.adjudicator import Adjudicator
from adapter.reconcile.reconciliation import Reconciliation
from adapter.settings import Settings, load_settings
from adapter.sources.addresses import checked_base
from adapter.sources.fhir_client import FhirClient
from adapter.sources.files import Reading, read_files
from adapter.sources.server import ServerSource

OK, UNANSWERED = 0, 3
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_RELEASE = re.compile(r"[0-9.]{1,12}(-[a-z0-9.]{1,12})?")


@dataclass(frozen=True, slots=True)
class Choice:
    """What every command that reads claims is told."""

    source: str
    mappings: tuple[Path, ...]
    fhir_version: str
    output_format: str
    instant: datetime
    lenient: bool = False
    trust_structure: bool = False

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise UsageError("SOURCE is empty; name a file, a folder (. for this one) or a FHIR base URL.")
        if (scheme := _SCHEME.match(self.source)) and not self.is_server:  # no more of it: it may hold a password
            raise UsageError(f"a FHIR server is asked over http:// or https://, and SOURCE begins with {scheme[0]}")

    @property
    def is_server(self) -> bool:
        return self.source.lower().startswith(("http://", "https://"))

    def adjudicator(self, settings: Settings) -> Adjudicator:
        layers = mapping_layers(self.mappings)
        return build(settings, layers, self.fhir_version, lenient=self.lenient, trust_structure=self.trust_structure)


def server_name(url: str) -> str:
    """A base URL as it may be printed: without user, password and query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def open_client(choice: Choice, settings: Settings, need: Need = Need.ANSWER) -> FhirClient:
    """The client for the server that is the source, to be used as a context."""
    return client_of(choice.source, settings, need)


def client_of(server: str, settings: Settings, need: Need) -> FhirClient:
    """The client for a server by its base URL: every command's way to one."""
    base = checked_base(server)
    if need is Need.ANSWER and settings.audit == SERVER:
        need = Need.AUDITED
    access = access_to(base, settings, need, timeout=settings.timeout)
    return FhirClient(
        base,
        auth=access.auth,
        verify=access.verify,
        elsewhere=access.elsewhere,
        timeout=settings.timeout,
        page_size=settings.page_size,
        concurrency=settings.concurrency,
        max_response_bytes=settings.max_response_bytes,
    )


def source_of(
    client: FhirClient, adjudicator: Adjudicator, settings: Settings, *, batches: bool = False
) -> ServerSource:
    """What reads claims and evidence from the server of the client; with ``batches``, many searches in one request.

    Where it takes none, what the server includes saves requests.
    """
    mappings = adjudicator.mappings
    codes = sorted(mappings.scope)
    ways = {"batches": batches, "includes": batches}
    return ServerSource(client, mappings.plan, settings.chunk_size, codes, settings.limits, **ways)


async def of_server(client: FhirClient, wanted: str, adjudicator: Adjudicator) -> Adjudicator:
    """The adjudicator for the FHIR version that the server says it speaks.

    Raises:
        SourceError: a release without mappings, another than asked for, or no CapabilityStatement.
    """
    release = (await client.capabilities()).get("fhirVersion")
    version = version_of_release(release)
    if version is None or version not in adjudicator.versions:
        speaks = release if isinstance(release, str) and _RELEASE.fullmatch(release) else "of an unknown version"
        known = ", ".join(NAMES[each] for each in adjudicator.versions)
        hint = "Use a server of one of these." if wanted.lower() == AUTO else "Is --fhir-version right for this server?"
        raise SourceError(f"the server speaks FHIR {speaks}, the mappings {known}", hint)
    return adjudicator.only(version)


def explain(choice: Choice, claim_id: str) -> int:
    """Print the determination of one claim, or why it could not be processed."""
    settings = load_settings()
    adjudicator = choice.adjudicator(settings)
    with opened_trail(settings, choice.source if choice.is_server else "") as trail:
        _explain(choice, settings, adjudicator, claim_id, trail)
    return OK


def _explain(choice: Choice, settings: Settings, adjudicator: Adjudicator, claim_id: str, trail: Trail) -> None:
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
    failed = [each for each in reconciliation.unanswered if each.claim == claim.id]
    trail.put_lines(trail.read_events([claim], [] if failed else answers[:1], failed))
    if failed:
        raise WriteError(failed[0].problem)
    sessions = reconciliation.sessions(claim)
    show_explanation.explanation(answers[0], sessions, adjudicator.book, choice.output_format)


def _claim_in_files(choice: Choice, claim_id: str, limits: Limits) -> tuple[Located | None, EvidenceStore]:
    store = EvidenceStore()
    store.extend(read_files(Path(choice.source), Reading(), limits))
    return store.get(f"Claim/{claim_id}"), store


async def _claim_on_server(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, claim_id: str
) -> tuple[Located | None, EvidenceStore, Adjudicator]:
    async with open_client(choice, settings, Need.READ) as client:
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
    from adapter.durable.database import check_database  # the database is slow to import

    layers = mapping_layers(mappings)
    settings = load_settings()
    check_access(settings)
    check_database(settings)
    adjudicator = build(settings, layers, fhir_version)
    show.checked(adjudicator, notices(layers, adjudicator))
    return OK
