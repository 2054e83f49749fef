"""What happens on the server meanwhile: at a steady rate visits come, change, and are told of, but not always."""

from __future__ import annotations

import json
import time
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

Json = dict[str, Any]
STORIES = Path(__file__).parents[2] / "fixtures" / "stories"
NAMES = ("0592t-approved", "0592t-29-minutes", "expired-certificate", "modifier-95", "h0038-50-minutes")
UNTOLD = 0.1
"""Part of the changes of which no notification comes: sync, or a sweep of serve, has to find them."""
TOLD_TWICE = 0.1
CHANGED = 0.33
"""Part of the steps that change a visit of before."""


def visits() -> list[list[Json]]:
    """The resources of each story that is there."""
    found = [path for path in sorted(STORIES.glob("*/0_bundle.json")) if path.parent.name in NAMES]
    return [[each["resource"] for each in json.loads(path.read_text())["entry"]] for path in found]


def renamed(resources: list[Json], number: str) -> list[Json]:
    """The same visit of other people: every id and reference, and the claim's own identifiers, get the number."""
    ids = {
        f"{each['resourceType']}/{each['id']}": f"{each['resourceType']}/{each['id']}-{number}" for each in resources
    }
    copies = [_referring(deepcopy(each), ids) for each in resources]
    for each in copies:
        each["id"] = f"{each['id']}-{number}"
        if each["resourceType"] == "Claim":
            for identifier in each.get("identifier", []):
                identifier["value"] = f"{identifier['value']}-{number}"
    return copies


def _referring(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _referring(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_referring(each, ids) for each in value]
    return ids.get(value, value) if isinstance(value, str) else value


@dataclass
class Load:
    """Writes to the server directly, and tells ``serve`` as the server would."""

    server: str
    door: str
    secret: str
    random: Random
    claims: dict[str, list[Json]] = field(default_factory=dict)
    """Every visit, by the id of its claim."""
    writes: Counter[str] = field(default_factory=Counter)
    """How often something that a claim rests on was written."""
    told: Counter[str] = field(default_factory=Counter)
    """What became of the notifications, by status."""
    run: str = field(default_factory=lambda: format(int(time.time()), "x"))
    """In every id: the server may hold what an earlier run left."""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=60))

    def step(self) -> None:
        """One new visit, or one that changes; mostly with a notification."""
        changes = bool(self.claims) and self.random.random() < CHANGED
        changed = self._change() if changes else self._arrive()
        if self.random.random() >= UNTOLD:
            for _ in range(2 if self.random.random() < TOLD_TWICE else 1):
                self._tell(changed)

    def _arrive(self) -> str:
        number = len(self.claims)
        resources = renamed(self.random.choice(visits()), f"{self.run}-{number}")
        claim = next(each for each in resources if each["resourceType"] == "Claim")
        entries = [{"resource": each, "request": {"method": "PUT", "url": _name(each)}} for each in resources]
        self.http.post(
            self.server, json={"resourceType": "Bundle", "type": "transaction", "entry": entries}
        ).raise_for_status()
        self.claims[claim["id"]] = resources
        self.writes[claim["id"]] += 1
        return _name(claim)

    def _change(self) -> str:
        """The claim bills another quantity: 2, 1, 2, ..."""
        id = self.random.choice(sorted(self.claims))
        claim = next(each for each in self.claims[id] if each["resourceType"] == "Claim")
        line = claim["item"][0]
        line["quantity"] = {"value": 1 if line.get("quantity", {}).get("value") == 2 else 2}
        self.http.put(f"{self.server}/{_name(claim)}", json=claim).raise_for_status()
        self.writes[id] += 1
        return _name(claim)

    def _tell(self, name: str) -> None:
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/fhir+json"}
        try:
            answer = self.http.put(f"{self.door}/{name}", headers=headers)
            self.told[str(answer.status_code)] += 1
        except httpx.TransportError as error:
            self.told[type(error).__name__] += 1


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
