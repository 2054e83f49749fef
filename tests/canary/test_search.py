"""The search finds what is planted, in each kind of place; a canary test that could not fail would prove nothing."""

from __future__ import annotations

import base64
import gzip
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from canary.markers import BIRTH_DATE, ID, NOTE, PHI, assert_silent, columns_with, files_with, log_lines, markers_in

LINE = "2026-01-31T12:00:00.000Z warning waiting.for "


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(f"Ms {PHI.upper()}-Family", {PHI}, id="in capitals"),
        pytest.param(NOTE.encode(), {PHI}, id="bytes"),
        pytest.param(base64.b64encode(NOTE.encode()).decode(), {PHI}, id="an attachment"),
        pytest.param(base64.b64encode(b"x" + NOTE.encode()).decode(), {PHI}, id="an attachment, a byte on"),
        pytest.param(base64.b64encode(b"xx" + NOTE.encode()).decode(), {PHI}, id="an attachment, two bytes on"),
        pytest.param(f"GET /Patient?birthdate={BIRTH_DATE}", {BIRTH_DATE}, id="a birth date in a query"),
        pytest.param(f"\\x{PHI.encode().hex()}", {PHI}, id="as PostgreSQL shows bytes"),
        pytest.param("GET /Patient?birthdate=1901-02-04", set(), id="another day"),
        pytest.param(f"Claim/{ID}", set(), id="an id is searched for by itself"),
    ],
)
def test_a_text(content: str | bytes, found: set[str]) -> None:
    assert markers_in(content) == found


def test_a_file_also_packed_and_in_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "left.ndjson.gz").write_bytes(gzip.compress(NOTE.encode()))
    (tmp_path / f"{PHI}.txt").write_text("nothing")
    (tmp_path / "good.txt").write_text("nothing")
    assert files_with(tmp_path) == {"below/left.ndjson.gz", f"{PHI}.txt"}


def test_a_column_of_a_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.sqlite")) as db:
        db.execute("CREATE TABLE row (name TEXT, content BLOB, number INTEGER)")
        db.execute("INSERT INTO row VALUES ('good', ?, 1)", (NOTE.encode(),))
        db.commit()
    assert columns_with(tmp_path / "x.sqlite") == {"row.content"}


@pytest.mark.parametrize(
    "stderr",
    [
        pytest.param(f"{LINE}text={PHI}", id="a log line"),
        pytest.param(f'{{"timestamp": "2026-01-31", "text": "{BIRTH_DATE}"}}', id="a log line of JSON"),
        pytest.param(f"coaching-adapter: cannot read {PHI}", id="an error"),
        pytest.param(f"Traceback:\n  File \"x.py\"\nKeyError: '{PHI}'", id="a traceback"),
        pytest.param(f"{LINE}claim={ID}", id="the id of a claim in a log line"),
        pytest.param(f"{LINE}what=Claim/{ID}", id="also with its type"),
        pytest.param(f"coaching-adapter: Patient/{ID} is missing", id="the id of a patient"),
    ],
)
def test_stderr(stderr: str) -> None:
    with pytest.raises(AssertionError):
        assert_silent(stderr)


def test_what_is_meant_to_be_on_stderr_passes() -> None:
    assert_silent(f"{LINE}claim=0123456789abcdef\n  Claim/{ID}: internal error, please report it: KeyError at a.py:1")


def test_a_leak_of_todays_logging_would_be_found(capsys: pytest.CaptureFixture[str]) -> None:
    """What a plain handler writes of a record is found; so it is the filter that keeps the canary alive."""
    logger, handler = logging.getLogger("canary.plain"), logging.StreamHandler()
    logger.addHandler(handler)
    logger.warning("could not read %s", NOTE)
    logger.removeHandler(handler)
    assert markers_in(capsys.readouterr().err) == {PHI}
    assert log_lines("plain") == []
