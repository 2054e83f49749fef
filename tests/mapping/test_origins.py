"""Every value of a session says where it was read: which resource, in which version, by which path."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from answers.story_stages import STORIES, clinic, story

from adapter.session import model
from adapter.session.model import CoachingSession, Origin, Sourced

RESOURCE = r"(?P<type>[A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(#[A-Za-z0-9.-]+)?(/_history/[A-Za-z0-9.-]{1,64})?"


def origins(value: Any, place: str = "session") -> Iterator[tuple[str, Origin]]:
    """Every Origin below a value, with the place it stands at."""
    if isinstance(value, Origin):
        yield place, value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from origins(getattr(value, field.name), f"{place}.{field.name}")
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from origins(each, f"{place}[{index}]")


def sessions() -> list[CoachingSession]:
    return [*clinic().sessions, *(session for path in STORIES for session in story(path.name).sessions)]


def test_there_are_sessions_of_every_kind_to_look_at() -> None:
    assert len(sessions()) > 80


def test_every_value_carries_its_resource_and_path() -> None:
    found = [(place, origin) for session in sessions() for place, origin in origins(session)]
    assert len(found) > 2000
    for place, origin in found:
        assert origin.resource, place
        assert origin.path, place


def test_the_path_begins_with_the_type_of_the_resource() -> None:
    for session in sessions():
        for place, origin in origins(session):
            reference = origin.resource.partition("#")
            if not reference[1] and not reference[0].startswith("urn:"):
                assert origin.path.startswith(reference[0].partition("/")[0]), (place, origin)


def test_the_version_is_named_where_it_is_known() -> None:
    """Every resource of the fixtures has a version; only what is contained in another has none of its own."""
    unversioned = {
        origin.resource
        for session in sessions()
        for _, origin in origins(session)
        if "/_history/" not in origin.resource
    }
    assert {each for each in unversioned if "#" not in each} == set()


def test_a_value_is_sourced_wherever_the_model_says_so() -> None:
    """What the annotations call Sourced is one, so that no mapping can slip a bare value in."""
    for session in sessions():
        for name in ("status", "use", "patient", "provider", "total"):
            value = getattr(session.claim, name)
            assert value is None or isinstance(value, Sourced), name
        for line_value in (
            session.line.quantity,
            session.line.net,
            *session.line.places,
            session.line.serviced,
        ):
            assert line_value is None or isinstance(line_value, Sourced)


def test_the_model_has_no_room_for_who_somebody_is() -> None:
    fields = {
        field.name
        for each in vars(model).values()
        if dataclasses.is_dataclass(each) and isinstance(each, type)
        for field in dataclasses.fields(each)
    }
    assert fields & {"name", "names", "display", "text", "birth_date", "subscriber_id", "address", "telecom"} == set()
