"""The one place that joins the parts: settings, mappings, policies and code lists become an Adjudicator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapter import checks
from adapter.errors import ConfigurationError, ConfigurationFault, UsageError
from adapter.fhir.version import R4, R5, READ_AS
from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import Mappings, load_mappings
from adapter.mapping.tables import Payers
from adapter.policy import checks as policy_checks
from adapter.policy.book import PolicyBook
from adapter.policy.loader import load_policies
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings
from adapter.terminology.icd10cm import packaged_edition

AUTO = "auto"


def build(
    settings: Settings,
    layers: Layers | None = None,
    fhir_version: str = "auto",
    *,
    lenient: bool = False,
    trust_structure: bool = False,
) -> Adjudicator:
    """Load and check everything before the first claim is read; without ``layers``, what comes with the package.

    Args:
        fhir_version: what every resource is in; ``auto`` reads each in its own, as far as the mappings go.
        lenient: note elements that FHIR does not know, in place of refusing.
        trust_structure: validate no resource; only what the mappings cannot read is told.

    Raises:
        ConfigurationError: every fault of every mapping and policy file.
        UsageError: an unknown FHIR version.
    """
    version = fhir_version.lower()
    if version not in (AUTO, *READ_AS):
        raise UsageError(f"FHIR version {fhir_version!r} is unknown; use auto, R4, R4B or R5.")
    layers = layers or mapping_layers(())
    has_r5 = bool(layers.names(f"{R5}/*.yaml"))
    if version == R5 and not has_r5:
        raise UsageError("these mappings have none for FHIR R5.")
    first, *others = _load(layers, [version] if version != AUTO else [R4, R5] if has_r5 else [R4])
    book = load_policies(layers, first.payers)
    faults = _between_files(layers, [first, *others], book)
    if faults:
        raise ConfigurationError(faults)
    return Adjudicator(
        mappings=first,
        others={each.version: each for each in others},
        book=book,
        icd10cm=packaged_edition(),
        identifier_system=settings.identifier_system,
        site_timezone=settings.site_timezone,
        limits=settings.limits,
        lenient=lenient,
        trust_structure=trust_structure,
    )


def _between_files(layers: Layers, loaded: Sequence[Mappings], book: PolicyBook) -> list[ConfigurationFault]:
    first, tables = loaded[0], loaded[0].tables.values()
    elements = {each.folder: each.documentation.elements for each in loaded}
    return [
        *checks.unread_files(layers),
        *checks.contradictory_payers(layers, first.payers),
        *checks.targets_without_meaning(layers, tables, first.systems, book.codes, packaged_edition()),
        *policy_checks.elements(layers, elements, book.policies),
    ]


def notices(layers: Layers, adjudicator: Adjudicator) -> list[ConfigurationFault]:
    """What loads and changes nothing; worth a look, and no reason to stop."""
    loaded = adjudicator.loaded
    variables = {each.version: each.variables for each in loaded}
    return [
        *checks.unused(layers, variables, loaded[0].tables.values(), loaded[0].payers),
        *policy_checks.unnamed_documents(layers, adjudicator.book.policies),
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


def _load(layers: Layers, versions: Sequence[str]) -> list[Mappings]:
    """The mappings of each version.

    Raises:
        ConfigurationError: every fault, also of the policies, so that one start shows all there is to mend; a table
            that several versions use is at fault once.
    """
    loaded: list[Mappings] = []
    faults: list[ConfigurationFault] = []
    for version in versions:
        try:
            loaded.append(load_mappings(layers, version))
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(list(dict.fromkeys([*faults, *_policy_faults(layers)])))
    return loaded


def _policy_faults(layers: Layers) -> list[ConfigurationFault]:
    try:
        load_policies(layers, Payers())
    except ConfigurationError as error:
        return error.faults
    return []
