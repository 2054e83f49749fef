"""The settings as they are in effect, and where each came from: for people, so without any secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from adapter.auth.settings import setting
from adapter.secret_settings import given_names, is_secret

HIDDEN = "set"
"""What is shown of a secret: no character of it, and not how many it has."""
_USER = re.compile(r"(?<=://)\S*@")
_QUERY = re.compile(r"(?<=[?#])\S+")
_HEADER = re.compile(r"(?<=:).+")
_BY_VALUE = {"client_certificate_header": _HEADER}
"""Settings of which a part proves something, though they are no secrets: what is shown of them, has it not."""


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting: its variable, its value as it may be shown, and its origin."""

    name: str
    value: str | None
    """None where nothing is set, and nothing is the default."""
    origin: str
    """`default`, `environment`, or `file PATH` of a secret."""
    secret: bool


def effective(settings: BaseModel) -> Iterator[Effective]:
    """Every setting, in the order of the program."""
    given = given_names()
    for field_name, field in type(settings).model_fields.items():
        name, secret = setting(field_name), is_secret(field)
        in_file = given.get(f"{name}_FILE") if secret and name not in given else None
        origin = "environment" if name in given else "default" if in_file is None else f"file {in_file}"
        value = getattr(settings, field_name)
        shown = _shown(field_name, value, secret=secret, given=in_file is not None)
        yield Effective(name, shown, origin, secret)


def _shown(name: str, value: Any, *, secret: bool, given: bool) -> str | None:
    if secret:
        return HIDDEN if value or given else None
    if value is None:
        return None
    if name in _BY_VALUE:
        return _BY_VALUE[name].sub(" ***", str(value))
    return _QUERY.sub("***", _USER.sub("***@", str(value))) if "://" in str(value) else str(value)
