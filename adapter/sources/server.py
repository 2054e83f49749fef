"""Claims and their evidence from a FHIR server, in few requests.

Evidence is gathered for a chunk of claims at a time (``hunt``): what is on file about the patients, then references
level by level, each level one round of searches. What is not there is simply not found: a missing resource is a matter
for the rules, never an error of the source.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from urllib.parse import quote

from adapter.evidence.plan import EvidencePlan
from adapter.evidence.references import Json
from adapter.evidence.store import EvidenceStore, Located
from adapter.limits import DEFAULT, Limits
from adapter.sources.claim_pages import ClaimPages
from adapter.sources.coach_sessions import CoachSessions
from adapter.sources.fhir_client import FhirClient, batched, search_value
from adapter.sources.hunt import MOST_VALUES, Hunt
from adapter.sources.includes import Includes
from adapter.sources.many import Many, Search, together
from adapter.sources.oversize import within_limits
from adapter.sources.paging import Parameters
from adapter.sources.refusals import Refused, Unserved
from adapter.sources.shared import Shared

_UNSUPPORTED = frozenset({400, 404, 405, 501})

ONE_BY_ONE = 4
"""Times as many claims in a chunk without batches: patients come again, and are asked about once (measured: 0.16
requests for each claim in chunks of 100, 0.04 in chunks of 400)."""


class ServerSource:
    """Reads claims and gathers their evidence from the server of the client."""

    def __init__(
        self,
        client: FhirClient,
        plan: EvidencePlan,
        chunk_size: int = 100,
        codes: Sequence[str] = (),
        limits: Limits = DEFAULT,
        *,
        batches: bool = False,
        includes: bool = False,
    ) -> None:
        self.client = client
        self.plan = plan
        self.chunk_size = chunk_size
        self.codes = codes
        """Service codes in scope, by which the other sessions of a coach are found."""
        self.limits = limits
        self.unsupported: dict[str, str] = {}
        """``Type?parameter`` of each evidence search the server does not know, with its answer; not tried again."""
        self.shared = Shared()
        self.unread: list[str] = []
        """What of the claims could not be read, a sentence each."""
        self._many = Many(client, self._alone) if batches else None
        self.includes = Includes(plan.include if includes else {}, client.capabilities, self._one_by_one)
        self.sessions = CoachSessions(codes, self.find_all, self._many)

    async def claims(
        self, *, since: str | None = None, until: str | None = None, ids: Sequence[str] = ()
    ) -> AsyncIterator[list[Located]]:
        """Chunks of claims: the ones named, or all changed at or after ``since`` and before ``until``, oldest first."""
        chunk: list[Located] = []
        async for page in self._pages(since, until, ids):
            for each in page:
                chunk.append(self.located(each))
                if len(chunk) == self.chunk_size:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    def walk(self, since: str | None = None, until: str | None = None) -> ClaimPages:
        """The pages of the claims changed in a window, with how far each page reaches."""
        return ClaimPages(self.client, since, until, self.unread)

    async def changed(self, kind: str, since: str) -> AsyncIterator[Sequence[Json]]:
        """What of a type changed at or after an instant, a page at a time; none is missed when pages shift meanwhile.

        Nothing, and a note of it, when the server does not know the type or the search.

        Raises:
            Unserved: some of it could not be read.
        """
        search = Search(kind, {"_lastUpdated": f"ge{since}"})
        walk = ClaimPages(self.client, since, kind=kind)
        if _name(search) in self.unsupported:
            return
        try:
            async for page in walk.pages():
                yield page.claims
        except Refused as refused:
            if refused.status not in _UNSUPPORTED:
                raise
            async for found in self.find_pages(search):  # it may only not sort
                yield found
        if walk.unread:
            raise Unserved(walk.unread[0])

    async def named(self, ids: Sequence[str]) -> AsyncIterator[list[Json]]:
        """The pages of the claims of these ids."""
        for some in batched(sorted(set(ids)), MOST_VALUES):
            async for page in self.client.search("Claim", {"_id": ",".join(map(search_value, some))}):
                # A lenient server ignores a parameter it does not know, and sends every claim it has.
                yield [each for each in page if each["resourceType"] == "Claim" and each.get("id") in ids]

    async def _pages(self, since: str | None, until: str | None, ids: Sequence[str]) -> AsyncIterator[Sequence[Json]]:
        if ids:
            async for found in self.named(ids):
                yield found
            return
        async for page in self.walk(since, until).pages():
            yield page.claims

    async def gather(self, claims: Sequence[Located], sent: Sequence[Located] = ()) -> EvidenceStore:
        """Everything the plan declares about these claims, and the claims themselves.

        Where they were sent, and not read from the server, ``sent`` is all that came, they among it; it takes the place
        of what the server has under the same type and id.
        """
        store = EvidenceStore(base=self.client.base)
        store.extend(sent or claims)
        await Hunt(self, store, frozenset(each.key for each in sent)).gather(claims)
        return store

    async def last_versions(self, names: Sequence[tuple[str, str]]) -> list[Json]:
        """What deleted resources, each a type and an id, said last, of those of which the server tells it."""
        histories = [Search(f"{kind}/{quote(id, safe='')}/_history", {"_count": "2"}) for kind, id in names]
        pages = [None] * len(names) if self._many is None else await self._many.first(histories)
        asked = [self._last_version(*name, page) for name, page in zip(names, pages, strict=True)]
        return [each for each in await together(asked) if each is not None]

    async def _last_version(self, kind: str, id: str, page: Json | None) -> Json | None:
        if page is None:
            return await self.client.last_version(kind, id)
        return next((each for each in self.client.resources_of(page) if each["resourceType"] == kind), None)

    async def find_all(self, searches: Sequence[Search]) -> list[list[Json]]:
        """Several evidence searches, at the same time and in few requests."""
        if self._many is None:
            return await together([self._alone(each) for each in searches])
        known = [each for each in searches if _name(each) not in self.unsupported]
        found = iter(await self._many.search(known))
        return [[] if _name(each) in self.unsupported and each not in known else next(found) for each in searches]

    def notices(self) -> list[str]:
        """What could not be asked, a sentence each."""
        return [f"the server does not support {name}: {why}" for name, why in self.unsupported.items()]

    async def takes_batches(self) -> bool:
        """Whether many searches cost one request."""
        return self._many is not None and await self._many.offered()

    async def claims_together(self) -> int:
        """Claims whose evidence is gathered at once: more where each search costs a request."""
        return self.chunk_size * (ONE_BY_ONE if await self.includes.matter() else 1)

    async def _one_by_one(self) -> bool:
        return not await self.takes_batches()

    async def _alone(self, search: Search) -> list[Json]:
        return [resource async for page in self.find_pages(search) for resource in page]

    async def find(
        self, kind: str, parameter: str, values: Iterable[str], narrowed: Parameters | None = None
    ) -> list[Json]:
        """One evidence search, ``narrowed`` by further parameters.

        Nothing, and a note of it, when the server does not know type or parameter.
        """
        search = Search(kind, {parameter: ",".join(values), **(narrowed or {})})
        return [resource async for page in self.find_pages(search) for resource in page]

    async def find_pages(self, search: Search) -> AsyncIterator[list[Json]]:
        """As ``find``, a page at a time."""
        name = _name(search)
        if name in self.unsupported:
            return
        try:
            async for page in self.client.search(search.path, search.parameters):
                yield page
        except (Refused, Unserved) as fault:
            if plain := self.includes.without(search):  # what includes spoil may do without them
                async for page in self.find_pages(plain):
                    yield page
                return
            if not isinstance(fault, Refused) or fault.status not in _UNSUPPORTED:
                raise
            self.unsupported[name] = fault.problem

    def located(self, resource: Json) -> Located:
        url = f"{self.client.base}/{resource['resourceType']}/{resource.get('id')}"
        return within_limits(Located(resource, full_url=url), self.limits)


def _name(search: Search) -> str:
    """As in ``unsupported``: the first parameter is what is searched by."""
    return f"{search.path}?{next(iter(search.parameters))}"
