"""Where requests may go: to the server they are meant for, and to what the operator named beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

import httpx

Origin = tuple[str, str, int | None]
_HOST = re.compile(r"[a-z0-9.:-]+")


def origin(url: httpx.URL) -> Origin:
    """Scheme, host and port, as a connection is made to them; https://www.rfc-editor.org/rfc/rfc6454.

    The host is in lower case and ASCII (xn--...), an IPv6 address in its short form, a default port left out. A dot at
    its end makes it another host: it is another name to TLS.
    """
    host = url.raw_host.decode("ascii")
    return url.scheme, str(ip_address(host)) if ":" in host else host, url.port


@dataclass(frozen=True, slots=True)
class Allowed:
    """The origins that requests may go to. Credentials go to the first only."""

    home: Origin
    """The configured server."""
    further: frozenset[Origin] = frozenset()
    """Those of ``ADAPTER_ALLOWED_ORIGINS``: for files of a bulk export, and for requests for a token."""

    def is_home(self, url: httpx.URL) -> bool:
        return origin(url) == self.home

    def __contains__(self, url: httpx.URL) -> bool:
        found = origin(url)
        return found == self.home or found in self.further


def allowed_from(base: str, further: Iterable[Origin] = ()) -> Allowed:
    """The server of a base URL, and those named beside it."""
    return Allowed(origin(httpx.URL(base)), frozenset(further))


def written_origins(written: str) -> frozenset[Origin]:
    """Origins as a setting has them: ``https://files.example.org``, several separated by blanks.

    Raises:
        ValueError: one is none, or is read by others on the way.
    """
    return frozenset(map(_written_origin, written.split()))


def _written_origin(written: str) -> Origin:
    try:
        url = httpx.URL(written)
        found = origin(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError("holds a malformed address") from error
    if url.userinfo or url.query or url.fragment or url.path != "/" or not _HOST.fullmatch(found[1]):
        raise ValueError("holds more or less than scheme, host and port, as in https://files.example.org:8443")
    if not is_private(url):
        raise ValueError("holds an address that is not https")
    return found


def is_loopback(url: httpx.URL) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


def is_private(url: httpx.URL) -> bool:
    """Whether nobody on the way can read what is sent there."""
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url))
