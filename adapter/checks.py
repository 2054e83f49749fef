"""What is wrong between files that are each in order: names that nothing reads, payers that contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatch
from itertools import permutations
from pathlib import PurePath
from typing import Any

from adapter.errors import ConfigurationFault
from adapter.layers import Layers
from adapter.mapping.code_tables import OWN_CODES
from adapter.mapping.files import CodeSystemsFile, CredentialsFile
from adapter.mapping.table_files import ConceptMapElement
from adapter.mapping.tables import CodeSystems, ConceptMap, Payers
from adapter.mapping.variables import VARIABLES, Variables
from adapter.policy.codes import CodeLists
from adapter.terminology.icd10cm import Icd10Cm
from adapter.yaml_lines import Lined, Steps

READ = (
    "r[45]/*.yaml",
    "tables/code-systems.yaml",
    "tables/*.json",
    "payers/*.yaml",
    "policies/*/*.yaml",
    "policies/statements.yaml",
    "codes/credentials.yaml",
    "codes/icd-10-cm.yaml",
    "codes/modifiers.yaml",
    "codes/ncci.yaml",
    "codes/places-of-service.yaml",
    "codes/reason-codes.yaml",
    "codes/service-codes.yaml",
    "schema/*.json",
)
"""The files that something reads; a YAML or JSON file of any other name is a mistake."""
DATA = (".yaml", ".yml", ".json")


def unread_files(layers: Layers) -> Iterator[ConfigurationFault]:
    """Files that look like mappings and that nothing reads, such as ``r4/encounters.yml``."""
    folders = sorted({str(PurePath(each).parent) for each in READ})
    for layer in layers.layers:
        for path in sorted(each for each in layer.root.rglob("*") if each.suffix in DATA):
            name = str(path.relative_to(layer.root))
            hidden = any(part.startswith(".") for part in PurePath(name).parts)
            if not hidden and not any(_fits(name, pattern) for pattern in READ):
                yaml = str(PurePath(name).with_suffix(".yaml"))
                near = [yaml] if any(_fits(yaml, pattern) for pattern in READ) else get_close_matches(name, READ, 1)
                hint = f"do you mean {near[0]}?" if near else f"folders: {', '.join(folders)}"
                yield ConfigurationFault(f"{layer.shown}/{name}", 1, "nothing reads this file", hint)


def _fits(name: str, pattern: str) -> bool:
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


def contradictory_payers(layers: Layers, payers: Payers) -> Iterator[ConfigurationFault]:
    """Payers that an identifier or a name of one makes out to be the other: nobody would be recognised."""
    for payer, rival in permutations(payers.payers.values(), 2):
        lined, hint = layers.lined(payer.file), f"the other stands in {rival.file}"
        for system, value in sorted(payer.identifiers & rival.identifiers):
            yield lined.fault(
                f"{payer.key} and {rival.key} have the identifier {system}|{value}", ("identifiers",), hint
            )
        for name in (*payer.names, *payer.name_parts):
            if Payers({rival.key: rival}).recognise((), (name,)):
                yield lined.fault(f"{name!r} would be {payer.key} and {rival.key}", ("names",), hint)


def shared_spellings(lined: Lined, read: CodeSystemsFile) -> Iterator[ConfigurationFault]:
    """A URL that two systems are written with: which of them is meant, nobody could tell."""
    owners: dict[str, str] = {}
    for key, system in read.systems.items():
        for url in (system.preferred, *system.accepted):
            if owners.setdefault(url, key) != key:
                yield lined.fault(f"{owners[url]} and {key} are both written {url}", ("systems", key))


def unknown_systems(lined: Lined, read: CredentialsFile, systems: CodeSystems) -> Iterator[ConfigurationFault]:
    """Codes of credentials whose system has no such key: they would recognise nothing."""
    known = systems.preferred
    for kind, credential in read.kinds.items():
        for index, code in enumerate(credential.codes):
            key = code.partition("|")[0]
            if key and known and key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"do you mean {near[0]}?" if near else f"keys: {', '.join(known)}"
                yield lined.fault(f"no code system {key!r}", ("kinds", kind, "codes", index), hint)


def targets_without_meaning(
    layers: Layers, tables: Iterable[ConceptMap], systems: CodeSystems, lists: CodeLists, icd10cm: Icd10Cm
) -> Iterator[ConfigurationFault]:
    """Entries of ConceptMaps whose target is in none of the code lists: what they translate would be no code at all."""
    known: dict[str | None, Callable[[str], bool]] = {
        "CPT": lambda code: bool(lists.services.get(code) or lists.modifiers.get(code)),
        "HCPCS": lambda code: bool(lists.services.get(code) or lists.modifiers.get(code)),
        "POS": lambda code: lists.places.get(code) is not None,
        "ICD-10-CM": lambda code: icd10cm.lookup(code)[0],
    }
    for lined in (lined for table in tables for lined in layers.each(table.file)):
        for at, target, code in _targets(lined.data):
            key = systems.spellings.get(target, target)
            if not known.get(key, OWN_CODES.get(key, _ANYTHING).__contains__)(code):
                yield lined.fault(f"{code!r} is no code of {key} that any list knows", at)


def _targets(concept_map: Any) -> Iterator[tuple[Steps, str, str]]:
    """Place, system and code of every target."""
    for group_index, group in enumerate(concept_map.get("group", ())):
        for index, element in enumerate(group["element"]):
            for code in ConceptMapElement.model_validate(element).means:
                yield ("group", group_index, "element", index), group["target"], code


class _Anything:
    def __contains__(self, _code: object) -> bool:
        return True


_ANYTHING = _Anything()


def unused(
    layers: Layers, variables: Mapping[str, Variables], tables: Iterable[ConceptMap], payers: Payers
) -> Iterator[ConfigurationFault]:
    """Entries that load and change nothing: tables and variables that no file names, payers nobody can recognise."""
    used: list[str] = []
    for version, each in variables.items():
        texts = [text for name in layers.names(f"{version}/*.yaml") for text in _texts(layers.lined(name).data)]
        used += texts
        for name in sorted(set(each.pieces) - set().union(*map(each.named_in, texts))):
            lined = layers.lined(f"{version}/{VARIABLES}")
            yield lined.fault(f"nothing uses the variable %{name}", ("variables", name))
    for table in tables:
        if table.name not in used:
            yield layers.lined(table.file).fault(f"no field uses the table {table.name!r}", ("id",))
    for payer in payers.payers.values():
        if not (payer.identifiers or payer.names or payer.name_parts):
            hint = "give it identifiers or names"
            yield layers.lined(payer.file).fault(f"nothing can recognise the payer {payer.key!r}", ("payer",), hint)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from _texts(each)
