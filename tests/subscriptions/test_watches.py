"""What is subscribed to, by what the server says of itself: its version, its profile, its topics."""

from __future__ import annotations

from typing import Any

import pytest
from subscriptions.offers import R4, R4B, R5, TYPES, basic_topic, names_topic, statement, supports_profile, topic

from adapter.errors import SourceError, UsageError
from adapter.subscriptions.offer import CORE_TYPE, Topic, offered, read_topic
from adapter.subscriptions.watches import DEFAULT_TYPES, Plan, Style, Wish, plan

Json = dict[str, Any]
CLAIMS = "https://server.example/topics/claims"
VISITS = "https://server.example/topics/visits"


@pytest.mark.parametrize(
    ("capabilities", "holder"),
    [
        pytest.param(statement(R4), None, id="R4, nothing said"),
        pytest.param(statement(R4, **supports_profile()), "Basic", id="R4, the profile is supported"),
        pytest.param(statement(R4, profile=supports_profile()["supportedProfile"][0]), "Basic", id="R4, the profile"),
        pytest.param(statement(R4, **names_topic(CLAIMS)), "Basic", id="R4, a topic is named"),
        pytest.param(statement(R4, guide=True), "Basic", id="R4, the guide is named"),
        pytest.param(statement(R4, "SubscriptionTopic"), None, id="R4 knows no SubscriptionTopic"),
        pytest.param(statement(R4B), None, id="R4B without topics"),
        pytest.param(statement(R4B, "SubscriptionTopic"), "SubscriptionTopic", id="R4B with topics"),
        pytest.param(statement(R5, "SubscriptionTopic"), "SubscriptionTopic", id="R5"),
    ],
)
def test_where_the_topics_of_a_server_are(capabilities: Json, holder: str | None) -> None:
    assert offered(capabilities).topic_kind == holder


@pytest.mark.parametrize(
    ("capabilities", "said"),
    [
        pytest.param(statement("3.0.2"), "speaks none of", id="an old release"),
        pytest.param({"resourceType": "CapabilityStatement"}, "speaks none of", id="no release"),
        pytest.param(
            {"fhirVersion": R4, "rest": [{"resource": [{"type": "Claim"}]}]}, "keeps no Subscriptions", id="none kept"
        ),
    ],
)
def test_a_server_that_cannot_notify_is_named(capabilities: Json, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        offered(capabilities)


@pytest.mark.parametrize(
    ("resource", "read"),
    [
        pytest.param(topic(CLAIMS, "Claim"), Topic(CLAIMS, frozenset({"Claim"})), id="native"),
        pytest.param(topic(CLAIMS, f"{CORE_TYPE}Claim"), Topic(CLAIMS, frozenset({"Claim"})), id="the type as a URL"),
        pytest.param(
            topic(CLAIMS, "Claim", fhirPathCriteria="true"), Topic(CLAIMS, frozenset({"Claim"}), True), id="a condition"
        ),
        pytest.param(topic(CLAIMS, "Claim", status="draft"), None, id="a draft"),
        pytest.param(basic_topic(CLAIMS, "Claim"), Topic(CLAIMS, frozenset({"Claim"})), id="R4, extensions of 4.3"),
        pytest.param(basic_topic(CLAIMS, "Claim", release="5.0"), Topic(CLAIMS, frozenset({"Claim"})), id="R4, of 5.0"),
        pytest.param(
            basic_topic(CLAIMS, "Claim", "Encounter", condition=True),
            Topic(CLAIMS, frozenset({"Claim", "Encounter"}), True),
            id="R4, two types and a condition",
        ),
        pytest.param(basic_topic(CLAIMS, "Claim", status="retired"), None, id="R4, retired"),
        pytest.param({"resourceType": "Basic", "id": "1"}, None, id="a Basic that is no topic"),
    ],
)
def test_a_topic_is_read(resource: Json, read: Topic | None) -> None:
    assert read_topic(resource) == read


EACH = Topic(CLAIMS, frozenset({"Claim"}))
WHEN_PAID = Topic("https://server.example/topics/a-paid-claim", frozenset({"Claim"}), conditional=True)
VISIT = Topic(VISITS, frozenset({"Encounter", "Procedure"}))
CLAIM_AND_VISIT = ("Claim", "Encounter")


@pytest.mark.parametrize(
    ("capabilities", "topics", "wish", "subjects"),
    [
        pytest.param(
            statement(R4), [], Wish(), [f"{kind}?" for kind in DEFAULT_TYPES], id="R4: criteria for each type"
        ),
        pytest.param(statement(R4B), [], Wish(("Claim",)), ["Claim?"], id="R4B without topics: criteria"),
        pytest.param(statement(R4, guide=True), [EACH], Wish(("Claim",)), [CLAIMS], id="R4 with a topic: the topic"),
        pytest.param(statement(R5), [EACH, VISIT], Wish(CLAIM_AND_VISIT), [CLAIMS, VISITS], id="R5: a topic for each"),
        pytest.param(statement(R5), [WHEN_PAID, EACH], Wish(("Claim",)), [CLAIMS], id="the one without a condition"),
        pytest.param(
            statement(R5), [EACH, VISIT], Wish(("Claim", "Encounter", "Procedure")), [CLAIMS, VISITS], id="once"
        ),
        pytest.param(
            statement(R4, guide=True), [VISIT], Wish(("Claim",)), ["Claim?"], id="no topic for claims: criteria"
        ),
        pytest.param(
            statement(R4, guide=True),
            [EACH],
            Wish(("Claim",), Style.CRITERIA),
            ["Claim?"],
            id="criteria were asked for",
        ),
        pytest.param(statement(R4), [], Wish(topics=(VISITS,)), [VISITS], id="a topic was named"),
        pytest.param(
            statement(R4, **names_topic(CLAIMS, VISITS)), [], Wish(), [CLAIMS, VISITS], id="named, not described: all"
        ),
        pytest.param({"fhirVersion": R4}, [], Wish(("Claim",)), ["Claim?"], id="a server that lists nothing"),
    ],
)
def test_what_is_subscribed_to(capabilities: Json, topics: list[Topic], wish: Wish, subjects: list[str]) -> None:
    assert [watch.subject for watch in plan(offered(capabilities), topics, wish).watches] == subjects


@pytest.mark.parametrize(
    ("capabilities", "topics", "note"),
    [
        pytest.param(
            statement(R4, "Claim", "Encounter"), [], "offers no way: Procedure, Coverage", id="types it lacks"
        ),
        pytest.param(statement(R5), [EACH], "offers no way: Encounter, Procedure", id="types without a topic"),
        pytest.param(statement(R5), [WHEN_PAID], "only of changes that fit its condition", id="only some changes"),
        pytest.param(statement(R4, **names_topic(CLAIMS)), [], "does not describe its topics", id="not described"),
    ],
)
def test_what_nobody_will_tell_of_is_said(capabilities: Json, topics: list[Topic], note: str) -> None:
    assert note in " ".join(plan(offered(capabilities), topics, Wish()).notes)


def test_nothing_is_said_when_all_is_told() -> None:
    assert plan(offered(statement(R4)), [], Wish()) == plan(offered(statement(R4B)), [], Wish())
    assert plan(offered(statement(R4)), [], Wish()).notes == Plan(()).notes
    assert set(DEFAULT_TYPES) == set(TYPES)


@pytest.mark.parametrize(
    ("capabilities", "wish", "error", "said"),
    [
        pytest.param(
            statement(R5), Wish(), SourceError, "R5 server shows no topic that watches Claim", id="R5, no topic"
        ),
        pytest.param(statement(R4), Wish(style=Style.TOPIC), SourceError, "name one by --topic", id="R4, no topic"),
        pytest.param(statement(R5), Wish(style=Style.CRITERIA), UsageError, "R5 has no criteria", id="R5 by criteria"),
        pytest.param(statement(R4), Wish(filters=("Claim?use=claim",)), UsageError, "narrows a topic", id="a filter"),
    ],
)
def test_what_cannot_be_is_refused(capabilities: Json, wish: Wish, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        plan(offered(capabilities), [], wish)
