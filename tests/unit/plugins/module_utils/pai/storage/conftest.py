"""Fixtures of the tests about storage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.storage_mounts import namespace


@pytest.fixture
def own_mounts() -> Iterator[None]:
    """Have the test's mounts in a namespace of their own."""
    with namespace():
        yield
