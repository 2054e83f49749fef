"""How loud the adapter is, in which form, and by which key claims are digested."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapter.errors import UsageError
from adapter.secret_settings import SecretFiles


class LogFormat(StrEnum):
    """One line each: for people, or a JSON object for machines."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is said."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class LogSettings(BaseSettings):
    """The part of the settings that every command reads first."""

    model_config = SettingsConfigDict(env_prefix="ADAPTER_", frozen=True)

    log_format: LogFormat = LogFormat.CONSOLE
    """Form of what is logged to stderr."""
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = LogLevel.WARNING
    """The least that is logged."""
    digest_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Key of the digests that stand for claims and patients in logs; without one a random one for each start."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, and the files that it names for secrets; no .env of the folder we happen to run in."""
        return init_settings, SecretFiles(settings_cls), env_settings


def load_log_settings() -> LogSettings:
    """The settings of the environment.

    Raises:
        UsageError: one of them is wrong; without its value.
    """
    try:
        return LogSettings()
    except ValidationError as error:
        faults = [f"ADAPTER_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors()]
        raise UsageError("; ".join(faults)) from error
