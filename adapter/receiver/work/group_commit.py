"""Notifications that arrive together are stored together: one transaction for all that came while the last one ran.

A single notification is stored at once. Under load a group grows by itself to what arrives during one commit, so that
the disk is asked once a group and each sender still hears of success only after its own notification is safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from adapter.errors import WriteError
from adapter.logs import events
from adapter.notifications.model import Heard

log = events.logger(__name__)

MOST_WAITING = 10_000
"""Notifications that may wait to be stored; a sender beyond it is asked to come again."""


class NotStored(WriteError):
    """A notification could not be made durable; its sender must send it again."""


Store = Callable[[list[str], list[Heard]], None]
"""Makes hints durable, and what was heard of Subscriptions with them; on another thread."""


class _Waiting(NamedTuple):
    hints: Sequence[str]
    heard: Sequence[Heard]
    stored: asyncio.Future[None]


class GroupCommit:
    """Hands groups of hints to ``store``, one group at a time."""

    def __init__(self, store: Store, *, seconds: float = 10.0, most: int = MOST_WAITING) -> None:
        self._store = store
        self._seconds = seconds
        self._most = most
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self.healthy = True
        """Whether the last group was stored."""

    async def commit(self, hints: Sequence[str], heard: Sequence[Heard] = ()) -> None:
        """Return when the hints, and what was heard with them, are durable.

        Raises:
            NotStored: the database refused them, took too long, or too many wait already.
        """
        if len(self._waiting) >= self._most:
            raise NotStored("too many notifications wait to be stored")
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(hints, heard, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(self._seconds):
                await stored
        except TimeoutError:
            self.healthy = False
            raise NotStored(f"the database took longer than {self._seconds:g} s") from None

    async def _write(self) -> None:
        while self._waiting:
            group = [each for each in self._waiting if not each.stored.done()]
            self._waiting = []
            problem = await self._stored(group)
            for each in group:
                if each.stored.done():  # its sender gave up meanwhile
                    continue
                if problem is None:
                    each.stored.set_result(None)
                else:
                    each.stored.set_exception(problem)

    async def _stored(self, group: Sequence[_Waiting]) -> NotStored | None:
        hints = list(dict.fromkeys(chain.from_iterable(each.hints for each in group)))
        try:
            await asyncio.to_thread(self._store, hints, [one for each in group for one in each.heard])
        except Exception as error:  # noqa: BLE001 - whatever the database says, the senders must hear "again"
            self.healthy = False
            log.error("notifications.not_stored", failed=error)
            return NotStored("the database could not be written")
        self.healthy = True
        return None
