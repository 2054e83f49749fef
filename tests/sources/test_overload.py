"""A server that is only busy is waited for; one that serves nothing of a kind any more is left."""

from __future__ import annotations

import httpx
import pytest
import respx

from adapter.errors import SourceError
from adapter.sources import overload
from adapter.sources.fhir_client import FhirClient
from adapter.sources.overload import LONGEST, LONGEST_PAUSE, Overload
from adapter.sources.patience import Patience
from adapter.sources.refusals import Overloaded, Unserved

BASE = "http://fhir.test/fhir"
WRITE, READ = "a batch", "a search of Claim"
EVERY_MINUTE = [60.0 * number for number in range(int(LONGEST / 60))]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("refused", "served", "now", "lasts"),
    [
        pytest.param([], [], 0, False, id="never"),
        pytest.param([0], [], 1, False, id="once"),
        pytest.param(EVERY_MINUTE, [], LONGEST, False, id="not quite as long"),
        pytest.param([*EVERY_MINUTE, LONGEST], [], LONGEST, True, id="just as long"),
        pytest.param([*EVERY_MINUTE, LONGEST], [(300.0, WRITE)], LONGEST, False, id="one was served in between"),
        pytest.param([*EVERY_MINUTE, LONGEST], [(300.0, READ)], LONGEST, True, id="one of another kind was"),
        pytest.param([*EVERY_MINUTE, LONGEST], [], LONGEST + LONGEST_PAUSE, True, id="a pause"),
        pytest.param([*EVERY_MINUTE, LONGEST], [], LONGEST + LONGEST_PAUSE + 1, False, id="too long ago to tell"),
        pytest.param([0, LONGEST], [], LONGEST, False, id="nobody asked in between"),
    ],
)
def test_how_long_a_server_may_refuse_a_kind_of_request(
    refused: list[float], served: list[tuple[float, str]], now: float, lasts: bool
) -> None:
    time = [0.0]
    told = Overload(lambda: time[0])
    for at, what in sorted([*((each, "") for each in refused), *served]):
        time[0] = at
        if what:
            told.served(what)
        else:
            told.refused(WRITE)
    time[0] = now
    assert (told.lasts(WRITE), told.lasts(READ)) == (lasts, False)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("statuses", "longest", "error", "asked"),
    [
        pytest.param([503, 429, 200], LONGEST, None, 3, id="busy, for a while"),
        pytest.param([503, 503, 503], LONGEST, Unserved, 3, id="busy, as often as it is asked for one claim"),
        pytest.param([503], 0.0, Overloaded, 1, id="busy for too long"),
        pytest.param([502, 504, 200], 0.0, None, 3, id="something else is wrong"),
    ],
)
async def test_which_error_ends_a_run(
    respx_mock: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    statuses: list[int],
    longest: float,
    error: type[SourceError] | None,
    asked: int,
) -> None:
    monkeypatch.setattr(overload, "LONGEST", longest)
    found = {"resourceType": "Claim", "id": "a"}
    route = respx_mock.get(f"{BASE}/Claim/a").mock(side_effect=[httpx.Response(each, json=found) for each in statuses])
    async with FhirClient(BASE, patience=Patience(attempts=3, first_wait=0)) as client:
        if error is None:
            assert await client.read("Claim", "a") == found
        else:
            with pytest.raises(SourceError) as told:
                await client.read("Claim", "a")
            assert type(told.value) is error  # halves are made of what is Unserved, and of nothing else
    assert route.call_count == asked
