"""Sending one request by httpx, so that only its own errors come out."""

from __future__ import annotations

from typing import Any

import httpx


async def sent(http: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
    """The answer, its body still to be read; a redirect is an answer.

    Raises:
        httpx.RequestError: no answer. httpx looks where a redirect leads also when it does not follow it, and trips
            over a host such as ``xn--a-ecp``, which is no name: that is a fault of the server, too.
    """
    try:
        return await http.send(request, stream=True, **options)
    except UnicodeError as error:
        raise httpx.RemoteProtocolError("a redirect to an address that is none", request=request) from error
