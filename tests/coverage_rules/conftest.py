"""The shipped policies, loaded once, and the sentences of every test held against those on file."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

import pytest
from coverage_rules import words
from coverage_rules.verdicts import SAID

from adapter.layers import Layers, shipped_mappings
from adapter.mapping.loader import load_mappings
from adapter.policy.book import PolicyBook
from adapter.policy.loader import load_policies


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    layers = Layers.of(shipped_mappings())
    return load_policies(layers, load_mappings(layers, "r4").payers)


@pytest.fixture(scope="session")
def rewritten() -> Iterator[dict[str, dict[str, str]] | None]:
    """Module to what its tests were told, where the files are written anew; otherwise nothing."""
    if not os.environ.get("REWRITE_WORDS"):
        yield None
        return
    told_in: dict[str, dict[str, str]] = defaultdict(dict)
    yield told_in
    for module, told_by in told_in.items():
        words.write(module, told_by)


@pytest.fixture(scope="module")
def pinned(request: pytest.FixtureRequest) -> dict[str, str]:
    return words.read(request.module.__name__)


@pytest.fixture(autouse=True)
def words_on_file(
    request: pytest.FixtureRequest, pinned: dict[str, str], rewritten: dict[str, dict[str, str]] | None
) -> Iterator[None]:
    """What a rule tells a reviewer changes only on purpose."""
    SAID.clear()
    yield
    if hasattr(request.function, "hypothesis"):
        return  # other sessions in every run
    name, told = request.node.name, words.told(SAID)
    if rewritten is None:
        assert told == pinned.get(name, ""), "other words than on file; if meant, run with REWRITE_WORDS=1 and review"
    elif told:
        rewritten[request.module.__name__][name] = told
