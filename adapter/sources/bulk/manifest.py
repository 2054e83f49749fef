"""The manifest of a finished export; https://hl7.org/fhir/uv/bulkdata/export.html#response---complete-status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from adapter.errors import SourceError
from adapter.fhir.paths import is_type_name

Role = Literal["output", "deleted", "error"]
BUNDLE, OUTCOME = "Bundle", "OperationOutcome"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Output(_Part):
    """One file of resources of one type; ``count`` is how many it holds, where the server tells."""

    type: str
    url: str
    count: int | None = Field(None, ge=0)

    @field_validator("type")
    @classmethod
    def _a_type(cls, value: str) -> str:
        if not is_type_name(value):  # it becomes part of a file's name
            raise ValueError("not the name of a resource type")
        return value


class Link(_Part):
    relation: str
    url: str


class Manifest(_Part):
    """One page of it. Servers of an early version leave out ``error``."""

    transaction_time: AwareDatetime = Field(alias="transactionTime")
    """The server's clock when it looked: everything up to this instant is in the files."""
    requires_access_token: bool = Field(alias="requiresAccessToken")
    output: tuple[Output, ...]
    deleted: tuple[Output, ...] | None = None
    """Files of Bundles that say what was deleted; None when the server says nothing of deletions."""
    error: tuple[Output, ...] = ()
    link: tuple[Link, ...] = ()

    @property
    def next(self) -> str | None:
        """The address of the next page."""
        return next((each.url for each in self.link if each.relation == "next"), None)

    def files(self) -> Iterator[File]:
        """Every file of this page."""
        listed: tuple[tuple[Role, str | None, tuple[Output, ...]], ...] = (
            ("output", None, self.output),
            ("deleted", BUNDLE, self.deleted or ()),
            ("error", OUTCOME, self.error),
        )
        for role, kind, files in listed:
            for each in files:
                yield File(
                    role=role,
                    type=kind or each.type,
                    url=each.url,
                    count=each.count,
                    authorized=self.requires_access_token,
                )


class File(_Part):
    """One file to fetch: what it is for, what it holds, and whether it is fetched with our credentials."""

    role: Role
    type: str
    url: str
    count: int | None = None
    authorized: bool = True


def parse_manifest(response: httpx.Response, server: str) -> Manifest:
    """Read one page of a manifest.

    Raises:
        SourceError: it is none; the elements at fault are named, never what stands in them.
    """
    try:
        return Manifest.model_validate_json(response.content)
    except ValidationError as error:
        places = (".".join(map(str, each["loc"])) or "not JSON" for each in error.errors(include_input=False))
        faults = ", ".join(dict.fromkeys(places))
        raise SourceError(f"{server} ended its export with a manifest that is none ({faults})") from error
