"""Secrets from files, as containers are given them: ``ADAPTER_..._FILE`` for every setting that is a secret.

They are read once, at the start. The files of a token and of a password are settings of their own, for those are read
again whenever they changed (``adapter/auth/secret_files.py``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import orjson
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from adapter.auth.secret_files import read_text
from adapter.auth.settings import file_of, setting
from adapter.errors import UsageError


def is_secret(field: FieldInfo) -> bool:
    """Whether what a setting holds is never shown: a secret, or secrets by their names."""
    return _holds_secret(field.annotation)


def secret_names(settings: type[BaseSettings]) -> list[str]:
    """The secrets whose file is no setting of its own."""
    fields = settings.model_fields
    return [name for name, field in fields.items() if is_secret(field) and f"{name}_file" not in fields]


def given_names() -> dict[str, str]:
    """What the environment holds of ours, by the name in capitals, as it is documented."""
    return {name.upper(): value for name, value in os.environ.items() if name.upper().startswith("ADAPTER_")}


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets that stand in files.

    Raises:
        UsageError: a file that cannot be read or is empty, or a secret given twice.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Read one; nothing where no file is named."""
        given, name = given_names(), setting(field_name)
        path = given.get(f"{name}_FILE")
        if path is None:
            return None, field_name, False
        if name in given:
            raise UsageError(f"{name} and {name}_FILE both give the same secret: set only one")
        what = file_of(f"{field_name}_file")
        text = read_text(Path(path), what)
        if not text:
            raise UsageError(f"{what} has nothing in it")
        return _object(text, what) if _is_object(field) else text, field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(fields[name], name)[0] for name in secret_names(self.settings_cls)}
        return {name: value for name, value in found.items() if value is not None}


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def _is_object(field: FieldInfo) -> bool:
    return isinstance(field.get_default(call_default_factory=False), dict)


def _object(text: str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise UsageError(f"{what} is no JSON object") from None  # the cause quotes it
