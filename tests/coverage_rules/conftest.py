"""The shipped policies, loaded once."""

from __future__ import annotations

import pytest

from adapter.mapping.loader import load_mappings, shipped_mappings
from adapter.policy.book import PolicyBook
from adapter.policy.loader import load_policies


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    root = shipped_mappings()
    return load_policies(root, load_mappings(root, "r4").payers)
