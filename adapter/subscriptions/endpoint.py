"""The address that notifications go to: ours, or none. Whoever holds it is told what changes on the server."""

from __future__ import annotations

import httpx

from adapter.errors import UsageError

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def checked_endpoint(endpoint: str | None, public_url: str | None) -> str:
    """The endpoint without a slash at its end; the public address itself when none is named.

    Raises:
        UsageError: no public address is set, or the endpoint is not below it.
    """
    if public_url is None:
        raise UsageError("ADAPTER_PUBLIC_URL is not set; it is the address at which the server reaches `serve`.")
    ours = _address(public_url, "ADAPTER_PUBLIC_URL")
    if endpoint is None:
        return _written(ours)
    wanted = _address(endpoint, "--endpoint")
    if not is_below(_written(wanted), _written(ours)):
        raise UsageError("--endpoint is no address of ours: it must begin with ADAPTER_PUBLIC_URL.")
    return _written(wanted)


def is_below(endpoint: str, base: str) -> bool:
    """Whether an endpoint as it was written is the base, or a path below it."""
    return endpoint.rstrip("/") == base or endpoint.startswith(f"{base}/")


def is_open(endpoint: str) -> bool:
    """Whether others on the way can read what is sent there."""
    url = httpx.URL(endpoint)
    return url.scheme == "http" and url.host not in LOCAL


def _address(written: str, what: str) -> httpx.URL:
    try:
        url = httpx.URL(written.strip())
    except httpx.InvalidURL as error:
        raise UsageError(f"{what} is malformed.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"{what} must begin with http:// or https:// and name a host.")
    if url.userinfo or url.query or url.fragment:
        raise UsageError(f"{what} must have no user, query or fragment; others can read a Subscription.")
    if {".", ".."} & set(url.path.split("/")):
        raise UsageError(f"{what} must not climb by . or ..")
    return url


def _written(url: httpx.URL) -> str:
    return str(url).rstrip("/")
