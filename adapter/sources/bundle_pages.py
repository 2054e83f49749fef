"""What stands on one page of a search or a history, and where the next one is; https://hl7.org/fhir/R4/bundle.html."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from adapter.errors import SourceError
from adapter.evidence.references import Json, parse_reference
from adapter.fhir.paths import is_type_name
from adapter.session.time import instant_in
from adapter.sources.addresses import own_address
from adapter.sources.refusals import shown


class Deletion(NamedTuple):
    """Something that was deleted, as the history of its type tells."""

    name: str
    """``Type/id``."""
    told: str | None
    """What tells it from other deletions of the resource; None where nothing does."""
    when: datetime | None
    """By the server's clock; None where it does not say."""


class BundlePages:
    """Reads the pages of one server, which are not trusted further than they are checked."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._shown = shown(base)

    def resources(self, page: Json, kind: str = "") -> Iterator[Json]:
        """What was found; an OperationOutcome only where such are searched for, and it is none about the search."""
        for entry in self.listed(page, "entry"):
            resource = entry.get("resource")
            if resource is None:
                continue
            if not isinstance(resource, dict) or not is_type_name(resource.get("resourceType")):
                raise SourceError(f"{self._shown} sends a Bundle with an entry that holds no FHIR resource")
            about_search = kind != "OperationOutcome" or (entry.get("search") or {}).get("mode") == "outcome"
            if resource["resourceType"] != "OperationOutcome" or not about_search:
                yield resource

    def listed(self, page: Json, name: str) -> list[Json]:
        """The objects of a list that a Bundle may have; anything else in its place must not pass for an empty one."""
        found = page.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise SourceError(f"{self._shown} sends a Bundle whose {name} is no list of objects")
        return found

    def following(self, page: Json) -> str | None:
        """The address of the next page; refused when it leads to another server, which would get our token."""
        following = [link.get("url") for link in self.listed(page, "link") if link.get("relation") == "next"]
        if not following:
            return None
        return own_address(self._base, following[0], "links to a next page")

    def deleted(self, page: Json, kind: str) -> list[Deletion]:
        """What was deleted, by a page of the history of a type."""
        return [gone for entry in self.listed(page, "entry") if (gone := _deletion(entry, kind)) is not None]


def _deletion(entry: Json, kind: str) -> Deletion | None:
    request, response = (each if isinstance(each, dict) else {} for each in map(entry.get, ("request", "response")))
    pointer = parse_reference({"reference": request.get("url")}) if request.get("method") == "DELETE" else None
    if pointer is None or pointer.kind != kind or not pointer.local:
        return None
    told = [str(each) for each in map(response.get, ("lastModified", "etag")) if each]
    return Deletion(pointer.local, " ".join(told) or None, instant_in(str(response.get("lastModified"))))


def page_in(answer: Json) -> Json | None:
    """The page that an entry of a batch was answered by, where it was."""
    page, told = answer.get("resource"), answer.get("response")
    status = told.get("status") if isinstance(told, dict) else None
    fits = isinstance(page, dict) and page.get("resourceType") == "Bundle" and str(status).startswith("200")
    return page if fits else None
