"""The one place that joins the parts: settings, mappings, policies and code lists become an Adjudicator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapter.errors import ConfigurationError, ConfigurationFault, UsageError
from adapter.fhir.version import R4, R5, READ_AS
from adapter.mapping.loader import Mappings, load_mappings, shipped_mappings
from adapter.mapping.tables import Payers
from adapter.policy.loader import load_policies
from adapter.reconcile import Adjudicator
from adapter.settings import Settings
from adapter.terminology.icd10cm import packaged_edition

AUTO = "auto"


def build(settings: Settings, mappings: Path | None = None, fhir_version: str = "auto") -> Adjudicator:
    """Load and check everything before the first claim is read.

    Args:
        fhir_version: what every resource is in; ``auto`` reads each in its own, as far as the mappings go.

    Raises:
        ConfigurationError: every fault of every mapping and policy file.
        UsageError: an unknown FHIR version, or a folder without mappings.
    """
    version = fhir_version.lower()
    if version not in (AUTO, *READ_AS):
        raise UsageError(f"FHIR version {fhir_version!r} is unknown; use auto, R4, R4B or R5.")
    root = (mappings or shipped_mappings()).resolve()
    if not root.is_dir():
        raise UsageError(f"{root} is no folder with mappings.")
    has_r5 = (root / R5).is_dir()
    if version == R5 and not has_r5:
        raise UsageError(f"{root} has no mappings for FHIR R5.")
    first, *others = _load(root, [version] if version != AUTO else [R4, R5] if has_r5 else [R4])
    return Adjudicator(
        mappings=first,
        others={each.version: each for each in others},
        book=load_policies(root, first.payers),
        icd10cm=packaged_edition(),
        identifier_system=settings.identifier_system,
        site_timezone=settings.site_timezone,
    )


def _load(root: Path, versions: Sequence[str]) -> list[Mappings]:
    """The mappings of each version.

    Raises:
        ConfigurationError: every fault, also of the policies, so that one start shows all there is to mend; a table
            that several versions use is at fault once.
    """
    loaded: list[Mappings] = []
    faults: list[ConfigurationFault] = []
    for version in versions:
        try:
            loaded.append(load_mappings(root, version))
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(list(dict.fromkeys([*faults, *_policy_faults(root)])))
    return loaded


def _policy_faults(root: Path) -> list[ConfigurationFault]:
    try:
        load_policies(root, Payers())
    except ConfigurationError as error:
        return error.faults
    return []
