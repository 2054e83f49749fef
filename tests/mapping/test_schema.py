"""The JSON Schemas that editors read: current, and true of the files that ship."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapter.layers import shipped_mappings
from adapter.mapping.files import FieldFile
from adapter.mapping.schema import SCHEMAS, schemas

WRITTEN = dict(schemas())
SHIPPED = shipped_mappings()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_the_shipped_schema_is_current(name: str) -> None:
    """If it is not: ``python -m adapter.mapping.schema mappings/schema``."""
    assert (SHIPPED / "schema" / name).read_text(encoding="utf-8") == WRITTEN[name]


def test_no_schema_is_left_over() -> None:
    assert {path.name for path in (SHIPPED / "schema").iterdir()} == {f"{name}.schema.json" for name in SCHEMAS}


def test_an_overlay_may_leave_out_add_to_and_take_away() -> None:
    field = json.loads(WRITTEN["resource.schema.json"])["$defs"]["FieldFile"]
    assert set(field["properties"]) == {*_names(), "path+"}
    assert "required" not in field
    assert {"type": "null"} in field["properties"]["table"]["anyOf"]
    assert field["additionalProperties"] is False


OVERLAYS = [
    # (schema, an overlay that the loader takes)
    pytest.param("resource", {"fields": {"status": None}}, id="a field taken away"),
    pytest.param("resource", {"fields": {"status": {"path+": "x"}}}, id="one value added to a list"),
    pytest.param("documentation", {"elements": {"topics": None}}, id="an element taken away"),
    pytest.param("rule", {"outcomes": {"short": None}}, id="an outcome taken away"),
    pytest.param("credentials", {"kinds": {"a": None}}, id="a kind taken away"),
    pytest.param("credentials", {"kinds": {"a": {"texts+": ["x"]}}}, id="added to"),
    pytest.param("variables", {"variables": {"a": None}}, id="a variable taken away"),
    pytest.param("payer", {"names+": "Acme"}, id="one name added"),
    pytest.param("payer", {"identifiers+": {"system": "s", "value": "v"}}, id="one identifier added"),
    pytest.param("evidence", {"follow": {"Claim+": ["enterer"]}}, id="a path added under a name of the file's own"),
    pytest.param("evidence", {"follow": {"Claim+": "enterer"}}, id="one path added"),
    pytest.param("evidence", {"follow": {"Claim": None}}, id="paths taken away"),
]
REFUSED = [
    pytest.param("resource", {"colour": None}, id="an unknown key"),
    pytest.param("resource", {"fields": {"status": 1}}, id="no field"),
    pytest.param("payer", {"names+": 1}, id="a number for a name"),
    pytest.param("variables", {"variables": {"a": 1}}, id="a number for a piece"),
    pytest.param("documentation", {"elements": {"topics": {"label+": "x"}}}, id="added to what is no list"),
]


@pytest.mark.parametrize(("name", "overlay"), OVERLAYS)
def test_an_editor_takes_what_the_loader_takes(name: str, overlay: Any) -> None:
    assert accepts(json.loads(WRITTEN[f"{name}.schema.json"]), overlay)


@pytest.mark.parametrize(("name", "overlay"), REFUSED)
def test_an_editor_marks_what_the_loader_refuses(name: str, overlay: Any) -> None:
    assert not accepts(json.loads(WRITTEN[f"{name}.schema.json"]), overlay)


TYPES: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "null": type(None),
    "integer": int,
    "boolean": bool,
}


def accepts(schema: Any, value: Any, whole: Any = None) -> bool:
    """What a JSON Schema says of a value, as far as ours use the language."""
    whole = whole or schema
    if "$ref" in schema:
        return accepts(whole["$defs"][schema["$ref"].rpartition("/")[2]], value, whole)
    if "anyOf" in schema:
        return any(accepts(each, value, whole) for each in schema["anyOf"])
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if isinstance(value, list):
        return all(accepts(schema["items"], each, whole) for each in value)
    named, others = schema.get("properties", {}), schema.get("additionalProperties", False)
    return not isinstance(value, dict) or all(
        accepts(named[key], each, whole) if key in named else others and accepts(others, each, whole)
        for key, each in value.items()
    )


def _names() -> set[str]:
    return {each.alias or name for name, each in FieldFile.model_fields.items()}


@pytest.mark.parametrize(
    "path",
    sorted(path for path in SHIPPED.rglob("*.yaml")),
    ids=lambda path: str(path.relative_to(SHIPPED)),
)
def test_every_shipped_file_names_its_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    if path.name in ("statements.yaml", "icd-10-cm.yaml"):
        return
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve().is_file()
