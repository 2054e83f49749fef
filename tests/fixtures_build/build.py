"""Writes everything under fixtures/ except its README and what the golden runner adds to the stories.

Usage:
    python tests/fixtures_build/build.py            write
    python tests/fixtures_build/build.py --check    name the files that differ, and exit 1 when there are any
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # run as a script, this file knows only its own folder

from fixtures_build.clinic import clinic, expected  # noqa: E402 - found on the path that was just set
from fixtures_build.resources import Resource  # noqa: E402 - found on the path that was just set
from fixtures_build.site import site_bundles  # noqa: E402 - found on the path that was just set
from fixtures_build.stories import bundles  # noqa: E402 - found on the path that was just set

FIXTURES = ROOT / "fixtures"


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def ndjson(resources: list[Resource]) -> str:
    return "".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in resources)


def exports() -> dict[Path, str]:
    """The clinic as a bulk export: one file a type, ordered by id."""
    by_type: dict[str, list[Resource]] = {}
    for each in sorted(clinic(), key=lambda each: str(each["id"])):
        by_type.setdefault(each["resourceType"], []).append(each)
    return {FIXTURES / "clinic" / f"{kind}.ndjson": ndjson(by_type[kind]) for kind in sorted(by_type)}


def files() -> dict[Path, str]:
    told = {FIXTURES / "stories" / name / "0_bundle.json": pretty(bundle) for name, bundle in bundles()}
    site = {FIXTURES / "site" / "visits" / f"{name}.json": pretty(bundle) for name, bundle in site_bundles()}
    return exports() | {FIXTURES / "clinic-expected.json": pretty(expected())} | told | site


def on_disk() -> set[Path]:
    """What is there of the kinds this program writes."""
    return {*FIXTURES.glob("clinic/*"), *FIXTURES.glob("stories/*/0_*"), *FIXTURES.glob("site/visits/*")}


def differing() -> list[str]:
    """Files that are missing, changed or left over."""
    wanted = files()
    wrong = {path for path, text in wanted.items() if not path.exists() or path.read_bytes() != text.encode()}
    return sorted(str(path.relative_to(ROOT)) for path in wrong | (on_disk() - wanted.keys()))


def write() -> None:
    """Leftovers stay for a person to remove; `--check` names them."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        wrong = differing()
        print("\n".join(wrong) or "fixtures are current")
        return 1 if wrong else 0
    if arguments:
        print(__doc__)
        return 2
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
