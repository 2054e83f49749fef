"""``sync`` over a folder against the least that could be done with the same lines, in one run: see README.md."""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from benchmarks.latency import Json, copies
from benchmarks.processes import ROOT
from benchmarks.ratio import Row
from fhir.resources.R4B import get_fhir_model_class
from rich.console import Console
from rich.table import Table

from adapter.bootstrap import build
from adapter.reconcile.adjudicator import Adjudicator
from adapter.settings import Settings
from adapter.sync.files import Order, Way, sync_files

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOT_OURS = 19
"""Claims of others for each of ours: 95 in a hundred."""
LARGE, FLAT = 100_000, 1.2
"""From so many claims on memory is to stay within so much of what it was with them."""
VALIDATED = ("Claim", "Encounter", "Procedure")
Clock = Callable[[], float]


@dataclass(frozen=True)
class Peak:
    """The most memory that a run over a folder of so many claims held at once, in MB."""

    claims: int
    megabytes: int


# --- folders


def make_folder(folder: Path, claims: int, others: int) -> None:
    """So many of our claims with their evidence, and for each that many of others; a file for each type.

    The visits of others have another service on claim, Encounter and Procedure, and the same patient.
    """
    files = {}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for copy in (each for start in range(0, claims, 100) for each in copies(start, min(100, claims - start))):
            for each in [*copy, *(other for number in range(others) for other in _of_others(copy, number))]:
                kind = each["resourceType"]
                if kind not in files:
                    files[kind] = (folder / f"{kind}.ndjson").open("wb")
                files[kind].write(orjson.dumps(each) + b"\n")
    finally:
        for file in files.values():
            file.close()


def _of_others(copy: Sequence[Json], number: int) -> Iterator[Json]:
    for each in copy:
        if each["resourceType"] in VALIDATED:
            text = orjson.dumps(each).decode().replace("0592T", "99213").replace("0591T", "99214")
            for other in copy:
                if other["resourceType"] in VALIDATED:
                    text = text.replace(f'{other["id"]}"', f'{other["id"]}-{number}"')
            yield orjson.loads(text)


# --- what is measured


def lines_of(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.glob("*.ndjson")):
        with path.open("rb") as lines:
            yield from lines


def read_all(folder: Path) -> None:
    for line in lines_of(folder):
        orjson.loads(line)


def read_and_write_all(folder: Path) -> None:
    for line in lines_of(folder):
        orjson.dumps(orjson.loads(line))


def validate(folder: Path) -> Callable[[Path], None]:
    """Only the validation: reading does not count."""
    found = [
        (kind, orjson.loads(line))
        for kind in VALIDATED
        for line in (folder / f"{kind}.ndjson").read_bytes().splitlines()
    ]
    models = {kind: get_fhir_model_class(kind) for kind in VALIDATED}

    def run(_folder: Path) -> None:
        for kind, each in found:
            models[kind].model_validate(each)

    return run


def synced(adjudicator: Adjudicator, processes: int = 1) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as out:
            sync_files(Order(folder, Path(out), NOW), adjudicator, lambda *_: None, Way(processes))

    return run


def timed(what: Callable[[Path], None], folder: Path, clock: Clock = time.process_time) -> float:
    gc.collect()
    begun = clock()
    what(folder)
    return clock() - begun


def row(
    names: tuple[str, str, str], ours: Callable[[Path], None], theirs: Callable[[Path], None], folder: Path, rounds: int
) -> Row:
    """Seconds of one processor; they take turns, and the first round does not count."""
    times = [(timed(ours, folder), timed(theirs, folder)) for _ in range(rounds + 1)][1:]
    return Row(*names, [one for one, _ in times], [other for _, other in times])


def measure(ours: Path, mixed: Path, rounds: int) -> list[Row]:
    validating = build(Settings.model_construct())
    trusting = replace(validating, trust_structure=True)
    both = [
        (timed(synced(validating, 1), ours, time.perf_counter), timed(synced(validating, 2), ours, time.perf_counter))
        for _ in range(rounds + 1)
    ][1:]
    return [
        row(("95 % not ours, trusted", "orjson.loads", "<= 1.5"), synced(trusting), read_all, mixed, rounds),
        row(("95 % not ours", "orjson.loads", "<= 3"), synced(validating), read_all, mixed, rounds),
        row(("all ours", "model_validate", "<= 1.6"), synced(validating), validate(ours), ours, rounds),
        row(("all ours, trusted", "loads and dumps", "<= 8"), synced(trusting), read_and_write_all, ours, rounds),
        Row("one process", "two processes", ">= 1.7", [one for one, _ in both], [two for _, two in both]),
    ]


def peak(claims: int) -> Peak:
    """In a process of its own, over a folder made for it: one claim in twenty is ours."""
    with tempfile.TemporaryDirectory() as folder:
        make_folder(Path(folder), claims // (NOT_OURS + 1), NOT_OURS)
        return Peak(claims, peak_over(Path(folder)))


def peak_over(folder: Path) -> int:
    command = [sys.executable, "-m", "benchmarks.folder", "--alone", str(folder)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests' / 'servers'}"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


def alone(folder: Path) -> int:
    """The most memory of this process, in MB; by /proc, for ``ru_maxrss`` begins with what the parent had."""
    synced(build(Settings.model_construct()))(folder)
    told = (line.split() for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return next(int(words[1]) // 1024 for words in told if words[0] == "VmHWM:")


def table(rows: Sequence[Row]) -> Table:
    found = Table("what", "floor", "seconds", "floor's", "ratio", "aim", "met", title="sync of a folder")
    for each in rows:
        told = each.figures()
        found.add_row(
            *(each.what, each.floor, str(told["seconds"]), str(told["floor_seconds"]), str(told["ratio"]), each.aim),
            "yes" if each.met else "no",
        )
    return found


def table_of_memory(peaks: Sequence[Peak]) -> Table:
    """Each peak beside that of the first folder that is large."""
    found = Table("claims in the folder", "MB at most", "ratio", "aim", "met", title="memory")
    first = next((each for each in peaks if each.claims >= LARGE), None)
    for each in peaks:
        ratio = each.megabytes / first.megabytes if first and each.claims > first.claims else None
        verdict = () if ratio is None else (f"{ratio:.2f}", f"<= {FLAT}", "yes" if ratio <= FLAT else "no")
        found.add_row(f"{each.claims:,}", str(each.megabytes), *verdict)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", type=Path, help="folder of NDJSON in which all claims are ours")
    parser.add_argument("--mixed", type=Path, help="folder of NDJSON in which most are not")
    parser.add_argument("--claims", type=int, default=400, help="of ours, where a folder is made")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=(), metavar="CLAIMS", help="peaks of made folders")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args(arguments)
    if told.alone:
        sys.stdout.write(f"{alone(told.alone)}\n")
        return
    with tempfile.TemporaryDirectory() as made:
        ours, mixed = told.ours or Path(made) / "ours", told.mixed or Path(made) / "mixed"
        if told.ours is None:
            make_folder(ours, told.claims, 0)
        if told.mixed is None:
            make_folder(mixed, max(told.claims // 4, 1), NOT_OURS)
        rows = measure(ours, mixed, told.rounds)
    peaks = [peak(each) for each in told.memory]
    if told.format == "json":
        figures = {"rows": [each.figures() for each in rows], "peaks": [vars(each) for each in peaks]}
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return
    Console().print(table(rows))
    if peaks:
        Console().print(table_of_memory(peaks))


if __name__ == "__main__":
    main()
