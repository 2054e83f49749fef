"""One run of the marked clinic for all tests that look at its counts."""

from __future__ import annotations

import pytest
from metrics.world import Ran, counted, marked_clinic


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return counted(marked_clinic(), tmp_path_factory.mktemp("clinic"))
