"""The runs and their items as rows of DBOS workflows: put there, looked at, cancelled.

A run is a workflow that puts its items, waits for them, and ends with their sum; an item ends with its tally. Each
server has two queues. The digest of the basis is the version of the application, so that DBOS itself hands the work of
a run only to processes of the same basis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from hashlib import sha256
from secrets import token_hex

from dbos import EnqueueOptions, WorkflowStatus
from pydantic import TypeAdapter

from adapter.durable.rows import Application, Rows, arguments
from adapter.evidence.references import Json
from adapter.runs.model import Basis, Item, ItemState, Plan, Reached, Refusal, RunState, State, latest
from adapter.runs.tally import complete

RUN, ITEM, REFUSED, PRESENT = "sync-run", "sync-item", "sync-refused", "sync-worker"
NOTES = "sync-notes"
"""The queue of rows that only tell something; nobody works it off."""
POLLING_SECONDS = 0.2
"""How long an item waits at most until an idle worker sees it."""
MOST_RUNS = 100
"""Runs that are looked at, the newest of them."""
MOST_COUNTED = 10_000
"""Items that are counted for the metrics."""
OPEN = ["ENQUEUED", "PENDING", "DELAYED"]
_PLAN, _ITEM = TypeAdapter(Plan), TypeAdapter(Item)
_STATES = {
    "ENQUEUED": State.WAITING,
    "DELAYED": State.WAITING,
    "PENDING": State.RUNNING,
    "CANCELLED": State.CANCELLED,
}
CRASHED = "the process ended each time this was worked on"


def application(basis: Basis | None) -> Application:
    """Runs of a basis; without, for whoever only looks."""
    return Application("coaching-adapter-sync", basis.digest if basis else "", (RUN, ITEM), PRESENT, NOTES)


def queues(server: str) -> tuple[str, str]:
    """The queues of the runs and of the items of a server."""
    digest = sha256(server.encode()).hexdigest()[:12]
    return f"sync-runs-{digest}", f"sync-items-{digest}"


class Board(Rows):
    """What there is to do, and what was done; needs a database that a ``RunWorker`` has prepared."""

    def __init__(self, url: str, basis: Basis | None = None) -> None:
        super().__init__(url, application(basis))

    # --- runs

    def begin(self, plan: Plan) -> str:
        """Put a run, and return its id; where one of the same range was put meanwhile, that one's."""
        runs, items = queues(plan.server)
        self._client.register_queue(runs, polling_interval_sec=5 * POLLING_SECONDS)
        # One item at a time in each process: deciding is work for one core. More processes do more.
        self._client.register_queue(items, worker_concurrency=1, polling_interval_sec=POLLING_SECONDS)
        id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"
        options: EnqueueOptions = {
            "workflow_name": RUN,
            "workflow_id": id,
            "queue_name": runs,
            "app_version": plan.basis.digest,
            "deduplication_id": plan.asked or "everything",
            "duplication_policy": "return-existing",
        }
        return self._client.enqueue(options, _PLAN.dump_json(plan).decode()).get_workflow_id()

    def unfinished(self, server: str, asked: str | None) -> RunState | None:
        """The run of a range that is still going on."""
        going_on = (each for each in self.runs(OPEN) if each.plan.server == server and each.plan.asked == asked)
        return next(going_on, None)

    def runs(self, status: Sequence[str] = ()) -> list[RunState]:
        """Runs, the newest first."""
        rows = self._client.list_workflows(name=RUN, status=list(status) or None, limit=MOST_RUNS, sort_desc=True)
        return [read_run(row) for row in rows]

    def run(self, id: str) -> RunState | None:
        """One run; None when there is none of this id."""
        rows = self._client.list_workflows(name=RUN, workflow_ids=[id])
        return read_run(rows[0]) if rows else None

    def is_open(self, id: str) -> bool:
        """Whether a run goes on; not when it was cancelled, or is not there any more."""
        return bool(self._client.list_workflows(workflow_ids=[id], status=list(OPEN), load_input=False))

    def reached(self, server: str, basis: Basis) -> Reached | None:
        """How far the complete runs have come that decided by this, where no run by others has written since."""
        runs = [each for each in self.runs() if each.plan.server == server]
        ours = [each for each in runs if each.finished and each.plan.basis == basis]
        return reduce(latest, (each.plan.reaches for each in ours if not _others(runs, basis, each.begun)), None)

    def others_worked(self, server: str, basis: Basis, since: float) -> bool:
        """Whether a run that decides by something else wrote after an instant, in seconds since 1970, or still may."""
        return _others([each for each in self.runs() if each.plan.server == server], basis, since)

    def cancel(self, id: str) -> None:
        """End a run; items that are being worked on are finished, and count no more."""
        rows = self._client.list_workflows(workflow_id_prefix=f"{id}/", name=ITEM, status=OPEN, load_input=False)
        self._client.cancel_workflows([id, *(row.workflow_id for row in rows)])

    def drop(self, id: str) -> None:
        """Forget a run that is over, and all that was noted of it."""
        rows = self._client.list_workflows(workflow_id_prefix=f"{id}/", load_input=False, load_output=False)
        self.remove([id, *(row.workflow_id for row in rows)])

    # --- items

    def put(self, items: Iterable[Item], version: str) -> None:
        """Put items; one that is there already stays as it is."""
        for each in items:
            options: EnqueueOptions = {
                "workflow_name": ITEM,
                "workflow_id": each.id,
                "queue_name": queues(each.server)[1],
                "app_version": version,
            }
            self._client.enqueue(options, _ITEM.dump_json(each).decode())

    def items(self, run: str) -> list[ItemState]:
        """The items of a run, in their order."""
        rows = self._client.list_workflows(workflow_id_prefix=f"{run}/", name=ITEM)
        return sorted(map(_item, rows), key=lambda each: each.item.number)

    def states(self, run: str) -> dict[int, State]:
        """How far each item of a run has come, by its number; one that was given up counts as done."""
        rows = self._client.list_workflows(workflow_id_prefix=f"{run}/", name=ITEM, load_input=False, load_output=False)
        return {int(row.workflow_id.rpartition("/")[2]): _STATES.get(row.status, State.DONE) for row in rows}

    def counted(self, run: str) -> dict[State, int]:
        """How many items of a run have come how far."""
        states = list(self.states(run).values())
        return {state: states.count(state) for state in State}

    def depth(self) -> Counter[str]:
        """Items of all runs that are ``waiting`` or ``in_hand``, of the oldest ``MOST_COUNTED``."""
        open_ = {"ENQUEUED": "waiting", "DELAYED": "waiting", "PENDING": "in_hand"}
        rows = self._client.list_workflows(
            name=ITEM, status=list(open_), limit=MOST_COUNTED, load_input=False, load_output=False
        )
        return Counter(open_[row.status] for row in rows)

    def is_begun(self, id: str) -> bool:
        """Whether somebody works on an item."""
        return bool(self._client.list_workflows(workflow_ids=[id], status="PENDING", load_input=False))

    # --- processes

    def refuse(self, run: str, process: str, differs: Sequence[str]) -> None:
        """Note that a process leaves a run to others; once for each."""
        options: EnqueueOptions = {
            "workflow_name": REFUSED,
            "workflow_id": f"{run}/refused/{process}",
            "queue_name": NOTES,
        }
        self._client.enqueue(options, process, list(differs))

    def refusals(self, run: str) -> list[Refusal]:
        """Who has left a run to others."""
        rows = self._client.list_workflows(workflow_id_prefix=f"{run}/refused/", name=REFUSED, load_output=False)
        return [Refusal(str(process), tuple(differs)) for process, differs in map(arguments, rows)]

    def present(self) -> dict[str, str]:
        """The digest of the basis of each process that shows that it is there."""
        return {str(arguments(row)[0]): str(row.app_version) for row in self._shown()}

    def hand_over(self, process: str) -> None:
        """Put back what a process that leaves has begun, for whoever comes next."""
        rows = self._client.list_workflows(name=[RUN, ITEM], status="PENDING", executor_id=process, load_input=False)
        for row in rows:
            self._client.resume_workflows([row.workflow_id], queue_name=row.queue_name)
        shown = self.shown().get(process)
        self.remove([shown] if shown else [])


def read_plan(text: str) -> Plan:
    """A plan as it was put."""
    return _PLAN.validate_json(text)


def read_item(text: str) -> Item:
    """An item as it was put."""
    return _ITEM.validate_json(text)


def _others(runs: Iterable[RunState], basis: Basis, since: float) -> bool:
    """Whether a run by another basis went on after an instant, however it ended: each of its items has written."""
    return any(each.plan.basis != basis and (each.ended is None or each.ended >= since) for each in runs)


def read_run(row: WorkflowStatus) -> RunState:
    """A run as its row has it."""
    output: Json | None = row.output if row.status == "SUCCESS" else None
    ended = State.DONE if output is not None and complete(output) else State.INCOMPLETE
    state = _STATES.get(row.status, ended)
    finished = (row.completed_at or row.updated_at or 0) / 1000 if state.over else None
    plan = read_plan(arguments(row)[0])
    return RunState(row.workflow_id, plan, state, (row.created_at or 0) / 1000, finished, output)


def _item(row: WorkflowStatus) -> ItemState:
    output: Json = row.output or {}
    failed = output.get("failed") if output else None
    if row.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        failed = CRASHED
    elif row.status == "ERROR":
        failed = str(row.error)
    state = _STATES.get(row.status, State.INCOMPLETE if failed else State.DONE)
    return ItemState(
        read_item(arguments(row)[0]),
        state,
        row.executor_id,
        row.recovery_attempts or 0,
        output.get("seconds"),
        output.get("tally"),
        failed,
    )
