"""Mapping folders laid over each other: the shipped files at the bottom, a site's own on top.

A site writes only what differs. Mappings are merged key by key, at any depth; any other value replaces the one below.
``key+`` adds to the list below instead of replacing it, ``key: null`` takes away what is below. Each value keeps the
file and line it came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from importlib import resources
from pathlib import Path

import yaml

from adapter.errors import ConfigurationError, ConfigurationFault
from adapter.yaml_lines import Lined, built, compose

ADDS = "+"
"""The last character of a key whose list is added to the list below."""
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Layer:
    """One folder, and how it is called in messages."""

    root: Path
    shown: str

    def compose(self, name: str) -> yaml.Node | None:
        return compose(self.root / name, f"{self.shown}/{name}")


@dataclass(frozen=True, slots=True)
class Layers:
    """Folders of mapping files, the lowest first."""

    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, lowest: Path, *overlays: Path) -> Layers:
        """``lowest`` is called by its own name in messages, overlays by the paths they were given as."""
        above = (Layer(each, str(each)) for each in overlays)
        return cls((Layer(lowest, lowest.name.removeprefix("_")), *above))

    def names(self, pattern: str) -> list[str]:
        """Files that match in any layer, relative to it, sorted."""
        return sorted({str(path.relative_to(each.root)) for each in self.layers for path in each.root.glob(pattern)})

    def holding(self, name: str) -> list[Layer]:
        """The layers that have a file, the lowest first."""
        return [each for each in self.layers if (each.root / name).exists()]

    def shown(self, name: str) -> str:
        """How the lowest file of a name is called; where there is none, that of the lowest layer."""
        return f"{(self.holding(name) or self.layers)[0].shown}/{name}"

    def lined(self, name: str) -> Lined:
        """A file with everything that is laid over it.

        Raises:
            ConfigurationError: there is none, or one of them is not YAML.
        """
        holding = self.holding(name)
        if not holding:
            raise ConfigurationError([ConfigurationFault(self.shown(name), 1, "there is no such file")])
        composed = [node for each in holding if (node := each.compose(name)) is not None]
        return built(self.shown(name), reduce(_laid_over, composed) if composed else None)

    def each(self, name: str) -> list[Lined]:
        """Every layer's own file, the lowest first; for what is not merged key by key."""
        return [built(f"{each.shown}/{name}", each.compose(name)) for each in self.holding(name)]


def shipped_mappings() -> Path:
    """The folder of the mappings that come with the package, in a checkout or in an installed wheel."""
    installed = Path(str(resources.files("adapter"))) / "_mappings"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[1] / "mappings"


def _laid_over(below: yaml.Node, above: yaml.Node) -> yaml.Node:
    if not (isinstance(below, yaml.MappingNode) and isinstance(above, yaml.MappingNode)):
        return above
    merged = {key.value: (key, value) for key, value in below.value}
    for key, value in above.value:
        name = str(key.value).removesuffix(ADDS)
        _, under = merged.get(name, (None, None))
        if name != key.value:
            merged[name] = (_renamed(key, name), _added(under, value))
        elif under is None:
            merged[name] = (key, value)
        elif value.tag == _NULL:
            del merged[name]
        else:
            merged[name] = (key, _laid_over(under, value))
    return yaml.MappingNode(below.tag, list(merged.values()), above.start_mark, above.end_mark)


def _renamed(key: yaml.Node, name: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(key.tag, name, key.start_mark, key.end_mark)


def _added(under: yaml.Node | None, value: yaml.Node) -> yaml.SequenceNode:
    items = [item for node in (under, value) if node is not None for item in _items(node)]
    return yaml.SequenceNode("tag:yaml.org,2002:seq", items, value.start_mark, value.end_mark)


def _items(node: yaml.Node) -> Iterable[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else [node]
