"""What the line charges, to the cent. Coverage is decided here, not price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from adapter.coverage.finding import Finding, Used
from adapter.coverage.registry import Stage, rule
from adapter.session.model import CoachingSession, Money, Sourced

if TYPE_CHECKING:
    from adapter.policy.book import Terms

CENT = Decimal("0.01")


@rule(Stage.MONEY, outcomes=("negative", "foreign", "no_currency", "mismatch"), values=("currency",))
def charges(session: CoachingSession, terms: Terms) -> Iterator[Finding]:
    """Amounts are not negative, in the payer's currency, and multiply to the line's net."""
    line = session.line
    amounts = [(name, each) for name, each in (("unit price", line.unit_price), ("net", line.net)) if each is not None]
    faults = [finding for name, each in amounts for finding in _amount_faults(name, each, terms)]
    expected = _expected_net(session)
    if line.net is not None and expected is not None and abs(line.net.value.amount - expected) >= CENT:
        found, needed = f"net {line.net.value.amount}", f"{expected} = quantity x unit price x factor"
        faults.append(
            terms.finding("mismatch", found, needed, Used("net", str(line.net.value.amount), line.net.origin))
        )
    yield from faults or [terms.met("charges are in order")]


def _amount_faults(name: str, money: Sourced[Money], terms: Terms) -> Iterator[Finding]:
    value, currency = money.value, terms.value("currency")
    used = Used(name, f"{value.amount} {value.currency or ''}".strip(), money.origin)
    if value.amount < 0:
        yield terms.finding("negative", f"{name} {value.amount}", "an amount of zero or more", used)
    if value.currency is None:
        yield terms.finding("no_currency", f"{name} without a currency, read as {currency}", currency, used)
    elif value.currency != currency:
        yield terms.finding("foreign", f"{name} in {value.currency}", currency, used)


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
