"""Reads ``tables/*.json``: FHIR ConceptMaps and ValueSets, each with what a site lays over it, as lookup tables.

What of them is not understood (a ValueSet's ``exclude``, a map's ``unmapped``) is a fault: passed over, it would
translate what its author did not mean. https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.layers import Layers
from adapter.mapping import table_files as files
from adapter.mapping.files import validated
from adapter.mapping.tables import CodeSystems, ConceptMap
from adapter.session.model import Code
from adapter.yaml_lines import Lined, Steps

OWN_CODES: Mapping[str, Collection[str]] = {
    "urn:fhir-coaching-adapter:modality": {"virtual"},
    "urn:fhir-coaching-adapter:care-team-role": {"rendering", "supervisor"},
}
"""Systems of our own, with the codes that rules and evidence know."""
WORDS_OF_FHIR = frozenset(["http://hl7.org/fhir/encounter-status"])
"""Systems of plain words: a status, which FHIR writes without its system."""


def read_table(layers: Layers, name: str, systems: CodeSystems) -> ConceptMap:
    """The table of every layer in one: what a later one says of a code counts.

    Raises:
        ConfigurationError: not the form of a table, a code with two targets, or a target of a system nobody knows.
    """
    each = layers.each(name)
    if any(isinstance(lined.data, dict) and lined.data.get("resourceType") == "ValueSet" for lined in each):
        return _value_set(name, [validated(files.ValueSetFile, lined) for lined in each], systems)
    read = [validated(files.ConceptMapFile, lined) for lined in each]
    faults = [fault for lined, file in zip(each, read, strict=True) for fault in _faults(lined, file, systems)]
    if faults:
        raise ConfigurationError(faults)
    return _concept_map(name, read, systems)


def _value_set(name: str, read: Sequence[files.ValueSetFile], systems: CodeSystems) -> ConceptMap:
    """FHIR ValueSets as a table of codes that stay what they are."""
    targets: dict[tuple[str | None, str], Code] = {
        (include.system, concept.code): systems.read(concept.code, include.system)
        for each in read
        for include in each.compose.include
        for concept in include.concept
    }
    return ConceptMap(read[0].id, targets, name, listed_only=True)


def _concept_map(name: str, read: Sequence[files.ConceptMapFile], systems: CodeSystems) -> ConceptMap:
    """FHIR ConceptMaps as one; targets keep the key of their system, so a rule never sees a URL."""
    targets: dict[tuple[str | None, str], Code] = {}
    for group in (group for each in read for group in each.group):
        for element in group.element:
            targets.pop((group.source, element.code), None)
            for code in element.means:
                target = systems.read(code, group.target)
                targets[group.source, element.code] = Code(target.code, target.system, group.source)
    return ConceptMap(read[0].id, targets, name)


def _faults(lined: Lined, read: files.ConceptMapFile, systems: CodeSystems) -> Iterator[ConfigurationFault]:
    seen: dict[tuple[str | None, str], list[str]] = {}
    for at, group, element in _elements(read):
        place = (group.source, element.code)
        if len(element.means) > 1:
            hint = "leave the one that is equivalent"
            yield lined.fault(f"{element.code!r} has two targets and nothing to choose by", at, hint)
        if seen.setdefault(place, element.means) != element.means:
            yield lined.fault(f"{element.code!r} stands twice, with different targets", at)
    for index, group in enumerate(read.group):
        if not _is_known(group.target, systems):
            hint = "write it as tables/code-systems.yaml does"
            yield lined.fault(f"no code system {group.target!r}", ("group", index, "target"), hint)


def _elements(read: files.ConceptMapFile) -> Iterator[tuple[Steps, files.ConceptMapGroup, files.ConceptMapElement]]:
    for group_index, group in enumerate(read.group):
        for index, element in enumerate(group.element):
            yield ("group", group_index, "element", index), group, element


def _is_known(system: str, systems: CodeSystems) -> bool:
    """Whether targets may be of a system; all may be where the systems themselves did not load."""
    return not systems.spellings or system in {*systems.spellings, *OWN_CODES, *WORDS_OF_FHIR}
