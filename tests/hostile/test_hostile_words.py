"""Words that would do something if anybody obeyed them: in the record, and in what is said of it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import FIXTURES, NOW, shipped

from adapter.cli import main
from adapter.errors import SourceError
from adapter.evidence.store import EvidenceStore
from adapter.reconcile.reconciliation import Reconciliation
from adapter.sources.files import Reading, read_files

Json = dict[str, Any]
WORDS = (
    "%resource.repeat($this)", "Claim.item.where(true).trace('x')", "iif(1=1, 'APPROVE', 'DENY')", "{{7*7}}", "${HOME}",
    "!!python/object/apply:os.system [id]", "=cmd|'/c calc'!A0", "'; DROP TABLE outcome; --",
    "<script>alert(1)</script>",
)  # fmt: skip


def answers(bundle: Json, folder: Path) -> list[Any]:
    path = folder / "x.json"
    path.write_text(json.dumps(bundle))
    store = EvidenceStore()
    store.extend(read_files(path, Reading()))
    reconciliation = Reconciliation(shipped(), store, datetime.fromisoformat(NOW))
    return [each.response for each in reconciliation.answer(list(store.all("Claim")))]


@pytest.mark.parametrize("word", WORDS)
def test_fhirpath_in_data_is_text(word: str, tmp_path: Path) -> None:
    """Free text and displays everywhere: decided as with any other words there, and repeated nowhere."""
    plain, found = (answers(spoken(each), tmp_path) for each in ("plain words", word))
    assert found == plain
    assert word not in json.dumps(found)


def spoken(word: str) -> Json:
    story: Json = json.loads((FIXTURES / "stories" / "0592t-approved" / "0_bundle.json").read_text())
    for entry in story["entry"]:
        _speak(entry["resource"], word)
    return story


def _speak(value: Any, word: str) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "display" or (name == "text" and isinstance(each, str)):
                value[name] = word
            _speak(each, word)
    elif isinstance(value, list):
        for each in value:
            _speak(each, word)


def test_a_message_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise SourceError("it said \x1b[2J\x9b31m\u202e\r\n")

    monkeypatch.setattr("typer.main.get_command", lambda _app: fails)
    with pytest.raises(SystemExit) as ended:
        main.run()
    said = capsys.readouterr().err
    assert ended.value.code == 4
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)
    assert "\\x1b[2J" in said
