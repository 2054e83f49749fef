"""The commands for the owner of mappings: what is in effect, and what it makes of one resource."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path, PurePath

from adapter.audit.opening import opened_trail
from adapter.auth.scopes import Need
from adapter.bootstrap import mapping_layers
from adapter.cli import show_mapping
from adapter.cli.commands import Choice, of_server, open_client
from adapter.errors import UsageError
from adapter.evidence.store import EvidenceStore, Located
from adapter.fhir.version import R4, READ_AS
from adapter.layers import Layers
from adapter.mapping.trace import Trial, trace, trace_places
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings, load_settings
from adapter.sources.files import Reading, read_files

OK = 0
PATTERNS = ("*/*.yaml", "*/*.json", "*/*/*.yaml")


def list_files(overlays: Sequence[Path], output_format: str) -> int:
    """Print every mapping file, and which folders say something in it."""
    layers = mapping_layers(overlays)
    show_mapping.files(layers, _names(layers), output_format)
    return OK


def show_effective(name: str, overlays: Sequence[Path], fhir_version: str, output_format: str) -> int:
    """Print one file with everything laid over it."""
    layers = mapping_layers(overlays)
    show_mapping.effective(layers, _found(layers, name, fhir_version), output_format)
    return OK


def _names(layers: Layers) -> list[str]:
    found = (name for pattern in PATTERNS for name in layers.names(pattern))
    return sorted(name for name in found if not name.startswith("schema/"))


def _found(layers: Layers, name: str, fhir_version: str) -> str:
    """The file that a name means: ``claim``, ``service-codes``, ``cigna-a015/credential`` or a path.

    Raises:
        UsageError: no file, or more than one.
    """
    version = READ_AS.get(fhir_version.lower(), R4)
    names = _names(layers)
    wanted = str(PurePath(name.lower()).with_suffix(""))
    of_version = f"{version}/{wanted}.yaml"
    if of_version in names:
        return of_version
    matching = [each for each in names if f"/{PurePath(each).with_suffix('')}".endswith(f"/{wanted}")]
    if len(matching) == 1:
        return matching[0]
    hint = f"it may be {', '.join(matching)}" if matching else "`coaching-adapter mappings` lists them"
    raise UsageError(f"{name!r} names no single mapping file; {hint}.")


def map_resource(choice: Choice, reference: str) -> int:
    """Print what the mapping makes of one resource, expression by expression."""
    kind, _, id = reference.partition("#")[0].partition("/")
    if not kind or not id:
        raise UsageError(f"--resource {reference!r} is no reference such as Encounter/1.")
    settings = load_settings()
    adjudicator = choice.adjudicator(settings)
    with opened_trail(settings, choice.source if choice.is_server else "") as trail:
        store, located, adjudicator = _looked_up(choice, settings, adjudicator, reference)
        trail.looked_at(located, store.subject_key(located) if located.kind != "Patient" else located.key)
    mapper = adjudicator.mapper(store)
    version = mapper.version_of(located)
    mappings, own = mapper.mappings[version], mapper.mapper_of(located)
    tried = [*trace(own, located), *trace_places(own, mappings.documentation, located)]
    if not tried:
        raise UsageError(f"nothing is read of {located.kind}; `coaching-adapter mappings` lists what is.")
    stated = _places(mapping_layers(choice.mappings), mappings.folder, tried)
    show_mapping.trials(reference, version, list(zip(tried, stated, strict=True)), choice.output_format)
    return OK


def _looked_up(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, reference: str
) -> tuple[EvidenceStore, Located, Adjudicator]:
    """The resource of a reference, with what it stands among.

    Raises:
        UsageError: there is none such.
    """
    kind, _, id = reference.partition("#")[0].partition("/")
    store, adjudicator = (
        asyncio.run(_on_server(choice, settings, adjudicator, kind, id))
        if choice.is_server
        else (_in_files(choice, settings), adjudicator)
    )
    located = _in_store(store, reference)
    if located is None:
        raise UsageError(f"there is no {reference} in {'the server' if choice.is_server else choice.source}.")
    return store, located, adjudicator


def _in_store(store: EvidenceStore, reference: str) -> Located | None:
    """The resource of a reference, ``Claim/1#coach`` for one that is contained in another."""
    outer, inside, name = reference.partition("#")
    located = store.get(outer)
    return store.resolve({"reference": f"#{name}"}, located) if located is not None and inside else located


def _places(layers: Layers, folder: str, tried: Sequence[Trial]) -> list[str]:
    """File and line of each expression."""
    lined = {name: layers.lined(f"{folder}/{name}") for name in {each.file for each in tried}}
    places = (lined[each.file].place(each.at) for each in tried)
    return [f"{file}:{line}" for file, line in places]


def _in_files(choice: Choice, settings: Settings) -> EvidenceStore:
    store = EvidenceStore()
    store.extend(read_files(Path(choice.source), Reading(), settings.limits))
    return store


async def _on_server(
    choice: Choice, settings: Settings, adjudicator: Adjudicator, kind: str, id: str
) -> tuple[EvidenceStore, Adjudicator]:
    store = EvidenceStore()
    async with open_client(choice, settings, Need.READ) as client:
        adjudicator = await of_server(client, choice.fhir_version, adjudicator)
        if (found := await client.read(kind, id)) is not None:
            store.extend([Located(found)])
    return store, adjudicator
