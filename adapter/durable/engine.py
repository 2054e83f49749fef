"""One process that does durable work: DBOS started with our settings, and looking after those that died."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from adapter.durable.rows import Application, Rows
from adapter.durable.takeover import SHOWING_SECONDS, Takeover
from adapter.logs import events

log = events.logger(__name__)

# With a handler in place DBOS adds none of its own, and what it logs goes where all the rest goes.
logging.getLogger("dbos").addHandler(logging.NullHandler())


@contextmanager
def _unheard() -> Iterator[None]:
    """DBOS logs why it does not start before it raises it; whoever starts us tells it once."""
    dbos = logging.getLogger("dbos")
    dbos.disabled = True
    try:
        yield
    finally:
        dbos.disabled = False


LEAVING_SECONDS = 5
"""What looking after the others has to finish; it may be waiting for a database that is away."""


class Engine:
    """Runs what is registered, as ``process``; there is one in a Python process."""

    def __init__(
        self,
        url: str,
        application: Application,
        rows: Rows,
        process: str,
        also: Callable[[], object] = lambda: None,
    ) -> None:
        self._config: DBOSConfig = {
            "name": application.name,
            "system_database_url": url,
            "application_version": application.version,
            "executor_id": process,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "ERROR",
            "use_listen_notify": False,
        }
        self._takeover = Takeover(rows, process, DBOS._recover_pending_workflows)  # DBOS has no other name for it
        self._also = also
        """What else is looked at every few seconds."""
        self._leaving = threading.Event()
        self._caring = threading.Thread(target=self._care, name="takeover", daemon=True)

    def start(self, register: Callable[[], None], listen: Sequence[str] = ()) -> None:
        """Create or upgrade the tables, and begin to work on what ``register`` marks as workflows.

        Args:
            listen: the only queues to take work from; all of the application without.
        """
        DBOS(config=self._config)
        register()
        if listen:
            DBOS.listen_queues(listen)
        with _unheard():
            DBOS.launch()

    def care(self, *, succeed: bool) -> None:
        """Begin to look after the others; ``succeed`` takes up at once what an earlier start of the same node began."""
        if succeed:
            self._takeover.succeed()
        self._caring.start()

    def stop(self, grace_seconds: int) -> None:
        """End; what is being worked on after the grace keeps its row, and begins anew."""
        self._leaving.set()
        self._caring.join(LEAVING_SECONDS)
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=grace_seconds)

    def _care(self) -> None:
        """See to it that what is begun is finished, by us or by others, until we leave."""
        while not self._leaving.is_set():
            try:
                self._takeover.look()
                self._also()
            except Exception as error:  # noqa: BLE001 - the database may be back the next time
                log.warning("processes.not_looked_at", failed=error)
            self._leaving.wait(SHOWING_SECONDS)
