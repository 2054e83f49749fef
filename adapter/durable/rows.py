"""Rows of DBOS workflows, for whoever adds, takes or looks at them; and those by which a process shows itself.

Several applications can share a database: each sees the rows that carry the names of its own workflows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from dbos import DBOSClient, DBOSPortableJSONSerializer, WorkflowStatus


@dataclass(frozen=True, slots=True)
class Application:
    """What tells the rows of one kind of process from those of another."""

    name: str
    """DBOS gives work only to a process of the same name and version."""
    version: str
    works: tuple[str, ...]
    """The names of its workflows."""
    present: str
    """The name of the rows that show who is there; ``processes`` is their queue, which nobody works off."""
    processes: str


class Rows:
    """Needs a database that an ``Engine`` of the same application has prepared."""

    def __init__(self, url: str, application: Application) -> None:
        self._application = application
        self._client = DBOSClient(
            system_database_url=url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=application.name,
            retry_connection_errors=False,  # whoever waits for a row to be stored must hear of it
            lazy=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.destroy()

    def remove(self, ids: Iterable[str]) -> None:
        """Forget rows."""
        if ids := list(ids):
            self._client.delete_workflows(ids)

    def working(self) -> set[str]:
        """The processes that have begun on something that one of our version can take up."""
        application = self._application
        rows = self._client.list_workflows(
            name=list(application.works),
            app_version=application.version,
            status="PENDING",
            load_input=False,
            load_output=False,
        )
        return {str(row.executor_id) for row in rows}

    def show(self, process: str) -> None:
        """Show that a process is there, by a row that is new each time."""
        former = self.shown().get(process)
        application = self._application
        self._client.enqueue(
            {
                "workflow_name": application.present,
                "queue_name": application.processes,
                "app_version": application.version,
            },
            process,
        )
        self.remove([former] if former else [])

    def shown(self) -> dict[str, str]:
        """The newest row of each process that shows, or showed, that it is there."""
        return {str(arguments(row)[0]): row.workflow_id for row in self._shown()}

    def _shown(self) -> list[WorkflowStatus]:
        application = self._application
        return self._client.list_workflows(
            name=application.present, queue_name=application.processes, load_output=False
        )


def arguments(row: WorkflowStatus) -> Sequence[Any]:
    """What a row was put with."""
    return row.input["args"] if row.input else ()
