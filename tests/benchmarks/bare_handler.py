"""What ``serve`` is compared with: a handler that commits one row for each request and does nothing else.

It commits on the event loop, over one connection that stays open: of all the ways to do it in Python, the quickest.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(file: Path) -> Starlette:
    database = sqlite3.connect(file, isolation_level=None)  # each statement is a transaction
    database.execute("PRAGMA journal_mode = WAL")  # as the inbox; both leave ``synchronous`` at its default
    database.execute("CREATE TABLE notification (id INTEGER PRIMARY KEY, path TEXT NOT NULL, body BLOB NOT NULL)")

    async def taken(request: Request) -> Response:
        row = (request.url.path, await request.body())
        database.execute("INSERT INTO notification (path, body) VALUES (?, ?)", row)
        return Response(status_code=204)

    async def live(_request: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/live", live), Route("/{path:path}", taken, methods=["POST", "PUT"])])


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[1])),
        port=int(sys.argv[2]),
        log_level="error",
        access_log=False,
        server_header=False,
    )
