"""Put every resource of a Bundle on a FHIR server, in its order: ``python put.py BASE_URL BUNDLE.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx


def put(base: str, bundle: Path) -> None:
    """Each resource under its own id, so that doing it again changes nothing."""
    with httpx.Client(trust_env=False, timeout=60) as http:
        for entry in json.loads(bundle.read_text(encoding="utf-8"))["entry"]:
            resource = entry["resource"]
            http.put(f"{base}/{resource['resourceType']}/{resource['id']}", json=resource).raise_for_status()


if __name__ == "__main__":
    put(sys.argv[1], Path(sys.argv[2]))
