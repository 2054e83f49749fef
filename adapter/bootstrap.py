"""The one place that joins the parts: settings, mappings, policies and code lists become an Adjudicator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapter.errors import ConfigurationError, ConfigurationFault, UsageError
from adapter.layers import Layers, shipped_mappings
from adapter.mapping import checks
from adapter.mapping.loader import Mappings, load_mappings
from adapter.policy.book import PolicyBook
from adapter.policy.checks import unnamed_documents
from adapter.policy.loader import load_policies
from adapter.reconcile import Adjudicator
from adapter.settings import Settings
from adapter.terminology.icd10cm import packaged_edition

VERSIONS = {"auto": "r4", "r4": "r4", "r4b": "r4b", "r5": "r5"}


def build(settings: Settings, layers: Layers | None = None, fhir_version: str = "auto") -> Adjudicator:
    """Load and check everything before the first claim is read; without ``layers``, what comes with the package.

    Raises:
        ConfigurationError: every fault of every mapping and policy file.
        UsageError: an unknown FHIR version.
    """
    version = VERSIONS.get(fhir_version.lower())
    if version is None:
        raise UsageError(f"FHIR version {fhir_version!r} is unknown; use auto, R4, R4B or R5.")
    layers = layers or mapping_layers(())
    if version == "r5" and not layers.names("r5/*.yaml"):
        raise UsageError("FHIR R5 is not supported yet; use R4 or R4B.")
    try:
        loaded = load_mappings(layers, version)
    except ConfigurationError as error:
        _with_policy_faults(layers, error)
        raise
    book = load_policies(layers, loaded.payers)
    faults = _between_files(layers, loaded, book)
    if faults:
        raise ConfigurationError(faults)
    return Adjudicator(
        mappings=loaded,
        book=book,
        icd10cm=packaged_edition(),
        identifier_system=settings.identifier_system,
        site_timezone=settings.site_timezone,
    )


def _between_files(layers: Layers, mappings: Mappings, book: PolicyBook) -> list[ConfigurationFault]:
    tables = mappings.tables.values()
    return [
        *checks.unread_files(layers),
        *checks.contradictory_payers(layers, mappings.payers),
        *checks.targets_without_meaning(layers, tables, mappings.systems, book.codes, packaged_edition()),
    ]


def notices(layers: Layers, adjudicator: Adjudicator) -> list[ConfigurationFault]:
    """What loads and changes nothing; worth a look, and no reason to stop."""
    mappings = adjudicator.mappings
    return [
        *checks.unused(layers, "r4", mappings.tables.values(), mappings.variables, mappings.payers),
        *unnamed_documents(layers, adjudicator.book.policies),
    ]


def mapping_layers(overlays: Sequence[Path]) -> Layers:
    """The shipped mappings with a site's folders laid over them, the last on top.

    Raises:
        UsageError: one of them is no folder.
    """
    for folder in overlays:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder with mappings.")
    return Layers.of(shipped_mappings(), *overlays)


def _with_policy_faults(layers: Layers, error: ConfigurationError) -> None:
    """Add the faults of the policies to those of the mappings, so that one start shows all there is to mend."""
    from adapter.mapping.tables import Payers

    try:
        load_policies(layers, Payers())
    except ConfigurationError as more:
        raise ConfigurationError([*error.faults, *more.faults]) from more
