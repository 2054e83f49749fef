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
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import httpx

from adapter.answers.answer import Action, Answer, Written
from adapter.answers.claim_response import answer_identifier
from adapter.answers.withdrawal import withdrawal
from adapter.errors import WriteError
from adapter.evidence.references import Json
from adapter.fhir.capabilities import types_with
from adapter.sinks.barred import Barred
from adapter.sinks.earlier_server import Pair, earlier_outcomes
from adapter.sinks.entries import Entries, Reply
from adapter.sinks.ledger import Ledger
from adapter.sinks.on_server import (
    ID,
    OnServer,
    duplicates,
    has_provenance,
    same_content,
    version_of,
    versioned,
)
from adapter.sinks.once import Once
from adapter.sinks.standing import Standing
from adapter.sinks.step import (
    CONFLICT,
    CREATED,
    Step,
    problem_of,
    provenance_entry,
    provenance_there,
    refusal_of,
    settle,
)
from adapter.sources.fhir_client import FhirClient, batched

MOST_ENTRIES = 100
_PROVENANCE = re.compile(rf"Provenance/{ID}(/_history/{ID})?$")


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
        self._entries = Entries(client)
        self._once = Once(client, self._standing, self._entries)

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
        taken_back = {step.answer.claim: step.written for step in withdrawals}
        done = [_joined(written[id(each)], taken_back.get(each.claim)) for each in answers]
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

    async def _write_steps(self, steps: Sequence[Step]) -> None:
        for some in batched(steps, MOST_ENTRIES):
            await self._write_responses([step for step in some if step.changes])
            await self._write_provenances([step for step in some if step.stands])

    async def _withdrawals(self, outcomes: Sequence[Answer], before: Mapping[str, OnServer]) -> list[Step]:
        """What takes back the earlier answers to claims that now get an OperationOutcome."""
        claims = {answer_identifier(each.claim): each.claim for each in outcomes if each.claim}
        steps = []
        for identifier, known in (await self._known(list(claims), before)).items():
            answer = withdrawal(claims[identifier], known.current, self.instant) if known.current else None
            if answer is not None:
                steps.append(self._step(answer, identifier, known))
        return steps

    async def _known(self, identifiers: Sequence[str], before: Mapping[str, OnServer]) -> dict[str, OnServer]:
        """What there is under identifiers: as it was found before, else as it is now."""
        now = await self._standing.look_up(each for each in identifiers if each not in before)
        return {each: before.get(each) or now[each] for each in identifiers}

    async def _steps(self, answers: Sequence[Answer], before: Mapping[str, OnServer]) -> list[Step]:
        known = await self._known([self._identifier(answer) for answer in answers], before)
        steps: list[Step] = []
        begun: set[str] = set()
        for answer in answers:
            identifier = self._identifier(answer)
            step = self._step(answer, identifier, known[identifier])
            if identifier in begun:  # two entries of one batch must not meet at the same resource
                step.fail(CONFLICT)
            begun.add(identifier)
            steps.append(step)
        return steps

    def _step(self, answer: Answer, identifier: str, known: OnServer) -> Step:
        current = known.current
        if current is None:
            return Step(answer, identifier, known, Action.CREATED)
        problem = "" if len(known.responses) == 1 else duplicates(known)
        if not same_content(answer.response or {}, current, self.client.base):
            return Step(answer, identifier, known, Action.UPDATED, problem)
        heal = answer.provenance is not None and not has_provenance(current, known.provenances)
        stands = versioned(current["id"], version_of(current)) if heal else None
        return Step(answer, identifier, known, Action.UNCHANGED, problem, stands)

    async def _write_responses(self, steps: Sequence[Step]) -> None:
        replies = await self._once.send(steps, self._response_entry, self._response_there)
        self._barred.refuse("ClaimResponse", [each.status for each in replies])
        for step, reply in zip(steps, replies, strict=True):
            if problem := problem_of(reply, "ClaimResponse"):
                step.fail(problem)
            else:
                settle(step, reply)
                self.created += step.action is Action.CREATED

    async def _write_provenances(self, steps: Sequence[Step]) -> None:
        due = [step for step in steps if step.answer.provenance is not None]
        replies = await self._once.send(due, provenance_entry, provenance_there)
        self._barred.refuse("Provenance", [each.status for each in replies])
        for step, reply in zip(due, replies, strict=True):
            if problem := refusal_of(reply, "Provenance"):
                step.remark(f"its Provenance is missing ({problem}); the next run tries again")
                step.unfinished = await self._keeps_provenances()
            elif reply.status == CREATED and (place := _PROVENANCE.search(reply.location)):
                step.added = (place[0],)

    def _response_entry(self, step: Step) -> Json:
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

    def _response_there(self, step: Step, now: OnServer) -> Reply | None:
        """The reply to a new ClaimResponse, if one is there by now; another than ours is a conflict."""
        found = now.current
        if step.known.current is not None or found is None:  # of an update If-Match tells
            return None
        ours = same_content(step.answer.response or {}, found, self.client.base)
        return Reply(CREATED if ours else httpx.codes.OK, versioned(found["id"], version_of(found)))

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
        reply = (await self._entries.send([{"resource": outcome, "request": request}]))[0]
        problem = problem_of(reply, "OperationOutcome")
        target = "" if problem else f"OperationOutcome/{outcome['id']}"
        return Written(claim, Action.FAILED if problem else action, problem, targets=(target,) if target else ())

    async def _stores_outcomes(self) -> bool:
        """Whether the server takes an OperationOutcome under our id; ``create`` alone could not be repeated."""
        return "OperationOutcome" in types_with(await self.client.capabilities(), "update")

    async def _keeps_provenances(self) -> bool:
        """Whether another try may help: a server that declares what it creates, and no Provenance, never takes one."""
        declared = types_with(await self.client.capabilities(), "create")
        return not declared or "Provenance" in declared

    def _identifier(self, answer: Answer) -> str:
        value = self._standing.value(answer.response or {})
        if value is None:
            raise WriteError(f"the ClaimResponse of Claim/{answer.claim} has no identifier of {self.identifier_system}")
        return value


def _joined(written: Written, withdrawal: Written | None) -> Written:
    """What became of the answer to a claim whose earlier one was taken back, or could not be: then that one stands."""
    if withdrawal is None or withdrawal.action is Action.FAILED:
        return withdrawal or written
    return replace(
        written,
        problem=written.problem or withdrawal.problem,
        targets=(*written.targets, *withdrawal.targets),
        unfinished=withdrawal.unfinished,
    )
