"""The proof of ``coaching-adapter serve``: killed again and again under load, it ends in one right answer a claim."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from crash.nodes import fleet
from crash.postgres import postgres_missing, running_postgres
from crash.proof import Figures, Plan, Tell, prove
from crash.worlds import WORLDS
from hapi_server import java_missing

EXAMPLES = """examples, from the root of the repository:
  export PYTHONPATH=tests:tests/servers
  .venv/bin/python -m crash.run --hapi-stops 1 --outage 70
  .venv/bin/python -m crash.run --database postgresql --nodes 2 --hapi-stops 1 --outage 70
  .venv/bin/python -m crash.run --server small --claims 50 --kills 3

Exit code: 0 every claim has its one right answer and nothing is left to do; 1 it is not so; 2 something is missing."""


def main() -> int:
    arguments = _parser().parse_args()
    if missing := _missing(arguments):
        print(missing, file=sys.stderr)
        return 2
    figures = _run(arguments)
    print(json.dumps(figures.as_json(), indent=2))
    return 1 if figures.faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crash.run", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--server", choices=sorted(WORLDS), default="hapi", help="FHIR server: HAPI, or a small one in this process")
    add("--database", choices=["sqlite", "postgresql"], default="sqlite", help="where notifications are kept")
    add("--nodes", type=int, default=1, help="processes of serve; more than one needs postgresql (default 1)")
    add("--claims", type=int, default=500, help="claims, each with its evidence (default 500)")
    add("--kills", type=int, default=10, help="kill -9 of a node at a random instant (default 10)")
    add("--hapi-stops", type=int, default=0, help="how often the FHIR server is stopped for a while (default 0)")
    add("--database-stops", type=int, default=0, help="how often PostgreSQL is stopped for a while (default 0)")
    add("--lost-nodes", type=int, default=0, help="nodes that die for good, the last of all harm (default 0)")
    add("--stop-seconds", type=float, default=5.0, help="how long it stays stopped, its start not counted (default 5)")
    add("--outage", type=float, default=0.0, help="seconds that all nodes stay dead once; HAPI gives up after 60")
    add("--payload", choices=["full-resource", "empty"], default="full-resource", help="what a notification carries")
    add("--patience", type=float, default=300.0, help="seconds to come to rest after the last write (default 300)")
    add("--seed", type=int, default=1, help="of everything that is random (default 1)")
    add("--keep", action="store_true", help="keep the folder with the logs of the nodes, and name it")
    return parser


def _missing(arguments: argparse.Namespace) -> str | None:
    if arguments.nodes > 1 and arguments.database != "postgresql":
        return "Several nodes need a database that they can share: --database postgresql"
    if arguments.database_stops and arguments.database != "postgresql":
        return "--database-stops is about --database postgresql"
    if arguments.lost_nodes >= arguments.nodes:
        return "One node at least must be left: --lost-nodes is less than --nodes"
    if arguments.server == "hapi" and (missing := java_missing()):
        return missing
    return postgres_missing() if arguments.database == "postgresql" else None


def _run(arguments: argparse.Namespace) -> Figures:
    plan = Plan(
        claims=arguments.claims,
        kills=arguments.kills,
        stops=arguments.hapi_stops,
        database_stops=arguments.database_stops,
        lost=arguments.lost_nodes,
        stop_seconds=arguments.stop_seconds,
        outage=arguments.outage,
        payload=arguments.payload,
        seed=arguments.seed,
        patience=arguments.patience,
    )
    database = running_postgres() if arguments.database == "postgresql" else nullcontext()
    with (
        _folder(arguments.keep) as folder,
        database as postgres,
        WORLDS[arguments.server]() as world,
        fleet(world.url, folder, arguments.nodes, postgres) as nodes,
    ):
        return prove(world, nodes, plan, _tell(time.monotonic()))


def _tell(begun: float) -> Tell:
    def tell(text: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {text}", file=sys.stderr, flush=True)

    return tell


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
