"""A folder in which references are written in every way that FHIR has, and resources stand wherever they may."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from uuid import UUID

from big_folders.ways import Json, ndjson

BASE = "https://fhir.example.org/r4"
CONTAINED = frozenset(
    {"Patient", "Practitioner", "PractitionerRole", "Organization", "Encounter", "Coverage", "Location"}
)
"""What senders put into the resource that refers to it."""
LAYOUTS = ("lines", "documents", "Bundles on lines")


class Respelt:
    """The resources, each with one more identifier, some of them alike; a share of the references is respelt."""

    def __init__(self, resources: list[Json], random: Random, share: float) -> None:
        self.random = random
        self.resources = resources
        self.by_name = {_name(each): each for each in resources}
        self.urns = {name: UUID(int=random.getrandbits(128)).urn for name in self.by_name}
        self.numbers = {name: self._number(name) for name in self.by_name}
        for each in resources:
            each["identifier"] = [*_several(each.get("identifier")), self.numbers[_name(each)]]
        for holder in resources:
            for reference in list(_references(holder)):
                if reference["reference"] in self.by_name and random.random() < share:
                    self._respell(reference, holder)

    def _number(self, name: str) -> Json:
        kind, _, id = name.partition("/")
        value = "1" if kind != "Claim" and self.random.random() < 0.2 else f"N-{id}"
        return {"system": f"https://a.example/{kind}", "value": value}

    def _respell(self, reference: Json, holder: Json) -> None:
        named = reference.pop("reference")
        kind, number = named.partition("/")[0], self.numbers[named]
        ways: list[Callable[[], Json]] = [
            lambda: {"reference": named},
            lambda: {"reference": f"{BASE}/{named}"},
            lambda: {"reference": self.urns[named]},
            lambda: {"reference": f"{kind}?identifier={number['system']}|{number['value']}"},
            lambda: {"identifier": number},
            lambda: {"identifier": number, "type": kind},
            lambda: {"identifier": {"value": number["value"]}},
            lambda: {"reference": self._contain(named, holder) if kind in CONTAINED else named},
        ]
        reference.update(self.random.choice(ways)())

    def _contain(self, named: str, holder: Json) -> str:
        copy = {name: value for name, value in self.by_name[named].items() if name not in ("contained", "meta")}
        if self.random.random() < 0.2:
            copy.pop("identifier")
        own = holder.setdefault("contained", [])
        own.append({**deepcopy(copy), "id": f"c{len(own)}"})
        return f"#c{len(own) - 1}"

    def write(self, folder: Path, layout: str) -> None:
        """Lines in no order, or Bundles: of a patient, of a type, or of what happened to come together."""
        if layout == "lines":
            shuffled = self.random.sample(self.resources, len(self.resources))
            for part in range(3):
                ndjson(folder / f"{part}.ndjson", shuffled[part::3])
            return
        bundles = [{"resourceType": "Bundle", "type": "collection", "entry": each} for each in self._entries()]
        if layout == "documents":
            for number, bundle in enumerate(bundles):
                ndjson(folder / f"{number}.json", [bundle])
        else:
            ndjson(folder / "all.ndjson", bundles)

    def _entries(self) -> list[list[Json]]:
        found: dict[str, list[Json]] = defaultdict(list)
        for each in self.resources:
            about = next((each[name] for name in ("subject", "patient", "beneficiary") if name in each), None)
            together = json.dumps(about) if about else each["resourceType"]
            address = self.random.choice([{"fullUrl": self.urns[_name(each)]}] * 3 + [_absolute(each), {}])
            found["odd" if self.random.random() < 0.1 else together].append({"resource": each, **address})
        return list(found.values())


def _absolute(resource: Json) -> Json:
    return {"fullUrl": f"{BASE}/{_name(resource)}"}


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _several(identifier: object) -> list[object]:
    return identifier if isinstance(identifier, list) else [identifier] if identifier else []


def _references(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
