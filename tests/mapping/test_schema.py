"""The JSON Schemas that editors read: current, and true of the files that ship."""

from __future__ import annotations

import json
from pathlib import Path

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
