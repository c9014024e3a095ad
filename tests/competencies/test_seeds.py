"""The catalogue comes out of seeds/, as often as one likes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from talentbank.audit import AuditEntry
from talentbank.competencies import catalogue, queries
from talentbank.competencies.models import City, Competency
from talentbank.competencies.service import load_seeds
from talentbank.errors import Forbidden
from talentbank.extensions import db
from talentbank.permissions import SYSTEM, Role
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")


def rows() -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for model in (Competency, City)
        for row in db.session.execute(select(model.__table__).order_by(*model.__table__.primary_key))
    ]


def test_loading_again_changes_nothing() -> None:
    before = rows()
    assert load_seeds(SYSTEM) == load_seeds(SYSTEM)
    assert rows() == before
    assert len(before) == len(catalogue.competencies()) + len(catalogue.cities())


def test_loading_brings_back_what_was_altered_under_the_same_id() -> None:
    before = rows()
    db.session.execute(update(Competency).values(name_en="?", aliases=[], place=0))
    db.session.execute(update(City).values(name_zh="?"))
    db.session.commit()
    load_seeds(SYSTEM)
    assert rows() == before


def test_the_catalogue_stands_in_the_order_of_its_file() -> None:
    assert [entry.code for entry in queries.competencies()] == [seed.code for seed in catalogue.competencies()]
    assert [city.code for city in queries.cities()] == [seed.code for seed in catalogue.cities()]


def test_every_name_leads_to_its_competency() -> None:
    names = queries.lexicon(queries.competencies())
    for seed in catalogue.competencies():
        for name in (seed.code, seed.name_zh, seed.name_en.upper(), *seed.aliases):
            assert names.find(name) == seed.code


def test_every_loading_leaves_a_trace() -> None:
    (before,) = factories.stored()
    counts = load_seeds(SYSTEM)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert factories.stored() == [before + 1]
    assert entry is not None
    assert entry.detail == {"competencies": counts[0], "cities": counts[1]}


def test_nobody_loads_seeds_but_the_command() -> None:
    with pytest.raises(Forbidden):
        load_seeds(factories.person(Role.ADMINISTRATOR))
