"""Where a credential may go: to the server it is meant for, over a line that nobody else reads."""

from __future__ import annotations

from ipaddress import ip_address

import httpx

Origin = tuple[str, str, int | None]


def origin(url: httpx.URL) -> Origin:
    """Scheme, host and port; https://www.rfc-editor.org/rfc/rfc6454."""
    return url.scheme, url.host, url.port


def is_loopback(url: httpx.URL) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


def is_private(url: httpx.URL) -> bool:
    """Whether nobody on the way can read what is sent there."""
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url))
