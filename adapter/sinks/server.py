"""Answers written back to the server, so that any number of runs ends in one ClaimResponse per claim.

A ClaimResponse is found again by its identifier. A new one goes by conditional create, a changed one by ``If-Match``,
an unchanged one not at all. Whoever decides looks up first what is there, and reads the evidence then: an answer that
another adapter gave meanwhile may rest on newer evidence, and is not written over. The Provenance follows in a second
batch, because it names the version the server assigned; when a run broke off between the two, the next one finds the
ClaimResponse without Provenance and adds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.claim_response import answer_identifier
from adapter.answers.withdrawal import withdrawal
from adapter.errors import WriteError
from adapter.evidence.references import Json
from adapter.fhir.capabilities import types_with
from adapter.sinks.barred import Barred
from adapter.sinks.earlier_server import Pair, earlier_outcomes
from adapter.sinks.ledger import Ledger
from adapter.sinks.on_server import (
    ID,
    LOCATION,
    OnServer,
    duplicates,
    has_provenance,
    same_content,
    target_id,
    version_of,
    versioned,
)
from adapter.sinks.standing import Standing
from adapter.sources.faults import issue_codes
from adapter.sources.fhir_client import FhirClient, batched
from adapter.sources.refusals import Refused

CONFLICT = "conflict"
"""Problem of an answer that somebody changed meanwhile: read again, decide again, write again."""
MOST_ENTRIES = 100
CREATED = 201
_CHANGED_MEANWHILE = frozenset({409, 412})
"""The specification says 412 for a stale If-Match; HAPI answers 409."""
_NO_BATCHES = frozenset({404, 405, 501})
_PROVENANCE = re.compile(rf"Provenance/{ID}(/_history/{ID})?$")
_ETAG = re.compile(rf'(?:W/)?"?({ID})"?')


@dataclass
class _Step:
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

    @property
    def written(self) -> Written:
        targets = (self.stands,) if self.stands and self.changes else ()
        return Written(self.answer.claim, self.action, self.problem, targets=(*targets, *self.added))

    @property
    def changes(self) -> bool:
        return self.action in (Action.CREATED, Action.UPDATED)

    def remark(self, problem: str) -> None:
        self.problem = f"{self.problem}; {problem}" if self.problem else problem

    def fail(self, problem: str) -> None:
        self.action, self.problem, self.stands = Action.FAILED, problem, None


class ServerSink:
    """Writes answers to the server of the client; what the server will not keep goes to the ledger."""

    def __init__(self, client: FhirClient, identifier_system: str, ledger: Ledger, instant: datetime) -> None:
        self.client = client
        self.identifier_system = identifier_system
        self.ledger = ledger
        self.instant = instant
        """When the answers are decided."""
        self._standing = Standing(client, identifier_system)
        self.created = 0
        """ClaimResponses that there were not before."""
        self._barred = Barred(client.base)

    async def look_up(self, claims: Iterable[str]) -> dict[str, OnServer]:
        """What there is of answers to claims; ``write`` is given it, and hands back what somebody changed since."""
        return await self._standing.look_up(map(answer_identifier, claims))

    async def write(
        self, answers: Sequence[Answer], known: Mapping[str, OnServer] | None = None, *, dry_run: bool = False
    ) -> list[Written]:
        """Write the answers; returns, in their order, what was done or in a dry run would be."""
        outcomes = [answer for answer in answers if answer.response is None]
        steps = await self._steps([answer for answer in answers if answer.response is not None], known or {})
        withdrawals = await self._withdrawals(outcomes, known or {})
        if not dry_run:
            await self._write_steps([*steps, *withdrawals])
            self.ledger.forget(
                self.client.base, (step.answer.claim for step in steps if step.action is not Action.FAILED)
            )
        written = {id(step.answer): step.written for step in steps}
        written |= await self._write_outcomes(outcomes, dry_run=dry_run)
        standing = {step.answer.claim: step.written for step in withdrawals if step.action is Action.FAILED}
        taken_back = {step.answer.claim: step.written.targets for step in withdrawals if not dry_run}
        done = [
            standing.get(each.claim) or _with(written[id(each)], taken_back.get(each.claim, ())) for each in answers
        ]
        if not dry_run:
            return done
        there = {step.identifier: step.known for step in [*steps, *withdrawals]}
        return await self._compared(answers, done, {**(known or {}), **there})

    async def _compared(
        self, answers: Sequence[Answer], done: Sequence[Written], known: Mapping[str, OnServer]
    ) -> list[Written]:
        """What a dry run tells beside what would be done: what the answers say otherwise than those that are there."""
        names = [self._standing.value(each.response or {}) or answer_identifier(str(each.claim)) for each in answers]
        there = [known.get(name, OnServer()).current for name in names]
        pairs = [Pair(*each) for each in zip(answers, done, there, strict=True)]
        kept = await earlier_outcomes(self.client, self.ledger, pairs, self._stores_outcomes)
        return [each.compared(kept, self.client.base) for each in pairs]

    async def _write_steps(self, steps: Sequence[_Step]) -> None:
        for some in batched(steps, MOST_ENTRIES):
            await self._write_responses([step for step in some if step.changes])
            await self._write_provenances([step for step in some if step.stands])

    async def _withdrawals(self, outcomes: Sequence[Answer], before: Mapping[str, OnServer]) -> list[_Step]:
        """What takes back the earlier answers to claims that now get an OperationOutcome."""
        claims = {answer_identifier(each.claim): each.claim for each in outcomes if each.claim}
        steps = []
        for identifier, known in (await self._known(list(claims), before)).items():
            answer = withdrawal(claims[identifier], known.current, self.instant) if known.current else None
            if answer is not None:
                steps.append(_Step(answer, identifier, known, Action.UPDATED))
        return steps

    async def _known(self, identifiers: Sequence[str], before: Mapping[str, OnServer]) -> dict[str, OnServer]:
        """What there is under identifiers: as it was found before, else as it is now."""
        now = await self._standing.look_up(each for each in identifiers if each not in before)
        return {each: before.get(each) or now[each] for each in identifiers}

    async def _steps(self, answers: Sequence[Answer], before: Mapping[str, OnServer]) -> list[_Step]:
        known = await self._known([self._identifier(answer) for answer in answers], before)
        steps: list[_Step] = []
        begun: set[str] = set()
        for answer in answers:
            identifier = self._identifier(answer)
            step = self._step(answer, identifier, known[identifier])
            if identifier in begun:  # two entries of one batch must not meet at the same resource
                step.fail(CONFLICT)
            begun.add(identifier)
            steps.append(step)
        return steps

    def _step(self, answer: Answer, identifier: str, known: OnServer) -> _Step:
        current = known.current
        if current is None:
            return _Step(answer, identifier, known, Action.CREATED)
        problem = "" if len(known.responses) == 1 else duplicates(known)
        if not same_content(answer.response or {}, current, self.client.base):
            return _Step(answer, identifier, known, Action.UPDATED, problem)
        heal = answer.provenance is not None and not has_provenance(current, known.provenances)
        stands = versioned(current["id"], version_of(current)) if heal else None
        return _Step(answer, identifier, known, Action.UNCHANGED, problem, stands)

    async def _write_responses(self, steps: Sequence[_Step]) -> None:
        replies = await self._submit([self._response_entry(step) for step in steps])
        self._barred.refuse("ClaimResponse", list(map(_status, replies)))
        for step, reply in zip(steps, replies, strict=True):
            if problem := _problem(reply, "ClaimResponse"):
                step.fail(problem)
            else:
                _settle(step, reply)
                self.created += step.action is Action.CREATED

    async def _write_provenances(self, steps: Sequence[_Step]) -> None:
        due = [step for step in steps if step.answer.provenance is not None]
        replies = await self._submit([_provenance_entry(step) for step in due])
        self._barred.refuse("Provenance", list(map(_status, replies)))
        for step, reply in zip(due, replies, strict=True):
            if problem := _problem(reply, "Provenance"):
                step.remark(f"its Provenance is missing ({problem}); the next run tries again")
            elif _status(reply) == CREATED and (place := _PROVENANCE.search(str(reply.get("location") or ""))):
                step.added = (place[0],)

    async def _submit(self, entries: Sequence[Json]) -> list[Json]:
        """The reply to each entry. HAPI refuses a batch whole for one entry it cannot read: halving finds that one."""
        if not entries:
            return []
        try:
            return await self.client.batch(entries)
        except Refused as refused:
            if len(entries) > 1 and refused.status not in _NO_BATCHES:
                middle = len(entries) // 2
                return [*await self._submit(entries[:middle]), *await self._submit(entries[middle:])]
            issues = [{"code": code} for code in refused.codes.split(", ")]
            return [{"status": str(refused.status), "outcome": {"issue": issues}} for _ in entries]

    def _response_entry(self, step: _Step) -> Json:
        content = {name: value for name, value in (step.answer.response or {}).items() if name != "id"}
        current = step.known.current
        if current is None:
            condition = f"identifier={quote(self._standing.token(step.identifier), safe='')}"
            request = {"method": "POST", "url": "ClaimResponse", "ifNoneExist": condition}
            return {"resource": content, "request": request}
        request = {"method": "PUT", "url": f"ClaimResponse/{current['id']}"}
        if version := version_of(current):
            request["ifMatch"] = f'W/"{version}"'
        return {"resource": {**content, "id": current["id"]}, "request": request}

    async def _write_outcomes(self, answers: Sequence[Answer], *, dry_run: bool) -> dict[int, Written]:
        if not answers:
            return {}
        stored = await self._stores_outcomes()
        return {id(answer): await self._write_outcome(answer, stored=stored, dry_run=dry_run) for answer in answers}

    async def _write_outcome(self, answer: Answer, *, stored: bool, dry_run: bool) -> Written:
        outcome = answer.outcome
        if outcome is None:
            return Written(answer.claim, Action.FAILED, "neither a ClaimResponse nor an OperationOutcome was decided")
        if stored and answer.claim is not None and outcome.get("id"):
            return await self._store_outcome(answer.claim, outcome, dry_run=dry_run)
        keep = self.ledger.compare if dry_run else self.ledger.record
        return Written(answer.claim, keep(self.client.base, answer.claim, outcome))

    async def _store_outcome(self, claim: str | None, outcome: Json, *, dry_run: bool) -> Written:
        known = await self.client.read("OperationOutcome", outcome["id"])
        if known is not None and same_content(outcome, known, self.client.base):
            return Written(claim, Action.UNCHANGED)
        action = Action.CREATED if known is None else Action.UPDATED
        if dry_run:
            return Written(claim, action)
        request = {"method": "PUT", "url": f"OperationOutcome/{outcome['id']}"}
        reply = (await self._submit([{"resource": outcome, "request": request}]))[0]
        problem = _problem(reply, "OperationOutcome")
        target = "" if problem else f"OperationOutcome/{outcome['id']}"
        return Written(claim, Action.FAILED if problem else action, problem, targets=(target,) if target else ())

    async def _stores_outcomes(self) -> bool:
        """Whether the server takes an OperationOutcome under our id; ``create`` alone could not be repeated."""
        return "OperationOutcome" in types_with(await self.client.capabilities(), "update")

    def _identifier(self, answer: Answer) -> str:
        value = self._standing.value(answer.response or {})
        if value is None:
            raise WriteError(f"the ClaimResponse of Claim/{answer.claim} has no identifier of {self.identifier_system}")
        return value


def _with(written: Written, targets: tuple[str, ...]) -> Written:
    return replace(written, targets=(*written.targets, *targets)) if targets else written


def _settle(step: _Step, reply: Json) -> None:
    """Note which version now stands; where one had been made meanwhile, decide again."""
    current = step.known.current
    if current is None and _status(reply) != CREATED:
        step.fail(CONFLICT)
        return
    location = LOCATION.search(str(reply.get("location") or ""))
    name = location["id"] if location else current and current["id"]
    version = (location and location["version"]) or _etag_version(reply.get("etag"))
    if name:
        step.stands = versioned(name, version)
    else:
        step.remark("its Provenance is missing (the server did not say where it put the answer); the next run adds it")


def _provenance_entry(step: _Step) -> Json:
    """A create that can be repeated: target and instant of recording tell whether it was there already."""
    provenance = {name: value for name, value in (step.answer.provenance or {}).items() if name != "id"}
    request = {"method": "POST", "url": "Provenance"}
    recorded = provenance.get("recorded")
    # With a fixed clock two versions can have Provenances of one instant: then the condition would suppress the second.
    if recorded and all(each.get("recorded") != recorded for each in step.known.provenances):
        target = quote(f"ClaimResponse/{target_id(step.stands or '')}", safe="")
        request["ifNoneExist"] = f"target={target}&recorded={quote(recorded, safe='')}"
    return {"resource": {**provenance, "target": [{"reference": step.stands}]}, "request": request}


def _etag_version(etag: object) -> str | None:
    """``W/"2"`` by the specification, a bare ``2`` in HAPI's batches."""
    match = _ETAG.fullmatch(str(etag or ""))
    return match[1] if match else None


def _status(reply: Json) -> int:
    match = re.match(r"[0-9]{3}", str(reply.get("status") or ""))
    return int(match[0]) if match else 0


def _problem(reply: Json, kind: str) -> str:
    """What is wrong with an entry, empty when nothing is. Status and issue codes only: diagnostics quote the record."""
    status = _status(reply)
    if 200 <= status < 300:
        return ""
    if status in _CHANGED_MEANWHILE:
        return CONFLICT
    codes = issue_codes(reply.get("outcome"))
    return f"the server refused the {kind}: {status or 'no status'}{f' ({codes})' if codes else ''}"
