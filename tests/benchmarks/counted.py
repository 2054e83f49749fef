"""``python -m benchmarks.counted sync ...``: the command itself; its last line on stderr is the number of requests."""

from __future__ import annotations

import sys
from typing import Any

import httpx

from adapter.cli.main import app

requests = 0
_send = httpx.AsyncClient.send


async def counted(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
    """Send it, and count it."""
    global requests  # noqa: PLW0603 - one process, one number
    requests += 1
    return await _send(client, request, **options)


if __name__ == "__main__":
    httpx.AsyncClient.send = counted  # type: ignore[method-assign,assignment] # nothing of the adapter is changed for the count
    code = 0
    try:
        app(sys.argv[1:])
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stderr.write(f"{requests}\n")
    sys.exit(code)
