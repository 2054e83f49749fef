"""What the line charges, to the cent (rows 72 to 74)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from coverage_rules.sessions import a_session, put, sourced, without
from coverage_rules.verdicts import MET, NOT_APPLICABLE, Says, answers, rejects, row, warns

from adapter.policy.book import PolicyBook
from adapter.session.model import CoachingSession, Money

NEGATIVE, FOREIGN, MISMATCH = (rejects(each, "16", "M79") for each in ("negative", "foreign", "mismatch"))
NO_CURRENCY = warns("absent")


def money(amount: str, currency: str | None = "USD") -> Money:
    return Money(Decimal(amount), currency)


def charged(
    unit_price: str | None,
    net: str | None,
    *,
    quantity: str | None = "1",
    factor: str | None = None,
    currency: str | None = "USD",
) -> CoachingSession:
    session = a_session(quantity=quantity)
    price = None if unit_price is None else sourced(money(unit_price, currency), "Claim.item[0].unitPrice")
    total = None if net is None else sourced(money(net, currency), "Claim.item[0].net")
    session = put(put(session, "line.unit_price", price), "line.net", total)
    return put(session, "line.factor", None if factor is None else sourced(Decimal(factor), "Claim.item[0].factor"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(charged("85.00", "85.00"), [MET], id="net is the unit price"),
        row(charged("85.00", "170.00", quantity="2"), [MET], id="net is two units"),
        row(charged("85.00", "85.00", quantity=None), [MET], id="no quantity counts as 1"),
        row(charged("85.00", "68.00", factor="0.8"), [MET], id="net is price and factor"),
        row(charged("85.00", "85.01"), [MISMATCH], id="net a cent too high"),
        row(charged("85.00", "84.99"), [MISMATCH], id="net a cent too low"),
        row(charged("85.00", "85.00", quantity="2"), [MISMATCH], id="net of one unit for two"),
        row(charged("85.00", "85.00", factor="0.8"), [MISMATCH], id="net without the factor"),
        row(charged("33.333", "100.00", quantity="3"), [MET], id="net rounded to the cent"),
        row(charged("85", "85.00"), [MET], id="written with and without cents"),
        row(charged("0.00", "0.00"), [MET], id="a service without charge"),
        row(charged("-85.00", "-85.00"), [NEGATIVE, NEGATIVE], id="negative unit price and net"),
        row(charged(None, "-0.01"), [NEGATIVE], id="a net of minus one cent"),
        row(charged("85.00", "-85.00"), [NEGATIVE, MISMATCH], id="a negative net of a positive price"),
        row(charged(None, "85.00"), [MET], id="no unit price to multiply"),
        row(charged("85.00", None), [MET], id="no net to compare"),
        row(charged(None, None), [MET], id="no amount at all"),
        row(charged("85.00", "85.00", currency="EUR"), [MET], id="euros are another rule's question"),
    ],
)
def test_charges(book: PolicyBook, session: CoachingSession, expected: list[Says]) -> None:
    assert answers(book, "charges", session) == expected


def test_a_negative_net_is_told_without_a_date_too(book: PolicyBook) -> None:
    session = without(a_session(), "line.serviced", "visit.encounter.period", "line.unit_price")
    assert answers(book, "charges", put(session, "line.net", sourced(money("-85.00")))) == [NEGATIVE]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(a_session(), [MET], id="dollars throughout"),
        row(charged(None, "85.00", currency=None), [NO_CURRENCY], id="a net without a currency"),
        row(charged("85.00", "85.00", currency=None), [NO_CURRENCY, NO_CURRENCY], id="price and net without one"),
        row(charged(None, "85.00", currency="EUR"), [FOREIGN], id="a net in euros"),
        row(charged("85.00", "85.00", currency="CAD"), [FOREIGN, FOREIGN], id="price and net in Canadian dollars"),
        row(put(a_session(), "claim.total", sourced(money("85.00", "EUR"))), [FOREIGN], id="a total in euros"),
        row(put(a_session(), "claim.total", sourced(money("85.00", None))), [NO_CURRENCY], id="a total without one"),
        row(charged(None, "85.00", currency="usd"), [FOREIGN], id="a currency in lower case is no ISO code"),
        row(without(a_session(), "line.unit_price", "line.net", "claim.total"), [MET], id="no amount at all"),
    ],
)
def test_currency(book: PolicyBook, session: CoachingSession, expected: list[Says]) -> None:
    assert answers(book, "currency", session) == expected


def totalled(total: str | None, *nets: str | None, currency: str = "USD") -> CoachingSession:
    session = put(a_session(), "claim.nets", tuple(None if each is None else money(each) for each in nets))
    return put(session, "claim.total", None if total is None else sourced(money(total, currency), "Claim.total"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        row(totalled("85.00", "85.00"), MET, id="one line"),
        row(totalled("185.00", "85.00", "100.00"), MET, id="two lines"),
        row(totalled("185.01", "85.00", "100.00"), warns("differs"), id="a cent too much"),
        row(totalled("184.99", "85.00", "100.00"), warns("differs"), id="a cent too little"),
        row(totalled("85.00", "85.00", "100.00"), warns("differs"), id="the total of one line only"),
        row(totalled(None, "85.00"), NOT_APPLICABLE, id="no total"),
        row(totalled("185.00", "85.00", None), NOT_APPLICABLE, id="a line without a net"),
    ],
)
def test_claim_total(book: PolicyBook, session: CoachingSession, expected: Says) -> None:
    assert answers(book, "claim_total", session) == [expected]
