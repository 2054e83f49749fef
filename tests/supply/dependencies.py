"""What the project says it needs, what the lock file holds, and what is installed; nothing is asked of any index."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of the lock file."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of each file that an index may hand out for it."""


@cache
def project() -> dict[str, list[str]]:
    """The requirements of pyproject.toml: for ``run``, and each extra and group by its name."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    more = told["project"].get("optional-dependencies", {})
    return {"run": told["project"]["dependencies"], **more, **told["dependency-groups"]}


def locked(text: str | None = None) -> list[Locked]:
    """The packages of the lock file.

    Raises:
        ValueError: a line that is neither a comment nor a package pinned to one version by its hashes.
    """
    lines = re.sub(r"\\\n\s*", "", LOCK.read_text() if text is None else text).splitlines()
    return [_locked(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _locked(line: str) -> Locked:
    found = re.fullmatch(
        r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)(?:\s*;[^-]*)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*(#.*)?", line
    )
    if found is None:
        raise ValueError(f"not pinned to a version by SHA-256: {line[:60]}")
    return Locked(canonicalize_name(found[1]), found[2], tuple(re.findall(r"sha256:([0-9a-f]{64})", found[3])))


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Whatever the requirements need here, they among it, as it is installed."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(each) for each in requirements]
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise ValueError(f"{name} is needed and not installed") from None
        for extra in {"", *asked.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += needs(found[name], extra)
    return found


def needs(package: Distribution, extra: str = "") -> list[Requirement]:
    """What an installed package needs here, with an extra of it."""
    written = map(Requirement, package.requires or ())
    return [each for each in written if each.marker is None or each.marker.evaluate({"extra": extra})]


def licence(package: Distribution) -> str:
    """What an installed package says of its licence: the SPDX expression, else its classifiers, else the text."""
    told = package.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    classifiers = [
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License ::")
    ]
    written = told.get_all("License") or [""]
    return ", ".join(classifiers) or written[0].partition("\n")[0]


def imported(folder: Path) -> set[str]:
    """The top-level modules, not of Python itself or the project, that the files below a folder import."""
    names = {name for path in folder.rglob("*.py") for name in _imports(ast.parse(path.read_text(encoding="utf-8")))}
    return {each for each in names if each not in sys.stdlib_module_names and each != "adapter"}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@cache
def _provided() -> dict[str, list[str]]:
    return dict(packages_distributions())


def providers(module: str) -> set[str]:
    """The installed packages that a top-level module comes from."""
    return {canonicalize_name(each) for each in _provided().get(module, ())}
