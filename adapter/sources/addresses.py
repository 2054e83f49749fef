"""Addresses: the base URL that was given, and those that a server tells, which must not lead elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urljoin

import httpx

from adapter.errors import UsageError
from adapter.sources.origin import Origin, allowed_from
from adapter.sources.refusals import Unserved, shown

_UNCLEAR = re.compile(r"[\\\x00-\x1f\x7f]")
"""What some take for a slash, and others leave out; in a query, FHIR escapes by a backslash."""
_KNOWS_ITSELF = "use the address by which the server knows itself"


def checked_base(base_url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        UsageError: it is none.
    """
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL as error:
        raise UsageError("the FHIR base URL is malformed") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError("the FHIR base URL must begin with http:// or https:// and name a server")
    if url.userinfo:
        raise UsageError(
            f"the FHIR base URL {shown(base_url)} must have no user or password in it, which others on this machine "
            "can see: set ADAPTER_BASIC_USER and ADAPTER_BASIC_PASSWORD"
        )
    if url.query or url.fragment:
        raise UsageError(f"the FHIR base URL {shown(base_url)} must not have a query or fragment")
    return str(url).rstrip("/")


def own_address(base: str, written: object, told: str, further: Collection[Origin] | None = None) -> str:
    """An address that a server told, made absolute; ``told`` says what for: "links to a next page".

    Scheme, host and port must be the server's, or among the ``further`` ones where such may be; the path is its own
    affair, for many keep pages and files beside their base.

    Raises:
        Unserved: none, malformed, with a user in it, or on another server, which would get our token.
    """
    if not isinstance(written, str):
        raise Unserved(f"{shown(base)} {told} without an address")
    if _UNCLEAR.search(written.partition("?")[0]):
        raise Unserved(f"{shown(base)} {told} by a malformed address")
    try:
        address = httpx.URL(urljoin(f"{base}/", written))
        is_ours = address in allowed_from(base, further or ())
    except (httpx.InvalidURL, ValueError) as error:
        raise Unserved(f"{shown(base)} {told} by a malformed address") from error
    if not is_ours:
        raise Unserved(
            f"{shown(base)} {told} on another server, {shown(str(address), path=False)}",
            _KNOWS_ITSELF if further is None else f"{_KNOWS_ITSELF}, or name that one in ADAPTER_ALLOWED_ORIGINS",
        )
    if address.userinfo:
        raise Unserved(f"{shown(base)} {told} by an address with a user in it")
    return str(address)
