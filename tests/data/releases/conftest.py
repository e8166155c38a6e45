"""Each release in turn, as the plan has it."""

from collections.abc import Callable

import pytest

from danet.labels import RELEASES
from danet.settings import Dataset


@pytest.fixture(params=RELEASES)
def dataset(request: pytest.FixtureRequest, release: Callable[[str], Dataset]) -> Dataset:
    """All releases, or those that a test names indirectly."""
    return release(request.param)
