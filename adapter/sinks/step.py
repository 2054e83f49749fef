"""One answer on its way to the server, and what the server's reply makes of it. Pure: nothing is asked or written."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from adapter.answers.answer import Action, Answer, Written
from adapter.evidence.references import Json
from adapter.sinks.entries import Reply
from adapter.sinks.on_server import LOCATION, OnServer, provenance_of, target_id, versioned

CONFLICT = "conflict"
"""Problem of an answer that somebody changed meanwhile: read again, decide again, write again."""
CREATED = 201
_CHANGED_MEANWHILE = frozenset({409, 412})
"""The specification says 412 for a stale If-Match; HAPI answers 409."""


@dataclass
class Step:
    """One answer on its way to the server."""

    answer: Answer
    identifier: str
    known: OnServer
    action: Action
    problem: str = ""
    stands: str | None = None
    """``ClaimResponse/id/_history/version`` as far as known: what a Provenance that is due has as its target."""
    added: tuple[str, ...] = ()
    """What was written beside the answer."""
    unfinished: bool = False
    """Its Provenance is missing, and the next run is to add it."""

    @property
    def written(self) -> Written:
        targets = (self.stands,) if self.stands and self.changes else ()
        added = (*targets, *self.added)
        return Written(self.answer.claim, self.action, self.problem, targets=added, unfinished=self.unfinished)

    @property
    def changes(self) -> bool:
        return self.action in (Action.CREATED, Action.UPDATED)

    def remark(self, problem: str) -> None:
        self.problem = f"{self.problem}; {problem}" if self.problem else problem

    def fail(self, problem: str) -> None:
        self.action, self.problem, self.stands = Action.FAILED, problem, None


def settle(step: Step, reply: Reply) -> None:
    """Note which version now stands; where one had been made meanwhile, decide again."""
    current = step.known.current
    if current is None and reply.status != CREATED:
        step.fail(CONFLICT)
        return
    location = LOCATION.search(reply.location)
    name = location["id"] if location else current and current["id"]
    version = (location and location["version"]) or reply.version
    if name:
        step.stands = versioned(name, version)
    else:
        step.remark("its Provenance is missing (the server did not say where it put the answer); the next run adds it")
        step.unfinished = True


def provenance_entry(step: Step) -> Json:
    """A create that can be repeated: target and instant of recording tell whether it was there already."""
    provenance = {name: value for name, value in (step.answer.provenance or {}).items() if name != "id"}
    request = {"method": "POST", "url": "Provenance"}
    recorded = provenance.get("recorded")
    # With a fixed clock two versions can have Provenances of one instant: then the condition would suppress the second.
    if recorded and all(each.get("recorded") != recorded for each in step.known.provenances):
        target = quote(f"ClaimResponse/{target_id(step.stands or '')}", safe="")
        request["ifNoneExist"] = f"target={target}&recorded={quote(recorded, safe='')}"
    return {"resource": {**provenance, "target": [{"reference": step.stands}]}, "request": request}


def provenance_there(step: Step, now: OnServer) -> Reply | None:
    """The reply to the Provenance of a step, if it is there by now."""
    about = (each for each in now.responses if each.get("id") == target_id(step.stands or ""))
    found = next(filter(None, (provenance_of(each, now.provenances) for each in about)), None)
    return Reply(CREATED, f"Provenance/{found['id']}") if found else None


def problem_of(reply: Reply, kind: str) -> str:
    """What is wrong with an entry that must not meet another one, empty when nothing is."""
    return CONFLICT if reply.status in _CHANGED_MEANWHILE else refusal_of(reply, kind)


def refusal_of(reply: Reply, kind: str) -> str:
    """Why an entry was not carried out, for a message; empty when it was."""
    if reply.went_well:
        return ""
    said = f"{reply.status or 'no status'}{f' ({reply.codes})' if reply.codes else ''}"
    return reply.fault or f"the server refused the {kind}: {said}"
