"""Settings from the environment (``ADAPTER_...``), checked before the first request. Secrets print as stars."""

from __future__ import annotations

import re
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict, SettingsError

from adapter.answers.systems import DEFAULT_IDENTIFIER_SYSTEM
from adapter.auth.settings import AccessSettings, refuse_contradictions
from adapter.errors import UsageError
from adapter.limits import DEEPEST, DEFAULT, Limits
from adapter.logs.settings import LogSettings
from adapter.secret_settings import given_names, is_secret, secret_names

SubscriptionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")]
Secret = Annotated[SecretStr, Field(min_length=16)]
AUDIT_WORDS = ("off", "server")
"""What ``audit`` may be that is no file; in any case of letters."""
_SIZE = re.compile(r" items after validation, not \d+$")
"""The end of a message on a secret, which would tell how long it is."""


class Settings(LogSettings, AccessSettings):
    """Every setting, its default and what it is for."""

    model_config = SettingsConfigDict(env_prefix="ADAPTER_", frozen=True)

    identifier_system: str = Field(DEFAULT_IDENTIFIER_SYSTEM, min_length=1)
    """System of ClaimResponse.identifier, by which an answer is found again; choose one of your own and keep it."""
    site_timezone: str | None = None
    """IANA zone of the facility, for times that servers sent in UTC; wins over a Location's own zone."""
    public_url: str | None = None
    """Address at which the FHIR server reaches `serve`; Subscriptions are pointed to nothing outside of it."""
    subscription_secret: SecretStr | None = None
    """Bearer token that the FHIR server sends with each notification."""
    timeout: float = Field(60.0, gt=0)
    """Seconds until a request to the server is given up."""
    page_size: int = Field(200, ge=1, le=1000)
    """Resources asked for in one page of a search."""
    concurrency: int = Field(8, ge=1, le=64)
    """Requests to the server under way at once."""
    chunk_size: int = Field(100, ge=1, le=1000)
    """Claims decided together, and so written together."""
    processes: int | None = Field(None, ge=1, le=256)
    """Processes that decide the claims of a folder; by default one for each processor."""
    memory: int = Field(64_000_000, ge=1_000_000)
    """Bytes of a folder's index that each process holds in memory; the rest is on the disk, beside the answers."""
    overlap_seconds: float = Field(300.0, ge=0)
    """How far ``sync --since auto`` looks back behind what it has read: servers index with a delay, clocks differ."""
    ledger: Path = Path("~/.local/state/coaching-adapter/ledger.sqlite")
    """Where OperationOutcomes that a server will not store are kept, and how far each server has been read."""
    audit: str | None = Field(None, min_length=1)
    """Where reads and writes are entered: a file, `server`, or `off`; by default `audit.ndjson` beside the ledger."""
    audit_key: Secret | None = None
    """Key of the hash chain over the audit file, so that nobody can make it anew who can merely write it."""
    audit_max_bytes: int = Field(100_000_000, ge=1_000)
    """Bytes from which on an audit file is put aside and a new one begun."""
    bulk_folder: Path | None = None
    """Where the files of a bulk export lie until they are decided; by default `bulk` beside the ledger."""
    bulk_wait: float = Field(120.0, gt=0)
    """Seconds between two looks at a bulk export that is under way, at most, whatever the server asks for."""
    max_file_bytes: int = Field(DEFAULT.max_file_bytes, ge=1)
    """Bytes of one file that is a JSON document; NDJSON is read line by line, and may be of any size."""
    max_unpacked_bytes: int = Field(DEFAULT.max_unpacked_bytes, ge=1)
    """Bytes that a gzip file of one JSON document may unpack to."""
    max_unpack_ratio: int = Field(DEFAULT.max_unpack_ratio, ge=1)
    """Times its size that a gzip file of more than 10 MB unpacked may hold; JSON packs ten to fifty times."""
    max_json_bytes: int = Field(DEFAULT.max_json_bytes, ge=1)
    """Bytes of one JSON document, or of one line of NDJSON; in memory it takes up to 30 times as much."""
    max_response_bytes: int = Field(DEFAULT.max_response_bytes, ge=1)
    """Bytes of one answer of a server, unpacked."""
    max_depth: int = Field(DEFAULT.max_depth, ge=10, le=DEEPEST)
    """Levels that a resource may be nested; real ones have about ten."""
    max_claim_lines: int = Field(DEFAULT.max_claim_lines, ge=1)
    """Lines of one claim; a paper claim has six, an X12 837 institutional one at most 999."""

    subscription_secrets: dict[SubscriptionName, Secret] = {}
    """For ``serve``: the secret of each Subscription by its name, which is the end of the address it notifies."""
    database_url: SecretStr | None = None
    """Where notifications are kept until they are worked off; by default an SQLite file beside the ledger."""
    node: str = Field("local", pattern=r"^[A-Za-z0-9.-]{1,64}$")
    """Name of this process among several on one PostgreSQL database. What it began, it finishes after a crash; another
    does when it has not been back for half a minute."""
    sweep_seconds: float = Field(300.0, ge=1)
    """From one look at everything that changed to the next, for notifications that never came."""
    grace_seconds: float = Field(15.0, ge=0)
    """For an event to come after one with a higher number, before it counts as missed."""
    max_notification_bytes: int = Field(10_000_000, ge=1)
    """Bytes of one notification, or of one submission."""
    submit_secret: Secret | None = None
    """For ``serve``: the bearer token of those who submit to ``Claim/$submit``; without it the operation is off."""
    max_requests_per_second: float = Field(1000.0, gt=0)
    """For ``serve``: requests let in at each address, in the long run."""
    max_request_burst: int = Field(5000, ge=1)
    """For ``serve``: requests let in at each address at once, after a quiet time."""
    metrics_port: int | None = Field(None, ge=0, le=65535)
    """Port at which a process tells its metrics; 0 takes a free one. ``serve`` tells them at its own address anyway."""
    metrics_host: str = Field("127.0.0.1", min_length=1)
    """Address of that port; one that other machines reach needs ``metrics_token``."""
    metrics_token: Secret | None = None
    """Bearer token of who may read the metrics; without it only this machine may."""
    traces_url: str | None = Field(None, pattern=r"^https?://[^@\s]+$")
    """Where spans are sent, by OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; needs the extra ``otel``."""
    client_certificate_header: str | None = Field(None, pattern=r"^[A-Za-z0-9-]+: *\S(.*\S)?$")
    """For ``serve``: ``Name: value`` of the header in which the proxy says that it verified a client certificate."""

    @property
    def secrets(self) -> dict[str, SecretStr]:
        """The secret of each Subscription by its name; ``all`` is the one of those that ``subscribe`` makes."""
        shared = {"all": self.subscription_secret} if self.subscription_secret else {}
        return shared | dict(self.subscription_secrets)

    @property
    def limits(self) -> Limits:
        """How much of anything is taken in."""
        return Limits(**{each.name: getattr(self, each.name) for each in fields(Limits)})

    @field_validator("audit")
    @classmethod
    def _audit_word(cls, value: str | None) -> str | None:
        return value.lower() if value is not None and value.lower() in AUDIT_WORDS else value

    @field_validator("site_timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ValueError, OSError, ZoneInfoNotFoundError) as error:
                raise ValueError("is no IANA time zone such as America/New_York") from error
        return value


def load_settings() -> Settings:
    """Settings of the environment.

    Raises:
        UsageError: one sentence for each setting that is wrong, without its value.
    """
    for fault in unknown_settings():
        raise UsageError(fault)
    settings = read_settings()
    refuse_contradictions(settings)
    return settings


def unknown_settings() -> list[str]:
    """A sentence for each variable that begins as ours do, and is none of them."""
    names = [*Settings.model_fields, *(f"{name}_file" for name in secret_names(Settings))]
    known = {f"ADAPTER_{name.upper()}" for name in names}
    found = sorted(given_names().keys() - known)
    near = {name: get_close_matches(name, known, 1) for name in found}
    return [f"{name} is no setting" + (f"; do you mean {near[name][0]}?" if near[name] else ".") for name in found]


def read_settings() -> Settings:
    """Settings of the environment, whatever else stands there, and whether or not they go together.

    Raises:
        UsageError: as above.
    """
    try:
        return Settings()
    except SettingsError as error:
        raise UsageError(f"{_name_in(error)} is no JSON object.") from error
    except ValidationError as error:
        faults = [f"{_place(each['loc'])}: {_SIZE.sub(' characters', each['msg'])}" for each in error.errors()]
        raise UsageError("; ".join(faults)) from None  # the cause quotes what was written


def _place(steps: tuple[int | str, ...]) -> str:
    """The setting, and the place in it; of a secret the setting alone, for somebody may write one where a name goes."""
    field = Settings.model_fields.get(str(*steps[:1]))
    shown = steps if field is None or not is_secret(field) else steps[:1]
    return f"ADAPTER_{'.'.join(map(str, shown)).upper()}"


def _name_in(error: SettingsError) -> str:
    """The setting that pydantic could not read as JSON; it says which only in its message."""
    named = (name for name in Settings.model_fields if f'"{name}"' in str(error))
    return next((f"ADAPTER_{name.upper()}" for name in named), "a setting")
