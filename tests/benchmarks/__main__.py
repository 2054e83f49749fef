"""All figures of ``sync`` in one command: of a folder, then on a real HAPI; see README.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import folder, server_sync
from benchmarks.processes import end_in_order


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--ours", type=Path, help="folder of NDJSON in which all claims are ours")
    parser.add_argument("--mixed", type=Path, help="folder of NDJSON in which most are not")
    parser.add_argument("--server", type=Path, help="NDJSON files to load into HAPI")
    parser.add_argument("--rounds", type=int, default=1, help="beside the first, which does not count")
    parser.add_argument("--memory", type=int, nargs="*", default=(), metavar="CLAIMS", help="peaks of made folders")
    chosen = parser.parse_args(arguments)
    rounds, paths = ["--rounds", str(chosen.rounds)], {"--ours": chosen.ours, "--mixed": chosen.mixed}
    named = [text for name, path in paths.items() if path for text in (name, str(path))]
    memory = ["--memory", *map(str, chosen.memory)] if chosen.memory else []
    folder.main([*rounds, *named, *memory])
    server_sync.main([*rounds, *(["--folder", str(chosen.server)] if chosen.server else [])])


if __name__ == "__main__":
    end_in_order()
    main(sys.argv[1:])
