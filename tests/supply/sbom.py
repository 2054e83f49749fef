"""The bill of materials, as CycloneDX 1.6: what runs, what tests it, versions, hashes, licences, who needs whom.

    .venv/bin/python tests/supply/sbom.py > sbom.json

Of what the lock file holds and this environment has installed; where the two differ it ends with 1. The usual tool
knows either the hashes (of a lock file) or the licences (of an environment); here they stand together. The same lock
file and environment give the same bytes. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import sys
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from supply.dependencies import ROOT, Locked, closure, licence, locked, needs, project

Json = dict[str, Any]
WHOLE = "fhir-coaching-adapter"


def bill() -> Json:
    """The bill.

    Raises:
        ValueError: what is installed is not what the lock file says.
    """
    pinned = {each.name: each for each in locked()}
    running = closure(project()["run"])
    everything = running | closure(each for group in project().values() for each in group)
    components = [
        _component(pinned, name, package, runs=name in running) for name, package in sorted(everything.items())
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _project()},
        "components": components,
        "dependencies": [
            {"ref": WHOLE, "dependsOn": _refs([Requirement(each).name for each in project()["run"]], everything)},
            *(
                {"ref": _ref(package), "dependsOn": _refs([each.name for each in needs(package)], everything)}
                for _, package in sorted(everything.items())
            ),
        ],
    }


def _project() -> Json:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "type": "application",
        "bom-ref": WHOLE,
        "name": told["name"],
        "version": told["version"],
        "description": told["description"],
        "licenses": [{"expression": told["license"]}],
        "purl": f"pkg:pypi/{told['name']}@{told['version']}",
    }


def _component(pinned: dict[str, Locked], name: str, package: Distribution, *, runs: bool) -> Json:
    lock = pinned.get(name)
    if lock is None or lock.version != package.version:
        raise ValueError(f"{name} {package.version} is installed, and not what the lock file says")
    files = [{"alg": "SHA-256", "content": each} for each in lock.hashes]
    where = f"pkg:pypi/{name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": _ref(package),
        "name": name,
        "version": package.version,
        "purl": where,
        "scope": "required" if runs else "excluded",
        "licenses": [{"license": {"name": licence(package) or "see its licence file"}}],
        "externalReferences": [{"type": "distribution", "url": where, "hashes": files}],
    }


def _ref(package: Distribution) -> str:
    return f"{canonicalize_name(package.name)}=={package.version}"


def _refs(names: list[str], installed: dict[str, Distribution]) -> list[str]:
    return sorted({_ref(installed[canonicalize_name(each)]) for each in names})


def main() -> int:
    try:
        print(json.dumps(bill(), indent=2))
    except ValueError as error:
        print(f"no bill of materials: {error}; install by `pip install -r requirements.lock`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
