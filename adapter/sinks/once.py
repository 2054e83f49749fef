"""Writes that end as one, also on a server that does not declare that it heeds ``If-None-Exist``.

Such a server may pass over the condition. So where no answer told whether a create was carried out, it is looked for
before it is sent again, and what is found counts as written. What a server carries out later still, nobody can prevent.
https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adapter.evidence.references import Json
from adapter.sinks.entries import Entries, Reply
from adapter.sinks.on_server import OnServer
from adapter.sinks.standing import Standing
from adapter.sinks.step import Step
from adapter.sources.fhir_client import FhirClient
from adapter.sources.refusals import Unserved

Find = Callable[[Step, OnServer], Reply | None]
"""What the server would have answered, if what a step writes is there by now."""


class Once:
    """Sends what steps write to one server, as patiently as its client is."""

    def __init__(self, client: FhirClient, standing: Standing, entries: Entries) -> None:
        self._client = client
        self._standing = standing
        self._entries = entries

    async def send(
        self, steps: Sequence[Step], entry: Callable[[Step], Json], find: Find, attempt: int = 1
    ) -> list[Reply]:
        """The reply to the entry of each step.

        Raises:
            SourceError: as ``Entries.send``.
        """
        entries = [entry(each) for each in steps]
        if await self._client.can_repeat(entries):
            return await self._entries.send(entries)
        last = attempt >= self._client.patience.attempts
        replies = await self._tried(entries, last=last)
        unknown = [] if last else [at for at, reply in enumerate(replies) if reply.fault]
        if not unknown:
            return replies
        await self._client.patience.pause(attempt)
        there = await self._standing.look_up(steps[at].identifier for at in unknown)
        for at in unknown:
            replies[at] = find(steps[at], there[steps[at].identifier]) or replies[at]
        due = [at for at in unknown if replies[at].fault]
        again = await self.send([steps[at] for at in due], entry, find, attempt + 1)
        for at, reply in zip(due, again, strict=True):
            replies[at] = reply
        return replies

    async def _tried(self, entries: Sequence[Json], *, last: bool) -> list[Reply]:
        try:
            return await self._entries.send(entries)
        except Unserved as fault:
            if last:
                raise
            return [Reply(fault=str(fault))] * len(entries)
