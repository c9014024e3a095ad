"""What tests of practice logs stand on; a module with a world of its own has that instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_babel import force_locale

from talentbank.practice.evidence import Store
from tests.practice.world import World


@pytest.fixture
def in_english(app_context: None) -> Iterator[None]:
    """An application context whose sentences are English."""
    with force_locale("en"):
        yield


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
