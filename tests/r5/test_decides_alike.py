"""The same visit written in R5 is decided as it is in R4: every claim of the clinic, every story, every row."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from answers.story_stages import NOW, STORIES, clinic, run_resources, story
from fhir.resources import get_fhir_model_class
from fhir.resources.R4B import get_fhir_model_class as get_r4_model_class
from pydantic import ValidationError
from r5.alike import clinic_as_r5, clinic_resources, said
from r5.convert import to_r5
from table.judge import Row, store_of
from table.plans import with_plans
from table.rows import TABLE
from table.world import World, changed

from adapter.answers.answer import Answer
from adapter.reconcile.reconciliation import Reconciliation

Json = dict[str, Any]


def bundle(folder: Path) -> Json:
    found: Json = json.loads((folder / "0_bundle.json").read_text(encoding="utf-8"))
    return found


def in_story(folder: Path) -> list[Json]:
    return [each["resource"] for each in bundle(folder)["entry"]]


def is_valid(get_model: Any, resource: Json) -> bool:
    try:
        get_model(resource["resourceType"]).model_validate(resource)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("resources", [clinic_resources(), *map(in_story, STORIES)])
def test_what_is_valid_in_r4_is_valid_in_r5_when_converted(resources: list[Json]) -> None:
    spoilt = [
        f"{each['resourceType']}/{each['id']}"
        for each in resources
        if is_valid(get_r4_model_class, each) and not is_valid(get_fhir_model_class, to_r5(each))
    ]
    assert spoilt == []


@pytest.mark.parametrize("claim", sorted(str(each.claim) for each in clinic().answers))
def test_each_claim_of_the_clinic(claim: str) -> None:
    assert said(clinic_as_r5().answers)[claim] == said(clinic().answers)[claim]


def test_the_clinic_is_counted_alike() -> None:
    counts = ("claims", "lines", "claim_responses", "operation_outcomes")
    new, old = clinic_as_r5().report.summary(), clinic().report.summary()
    assert {name: new[name] for name in counts} == {name: old[name] for name in counts}


@pytest.mark.parametrize("folder", STORIES, ids=lambda folder: folder.name)
def test_each_story(folder: Path) -> None:
    assert said(run_resources(to_r5(bundle(folder))).answers) == said(story(folder.name).answers)


# --- the rows of the table


def answers_to(world: World, zone: str | None) -> list[Answer]:
    adjudicator, store = replace(with_plans(), site_timezone=zone), store_of(world)
    claims = [each for each in store.all("Claim") if adjudicator.in_scope(each)]
    return Reconciliation(adjudicator, store, datetime.fromisoformat(NOW)).answer(claims)


def as_r5(world: World) -> World:
    converted = [to_r5(each) for each in world.resources]
    world.urls = {id(new): world.url(old) for new, old in zip(converted, world.resources, strict=True)}
    world.resources = converted
    return world


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_each_row_of_the_table(row: Row) -> None:
    old, new = changed(*row.changes), as_r5(changed(*row.changes))
    assert said(answers_to(new, row.zone)) == said(answers_to(old, row.zone))
