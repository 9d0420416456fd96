"""A finished run that a tracker follows, and who is told of it."""

from pathlib import Path

import pytest
from run_folders import Noting, copied


@pytest.fixture
def followed(small_run, tmp_path) -> Path:
    return copied(small_run, tmp_path)


@pytest.fixture
def listener() -> Noting:
    return Noting()
