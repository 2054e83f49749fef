"""The one place that joins the parts: settings, mappings, policies and code lists become an Adjudicator."""

from __future__ import annotations

from pathlib import Path

from adapter.errors import ConfigurationError, UsageError
from adapter.mapping.loader import load_mappings, shipped_mappings
from adapter.policy.loader import load_policies
from adapter.reconcile import Adjudicator
from adapter.settings import Settings
from adapter.terminology.icd10cm import packaged_edition

VERSIONS = {"auto": "r4", "r4": "r4", "r4b": "r4b", "r5": "r5"}


def build(
    settings: Settings, mappings: Path | None = None, fhir_version: str = "auto", *, lenient: bool = False
) -> Adjudicator:
    """Load and check everything before the first claim is read.

    Raises:
        ConfigurationError: every fault of every mapping and policy file.
        UsageError: an unknown FHIR version, or a folder without mappings.
    """
    version = VERSIONS.get(fhir_version.lower())
    if version is None:
        raise UsageError(f"FHIR version {fhir_version!r} is unknown; use auto, R4, R4B or R5.")
    root = (mappings or shipped_mappings()).resolve()
    if not root.is_dir():
        raise UsageError(f"{root} is no folder with mappings.")
    if version == "r5" and not (root / "r5").is_dir():
        raise UsageError("FHIR R5 is not supported yet; use R4 or R4B.")
    try:
        loaded = load_mappings(root, version)
    except ConfigurationError as error:
        _with_policy_faults(root, error)
        raise
    return Adjudicator(
        mappings=loaded,
        book=load_policies(root, loaded.payers),
        icd10cm=packaged_edition(),
        identifier_system=settings.identifier_system,
        site_timezone=settings.site_timezone,
        limits=settings.limits,
        lenient=lenient,
    )


def _with_policy_faults(root: Path, error: ConfigurationError) -> None:
    """Add the faults of the policies to those of the mappings, so that one start shows all there is to mend."""
    from adapter.mapping.tables import Payers

    try:
        load_policies(root, Payers())
    except ConfigurationError as more:
        raise ConfigurationError([*error.faults, *more.faults]) from more
