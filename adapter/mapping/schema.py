"""JSON Schemas of the mapping files, so that an editor completes and checks them while they are written.

``python -m adapter.mapping.schema FOLDER`` writes them; those under ``mappings/schema`` ship with the package. What
is more than form (a path that cannot exist, a table nobody wrote) only ``coaching-adapter check`` tells.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from adapter.layers import ADDS
from adapter.mapping import code_files, files
from adapter.policy.files import PolicyFile, RuleFile

SCHEMAS: dict[str, type[BaseModel]] = {
    "resource": files.ResourceFile,
    "documentation": files.DocumentationFile,
    "evidence": files.EvidenceFile,
    "variables": files.VariablesFile,
    "code-systems": files.CodeSystemsFile,
    "payer": files.PayerFile,
    "policy": PolicyFile,
    "rule": RuleFile,
    "credentials": files.CredentialsFile,
    "service-codes": code_files.CodeListFile[code_files.ServiceEntry],
    "modifiers": code_files.CodeListFile[code_files.ModifierEntry],
    "places-of-service": code_files.CodeListFile[code_files.PlaceEntry],
    "reason-codes": code_files.ReasonCodesFile,
    "ncci": code_files.NcciFile,
}
"""The kinds of files, each with what may stand in it."""


def schemas() -> Iterator[tuple[str, str]]:
    """File name and text of every schema.

    A file may be an overlay that states only what differs: nothing is required, any value may be null, and a list may
    be added to by its name with a plus.
    """
    for name, model in SCHEMAS.items():
        schema = model.model_json_schema()
        relaxed = _relaxed(schema) | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        yield f"{name}.schema.json", json.dumps(relaxed, indent=1, sort_keys=True) + "\n"


def _relaxed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_relaxed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _relaxed(each) for name, each in schema.items() if name != "required"}
    if isinstance(schema.get("properties"), dict):
        found["properties"] = dict(_properties(schema["properties"]))
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = dict(_any_name(schema["additionalProperties"]))
    return found


def _properties(properties: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, each in properties.items():
        yield name, _or_null(each)
        if (items := _items(each)) is not None:
            yield f"{name}{ADDS}", _added(each, items)


def _any_name(values: Any) -> Iterator[tuple[str, Any]]:
    """What stands under names of the file's own: the value or null, and under the name with a plus one value too."""
    choices = [*_or_null(values)["anyOf"], *([] if (items := _items(values)) is None else [_relaxed(items)])]
    yield "anyOf", choices


def _or_null(schema: Any) -> Any:
    return {"anyOf": [_relaxed(schema), {"type": "null"}]}


def _added(whole: Any, items: Any) -> Any:
    """What may be added to a list: a list of the same, or one value of it."""
    return {"anyOf": [_relaxed(whole), _relaxed(items)]}


def _items(schema: Any) -> Any:
    """What a list is of; None where the value is no list."""
    return next((each["items"] for each in schema.get("anyOf", [schema]) if each.get("type") == "array"), None)


if __name__ == "__main__":
    for name, text in schemas():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
