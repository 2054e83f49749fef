"""Pushes at the file reader and at the whole way from a file to its answers, guided by coverage.

    python tests/fuzz/run_atheris.py reading  -max_total_time=300
    python tests/fuzz/run_atheris.py deciding -max_total_time=300 [any other option of libFuzzer]

Needs ``atheris`` beside what the adapter needs; it is no dependency of the tests. What it finds becomes a row of a test
in ``tests/hostile`` or an example in ``test_pushed.py``.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

atheris: Any = import_module("atheris")
with atheris.instrument_imports(include=["adapter"]):
    from fuzz import mutations, targets

import orjson  # noqa: E402 - after the instrumented modules, which it is none of

STORIES = sorted((ROOT / "fixtures" / "stories").glob("*/0_bundle.json"))


def reading(data: bytes) -> None:
    """The first byte says what the file is called, the second whether it is packed properly or as it comes."""
    if len(data) > 2:
        name = targets.FILES[data[0] % len(targets.FILES)]
        content = targets.packed(data[2:], name) if data[1] % 2 else data[2:]
        targets.check_reading(content, name)


def deciding(data: bytes) -> None:
    targets.check_deciding(data, lenient=len(data) % 2 == 0)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Mostly a change to the FHIR that the bytes spell, sometimes to the bytes."""
    random = Random(seed)
    start = data.find(b"{")
    try:
        changed = orjson.dumps(mutations.mutated(orjson.loads(data[start:]), seed))
    except (orjson.JSONDecodeError, TypeError):  # no JSON, or by now too deep to be written
        changed = b""
    if not changed or random.random() < 0.2:
        return bytes(atheris.Mutate(data, most))
    return (data[: max(start, 0)] + changed)[:most]


def seeds(folder: Path, prefixes: list[bytes]) -> None:
    """The stories, as the fuzzer's first inputs."""
    for story in STORIES:
        content = orjson.dumps(orjson.loads(story.read_bytes()))
        for number, prefix in enumerate(prefixes):
            (folder / f"{story.parent.name}-{number}").write_bytes(prefix + content)


def main() -> None:
    target, options = sys.argv[1], sys.argv[2:]
    run, prefixes = {
        "reading": (reading, [bytes([name, packed]) for name in range(4) for packed in (0, 1)]),
        "deciding": (deciding, [b""]),
    }[target]
    with tempfile.TemporaryDirectory() as corpus:
        seeds(Path(corpus), prefixes)
        arguments = [sys.argv[0], "-max_len=100000", "-timeout=30", "-rss_limit_mb=2000", *options, corpus]
        atheris.Setup(arguments, run, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
