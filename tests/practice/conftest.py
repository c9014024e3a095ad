"""What tests of practice logs stand on; a module with a world of its own has that instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from talentbank.practice.evidence import Store
from tests.practice.world import World


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store of evidence."""
    return Store(tmp_path / "evidence")


@pytest.fixture
def w(in_english: None) -> World:
    return World()


@pytest.fixture
def enrolment(w: World) -> int:
    """A seat of the world's student."""
    return w.enrolment(w.resource({"platform_ops": 3, "data_analysis": 2}))
