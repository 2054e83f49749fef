"""What the line charges, to the cent. Coverage is decided here, not price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.policy.values import Currency
from adapter.session.model import CoachingSession, Money, Sourced

if TYPE_CHECKING:
    from adapter.policy.terms import Terms

CENT = Decimal("0.01")


@rule(Stage.MONEY, outcomes=("negative", "mismatch"))
def charges(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Amounts are not negative and multiply to the line's net."""
    line, faults = session.line, []
    for name, each in _amounts(session):
        if each.value.amount < 0:
            used = Used(name, str(each.value.amount), each.origin)
            faults.append(terms.finding("negative", f"{name} {each.value.amount}", "an amount of zero or more", used))
    expected = _expected_net(session)
    if line.net is not None and expected is not None and abs(line.net.value.amount - expected) >= CENT:
        used = Used("net", str(line.net.value.amount), line.net.origin)
        needed = f"{expected} = quantity x unit price x factor"
        faults.append(terms.finding("mismatch", f"net {line.net.value.amount}", needed, used))
    yield from faults or [terms.met("charges are in order")]


@rule(Stage.MONEY, outcomes=("foreign", "absent"), values={"currency": Currency})
def currency(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Amounts of the line and the claim are in the payer's currency."""
    wanted, faults = terms.value("currency"), []
    total = session.claim.total
    for name, each in [*_amounts(session), *([("claim total", total)] if total else [])]:
        used = Used(name, f"{each.value.amount} {each.value.currency or ''}".strip(), each.origin)
        if each.value.currency is None:
            faults.append(terms.finding("absent", f"{name} without a currency, read as {wanted}", wanted, used))
        elif each.value.currency != wanted:
            faults.append(terms.finding("foreign", f"{name} in {each.value.currency}", wanted, used))
    yield from faults or [terms.met(f"amounts in {wanted}")]


def _amounts(session: CoachingSession) -> list[tuple[str, Sourced[Money]]]:
    named = (("unit price", session.line.unit_price), ("net", session.line.net))
    return [(name, each) for name, each in named if each is not None]


def _expected_net(session: CoachingSession) -> Decimal | None:
    line = session.line
    if line.unit_price is None:
        return None
    units = line.quantity.value if line.quantity else Decimal(1)
    factor = line.factor.value if line.factor else Decimal(1)
    return units * line.unit_price.value.amount * factor


@rule(Stage.MONEY, outcomes=("differs",))
def claim_total(session: CoachingSession, terms: Terms) -> Finding:
    """The claim's total is the sum of its lines."""
    total, nets = session.claim.total, session.claim.nets
    if total is None or any(each is None for each in nets):
        return terms.not_applicable("no total, or a line without net")
    expected = sum((each.amount for each in nets if each is not None), Decimal())
    if abs(total.value.amount - expected) < CENT:
        return terms.met("the total is the sum of the lines")
    used = Used("total", str(total.value.amount), total.origin)
    return terms.finding("differs", f"total {total.value.amount}", f"{expected}, the sum of the lines", used)
