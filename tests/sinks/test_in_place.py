"""The files of a run take the places of the old ones, whatever happens between two of them."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname

import pytest

from adapter import processes
from adapter.errors import UsageError
from adapter.processes import is_over, name_of
from adapter.sinks.earlier_files import EarlierAnswers
from adapter.sinks.files import AnswerFiles
from adapter.sinks.in_place import FILES, MARKER, put_in_place, standing
from adapter.sinks.purging import purge_leftovers
from adapter.sync.bulk.handing_over import hand_over

NOBODY = 2**22 + 1
"""A process that cannot be: Linux gives no higher number than 2**22."""
OLD, NEW = ({name: f"{word} {name}" for name in FILES} for word in ("old", "new"))


class Killed(BaseException):
    """Nothing is done after it."""


def holding(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def content(out: Path) -> dict[str, str]:
    return {each.name: each.read_text(encoding="utf-8") for each in out.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return holding(tmp_path / "out", OLD)


def left(out: Path, process: int = NOBODY) -> Path:
    """What a run has on its way to OUT, complete on the disk."""
    return holding(out / f".adapter-{process}@{gethostname()}-abc", NEW)


def stops(monkeypatch: pytest.MonkeyPatch, after: int, with_: BaseException) -> None:
    """The renaming of so many files goes well."""
    replace, done = Path.replace, list[Path]()

    def replacing(path: Path, target: Path) -> Path:
        if len(done) == after:
            raise with_
        done.append(path)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replacing)


def killed(out: Path, monkeypatch: pytest.MonkeyPatch, after: int, process: int = NOBODY) -> Path:
    beside = left(out, process)
    with monkeypatch.context() as broken:
        stops(broken, after, Killed())
        with pytest.raises(Killed):
            put_in_place(beside, out)
    return beside


@pytest.mark.parametrize("after", range(len(FILES)))
def test_killed_between_two_files_the_next_run_puts_the_rest_in_place(
    out: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    killed(out, monkeypatch, after)
    with AnswerFiles(out):  # before it has any answer of its own
        found = {each.name: each.read_text(encoding="utf-8") for each in out.iterdir() if each.is_file()}
        assert found == NEW
    assert content(out) == NEW


@pytest.mark.parametrize("marker", [None, b"", b"ClaimResponse.ndjson\n"], ids=["none", "empty", "cut off"])
def test_killed_before_all_is_complete_the_old_ones_stay(out: Path, marker: bytes | None) -> None:
    beside = left(out)
    if marker is not None:
        (beside / MARKER).write_bytes(marker)
    with AnswerFiles(out):
        pass
    assert content(out) == OLD


def test_of_a_run_that_is_alive_nothing_is_touched(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = killed(out, monkeypatch, 2, os.getppid())
    with AnswerFiles(out):
        pass
    assert {each.name for each in beside.iterdir()} == {*FILES[2:], MARKER}


def test_of_a_run_that_was_killed_since_nothing_stands_over_newer_answers(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AnswerFiles(out) as files:
        killed(out, monkeypatch, 2)
        files.write({"of": "this run"})
    assert "this run" in (out / "summary.json").read_text(encoding="utf-8")
    assert [each.name for each in out.iterdir() if each.is_dir()] == []


@pytest.mark.parametrize(
    ("process", "host"),
    [
        pytest.param(str(os.getppid()), gethostname(), id="its number is in use again"),
        pytest.param(str(NOBODY), "another-machine", id="on another machine"),
    ],
)
def test_what_was_passed_over_never_comes_back_over_newer_answers(
    out: Path, monkeypatch: pytest.MonkeyPatch, process: str, host: str
) -> None:
    beside = killed(out, monkeypatch, 2)
    passed_over = beside.rename(out / f".adapter-{process}@{host}-abc")
    with AnswerFiles(out) as files:
        files.write({"of": "this run"})
    newer = {name: (out / name).read_text(encoding="utf-8") for name in FILES}
    passed_over.rename(beside)  # its number is free again
    with AnswerFiles(out):
        pass
    assert content(out) == newer


def test_a_number_that_is_in_use_again_is_told_by_when_its_process_began(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = killed(out, monkeypatch, 2)
    number, boot, began = name_of(os.getpid()).split(".")
    beside.rename(out / f".adapter-{number}.{boot}.{int(began) - 1}@{gethostname()}-abc")
    with AnswerFiles(out):
        pass
    assert content(out) == NEW


@pytest.mark.parametrize(
    ("name", "over"),
    [
        pytest.param(name_of(os.getpid()), False, id="this process"),
        pytest.param(str(os.getpid()), False, id="its number alone"),
        pytest.param(f"{os.getpid()}.{'0' * 8}.1", True, id="one of another start of the machine"),
        pytest.param(f"{NOBODY}", True, id="nobody's number"),
        pytest.param(f"{NOBODY}.{'0' * 8}.1", True, id="nobody's number, and when it began"),
        pytest.param("", False, id="no number"),
        pytest.param("x.y.z", False, id="something else"),
    ],
)
def test_whether_a_process_is_over(name: str, over: bool) -> None:
    assert is_over(name) is over


def test_where_the_kernel_does_not_tell_the_number_has_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = name_of(os.getpid())
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert name_of(os.getpid()) == str(os.getpid())
    assert not is_over(mine)


def test_a_comparison_reads_what_is_on_its_way(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(out, monkeypatch, 1)
    (out / FILES[0]).write_bytes(b'{"resourceType":"ClaimResponse","id":"in-its-place"}\n')
    waits = standing(out, FILES[1])
    assert waits.parent != out
    waits.write_bytes(b'{"resourceType":"OperationOutcome","id":"on-its-way"}\n')
    with EarlierAnswers(out) as earlier:
        assert len(list(earlier.left())) == 2
        assert earlier.unreadable == 0


def test_purge_puts_in_place_what_it_would_lose(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(out, monkeypatch, 3)
    purge_leftovers(out, datetime(2100, 1, 1, tzinfo=UTC), dry_run=False)
    assert content(out) == NEW


def test_a_hand_over_that_was_killed_is_gone_on_with(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(out, monkeypatch, 3)
    newest = dict.fromkeys(FILES, "newest")
    hand_over(holding(tmp_path / "answers", newest), out)
    assert content(out) == newest


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_way_is_told_before_anything_is_done(out: Path, tmp_path: Path, name: str) -> None:
    (out / name).unlink()
    (out / name).mkdir()
    told = f"{out / name} is a folder, and a file is to stand there. Name another folder with --out."
    for do in (lambda: AnswerFiles(out), lambda: hand_over(holding(tmp_path / "answers", NEW), out)):
        with pytest.raises(UsageError) as problem:
            do()
        assert str(problem.value) == told
    (out / name).rmdir()
    assert content(out) == {each: OLD[each] for each in FILES if each != name}


def test_a_folder_that_comes_in_the_way_meanwhile(out: Path) -> None:
    with AnswerFiles(out) as files:
        (out / FILES[-1]).unlink()
        (out / FILES[-1]).mkdir()
        with pytest.raises(UsageError, match="is a folder"):
            files.write({})
    (out / FILES[-1]).rmdir()
    assert content(out) == {each: OLD[each] for each in FILES[:-1]}


@pytest.mark.parametrize("after", [1, len(FILES) - 1])
def test_where_only_some_can_be_replaced_it_is_said_and_the_next_run_goes_on(
    out: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    with monkeypatch.context() as broken, AnswerFiles(out) as files:
        stops(broken, after, OSError(errno.EPERM, "Operation not permitted"))
        with pytest.raises(UsageError) as told:
            files.write({})
    assert str(told.value) == (
        f"only some files of {out} could be replaced (Operation not permitted). "
        "Mend that, and run it again into the same folder: the others are put in place first."
    )
    (kept,) = (each for each in out.iterdir() if each.is_dir())
    kept.rename(kept.with_name(kept.name.replace(name_of(os.getpid()), str(NOBODY))))  # the process is over
    with AnswerFiles(out):
        pass
    assert all("old" not in each for each in content(out).values())


def test_interrupted_between_two_files_it_ends_what_it_began(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = KeyboardInterrupt()
    replace = Path.replace

    def replacing(path: Path, target: Path) -> Path:
        replace(path, target)
        monkeypatch.setattr(Path, "replace", replace)
        raise interrupted

    monkeypatch.setattr(Path, "replace", replacing)
    with pytest.raises(KeyboardInterrupt), AnswerFiles(out) as files:
        files.write({})
    assert set(content(out)) == set(FILES)
    assert all("old" not in each for each in content(out).values())
