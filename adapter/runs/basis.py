"""The digests of everything that decides beside the evidence: the program, the mappings and the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import orjson

import adapter
from adapter.layers import Layers
from adapter.reconcile.adjudicator import Adjudicator
from adapter.runs.model import Basis

LIBRARIES = ("fhir-resources", "fhirpathpy", "simple-icd-10-cm")
"""Those whose data or rules reach into a decision."""
_READ = frozenset({".yaml", ".yml", ".json"})


def basis_of(adjudicator: Adjudicator, layers: Layers, fhir_version: str) -> Basis:
    """What an adjudicator decides by; ``layers`` are the mappings it was made of."""
    package = Path(adapter.__file__).parent
    libraries = (f"{name} {version(name)}".encode() for name in LIBRARIES)
    program = _digest([*_files(package, {".py"}), *libraries])
    mappings = _digest(part for each in layers.layers for part in (b"layer", *_files(each.root, _READ)))
    told = {
        "fhir_version": fhir_version.lower(),
        "identifier_system": adjudicator.identifier_system,
        "lenient": adjudicator.lenient,
        "limits": adjudicator.limits,
        "site_timezone": adjudicator.site_timezone,
        "trust_structure": adjudicator.trust_structure,
    }
    return Basis(program, mappings, _digest([orjson.dumps(told, option=orjson.OPT_SORT_KEYS)]))


def query_name(adjudicator: Adjudicator, layers: Layers, fhir_version: str, spoken: str) -> str:
    """The name that checkpoints on a server are kept under; ``spoken`` is the version of FHIR that it speaks.

    It changes with everything that decides: answers by other rules are no reason to pass a claim over.
    """
    digest = basis_of(adjudicator, layers, fhir_version).digest
    return f"Claim {hashlib.sha256(f'{digest} {spoken}'.encode()).hexdigest()[:16]}"


def _files(root: Path, kinds: Iterable[str]) -> Iterable[bytes]:
    """Name and content of each file, in an order that is the same on every machine."""
    wanted = frozenset(kinds)
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.suffix in wanted}
    for name in sorted(found):
        if not name.startswith("_mappings/"):  # the wheel holds the mappings inside of the package
            yield name.encode()
            yield found[name].read_bytes()


def _digest(parts: Iterable[bytes]) -> str:
    """One for all parts; where one ends and the next begins makes a difference."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()[:12]
