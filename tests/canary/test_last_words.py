"""Whatever nobody catches, and whatever a library says, comes out as a class, a line of code and no value."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import stamina
from canary.markers import BIRTH_DATE, ID, NOTE, PHI, assert_silent, markers_in
from sqlalchemy.exc import OperationalError

from adapter.errors import SourceError
from adapter.logs import events
from adapter.logs.digest import LENGTH, Digests
from adapter.logs.keys import WITHHELD, only_listed
from adapter.logs.output import SafeFormatter
from adapter.logs.settings import LogFormat, LogLevel, LogSettings
from adapter.logs.setup import begin, configure, follow
from adapter.receiver.work.group_commit import GroupCommit, NotStored

log = events.logger(__name__)
QUOTED = f"{NOTE} {BIRTH_DATE} {ID}"


@pytest.fixture(autouse=True)
def at_debug(logging_as_before: None) -> None:
    begin()
    configure(LogFormat.CONSOLE, LogLevel.DEBUG)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    def read() -> str:
        stderr = capsys.readouterr().err
        assert_silent(stderr)
        return stderr

    return read


def an_error() -> KeyError:
    try:
        try:
            raise ValueError(QUOTED)
        except ValueError as error:
            raise KeyError(QUOTED) from error
    except KeyError as error:
        return error


def database_error() -> OperationalError:
    return OperationalError("INSERT INTO x VALUES (?)", {"name": QUOTED}, OSError(QUOTED))


# --- what nobody catches


def test_a_crash(said: Callable[[], str]) -> None:
    error = an_error()
    sys.excepthook(KeyError, error, error.__traceback__)
    told = said()
    assert "process.crashed failed=KeyError" in told
    assert "KeyError at test_last_words.py:" in told
    assert "from ValueError at test_last_words.py:" in told


def test_a_thread(said: Callable[[], str]) -> None:
    def fall() -> None:
        raise an_error()

    thread = threading.Thread(target=fall, name=PHI)
    thread.start()
    thread.join()
    assert "thread.crashed failed=KeyError" in said()


def test_a_destructor(said: Callable[[], str]) -> None:
    hooked = SimpleNamespace(exc_type=KeyError, exc_value=an_error(), err_msg=QUOTED, object=QUOTED)
    sys.unraisablehook(hooked)
    assert "destructor.failed failed=KeyError" in said()


def test_an_event_loop(said: Callable[[], str]) -> None:
    async def fall() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(_raise, an_error())
        loop.call_exception_handler({"message": QUOTED, "exception": an_error(), "future": QUOTED})
        await asyncio.sleep(0)

    asyncio.run(fall(), debug=False)
    assert said().count("at=base_events.py:") == 2


def _raise(error: Exception) -> None:
    raise error


def test_a_warning(said: Callable[[], str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        begin()  # catch_warnings puts the old way to show them back
        warnings.warn(QUOTED, UserWarning, stacklevel=1)
    told = said()
    assert all(each in told for each in ("python.warning", "at=test_last_words.py:", "category=UserWarning"))


async def _refused(store: Callable[..., None]) -> None:
    with pytest.raises(NotStored):
        await GroupCommit(store).commit([f"Claim/{ID}"])


def test_a_database_that_quotes_what_it_was_given(said: Callable[[], str]) -> None:
    def store(*_: object) -> None:
        raise database_error()

    asyncio.run(_refused(store))
    assert "notifications.not_stored failed=OperationalError" in said()


# --- what libraries say

LIBRARIES = [
    "dbos",
    "sqlalchemy.engine.Engine",
    "uvicorn.error",
    "uvicorn.access",
    "httpx",
    "httpcore.http11",
    "asyncio",
]


@pytest.mark.parametrize("name", [*LIBRARIES, "stamina", "any.other"])
@pytest.mark.parametrize("form", LogFormat)
def test_a_library(said: Callable[[], str], name: str, form: LogFormat) -> None:
    configure(form, LogLevel.DEBUG)
    logger = logging.getLogger(name)
    with_level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.debug("a literal, and %s", QUOTED)
    logger.info(f"put together: {QUOTED}")
    logger.warning(an_error())
    logger.error("%s: %s", QUOTED, an_error())
    logger.error(f"{QUOTED}", exc_info=an_error(), extra={"claim": QUOTED, "event": QUOTED})
    logger.setLevel(with_level)
    told = said()
    assert len(told.splitlines()) == 5
    assert all(f"logger={name}" in line or f'"logger": "{name}"' in line for line in told.splitlines())
    assert told.count("a literal, and %s") == 1
    assert told.count("KeyError at test_last_words.py") == 2


def test_a_library_that_brought_a_handler_of_its_own(said: Callable[[], str]) -> None:
    """As uvicorn does by default: from the start on all goes one way."""
    logger = logging.getLogger("canary.own")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    logger.propagate = False
    begin()
    logger.error("said %s", QUOTED)
    assert 'text="said %s"' in said()


def test_a_literal_is_only_a_literal_of_its_own_file(tmp_path: Path) -> None:
    """The same words from a file in which they do not stand may be anybody's."""
    here = logging.LogRecord("x", logging.ERROR, __file__, 1, "only a literal of its own file", None, None)
    there = logging.LogRecord(
        "x", logging.ERROR, str(tmp_path / "no.py"), 1, "only a literal of its own file", None, None
    )
    form = SafeFormatter(LogFormat.CONSOLE).format
    assert ("only a literal" in form(here), "only a literal" in form(there)) == (True, False)


def test_a_retry_says_nothing_of_the_call() -> None:
    import adapter.sources.patience

    assert adapter.sources.patience
    assert stamina.instrumentation.get_on_retry_hooks() == ()


def test_a_handler_that_fails_prints_no_arguments(said: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(*_: object) -> str:
        raise ValueError(QUOTED)

    monkeypatch.setattr(SafeFormatter, "format", fall)
    logging.getLogger("x").error("said %s", QUOTED)
    assert said() == f"a log line of test_last_words.py:{_line_of('said %s')} is lost: ValueError\n"


def _line_of(text: str) -> int:
    """Of the last call with this text."""
    lines = Path(__file__).read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if f'error("{text}"' in line][-1]


# --- what we say


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param({"name": "Jane"}, {}, id="a key that is not listed"),
        pytest.param({"count": 3}, {"count": 3}, id="a number"),
        pytest.param({"count": QUOTED}, {"count": WITHHELD}, id="a sentence where a number belongs"),
        pytest.param({"claim": ID}, {"claim": WITHHELD}, id="an id where a digest belongs"),
        pytest.param({"claim": "0" * LENGTH}, {"claim": "0" * LENGTH}, id="a digest"),
        pytest.param({"claim": "0" * (LENGTH + 1)}, {"claim": WITHHELD}, id="a digest and a digit"),
        pytest.param({"failed": KeyError("Jane")}, {"failed": WITHHELD}, id="an object"),
        pytest.param({"status": "active"}, {"status": "active"}, id="a status"),
        pytest.param({"status": "jane"}, {"status": WITHHELD}, id="a status that is a name"),
    ],
)
def test_the_allow_list(given: dict[str, object], kept: dict[str, object]) -> None:
    assert only_listed(given) == kept


def test_ids_become_digests_whoever_listens(said: Callable[[], str], caplog: pytest.LogCaptureFixture) -> None:
    """Other handlers get no more than ours."""
    log.warning(
        "claim.test", claim=ID, patient=f"http://fhir.test/Patient/{ID}/_history/2", changed=f"Claim/{ID}", x=PHI
    )
    assert markers_in(caplog.text, [ID, PHI]) == set()
    digests = events.digests()
    told = said()
    for each in (digests.of_claim(ID), digests.of_patient(ID), f"Claim/{digests.of(f'Claim/{ID}')}"):
        assert each in told


def test_an_error_is_its_class_unless_it_promises_to_quote_nothing(said: Callable[[], str]) -> None:
    log.error("a.test", failed=an_error())
    log.error("a.test", failed=SourceError("http://fhir.test answered 503"))
    first, second = said().splitlines()
    assert "reason" not in first
    assert 'reason="http://fhir.test answered 503"' in second


@pytest.mark.parametrize(("key", "times"), [(None, 1), ("0123456789abcdef", 0)])
def test_that_digests_will_not_last_is_said_once(said: Callable[[], str], key: str | None, times: int) -> None:
    follow(LogSettings(digest_key=key, log_level=LogLevel.WARNING))
    for _ in range(3):
        log.warning("a.test", claim=ID)
    log.info("a.quiet_one", claim=ID)
    assert said().count("digest.key_is_random") == times


def test_a_digest_is_of_its_key_and_of_one_form_of_the_name() -> None:
    one, other = Digests(b"0123456789abcdef"), Digests(b"0123456789abcdeg")
    forms = ("17", "Claim/17", "http://fhir.test/Claim/17", "Claim/17/_history/3")
    assert len({one.of_claim(each) for each in forms}) == 1
    assert len({one.of_claim("17"), other.of_claim("17"), one.of_patient("17"), one.of_claim("18")}) == 4
    assert one.of_change("Claim/17") == f"Claim/{one.of_claim('17')}"
    assert one.of_change("Patient") == "Patient"
