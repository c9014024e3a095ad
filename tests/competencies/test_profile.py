"""A student's profile: what is stored, what is refused, and that verified levels are not for claiming."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from talentbank.audit import AuditEntry
from talentbank.competencies import queries, service
from talentbank.competencies.models import City, Competency, Student
from talentbank.competencies.service import ClaimedLevel, Profile
from talentbank.errors import Conflict, Forbidden, Invalid
from talentbank.extensions import db
from talentbank.permissions import SYSTEM, Actor, Role
from tests import market

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def actor() -> Actor:
    return market.person(Role.STUDENT, market.organisation(Role.UNIVERSITY))


def levels(actor: Actor) -> dict[str, tuple[int, int]]:
    db.session.expire_all()
    found = queries.own_profile(actor)
    assert found
    return {row.competency.code: (row.claimed, row.verified) for row in found.levels}


def test_loading_the_seeds_again_changes_nothing() -> None:
    def contents() -> list[object]:
        rows = [*db.session.scalars(select(Competency)), *db.session.scalars(select(City))]
        return [(type(row), row.name_zh, row.name_en, row.place) for row in rows]

    before = contents()
    assert service.load_seeds(SYSTEM) == (13, 6)
    assert contents() == before


def test_a_profile_is_stored_and_changed(actor: Actor) -> None:
    profile = Profile(
        categories=["design", "operations", "design"],
        cities=["meishan"],
        min_salary=85_000,
        cohort=2027,
        major=" 电子商务 ",
        levels=[ClaimedLevel("Platform Ops", 4), ClaimedLevel("团队协作", 2), ClaimedLevel("copywriting", 0)],
    )
    stored = service.save_profile(actor, profile, version=0)
    assert (stored.categories, stored.cities, stored.min_salary) == (["design", "operations"], ["meishan"], 85_000)
    assert (stored.major, stored.cohort, stored.version) == ("电子商务", 2027, 1)
    assert levels(actor) == {"platform_ops": (4, 0), "teamwork": (2, 0)}
    service.save_profile(actor, Profile(levels=[ClaimedLevel("teamwork", 5)]), version=1)
    assert levels(actor) == {"teamwork": (5, 0)}
    assert db.session.scalar(select(func.count()).select_from(Student)) == 1


def test_claiming_never_touches_what_is_verified() -> None:
    student, _ = market.student(market.organisation(Role.UNIVERSITY), {"platform_ops": 4}, {"platform_ops": 3})
    service.save_profile(student, Profile(levels=[ClaimedLevel("platform_ops", 5)]), version=1)
    assert levels(student) == {"platform_ops": (5, 3)}
    service.save_profile(student, Profile(), version=2)
    assert levels(student) == {"platform_ops": (0, 3)}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"levels": [ClaimedLevel("Data Analysys", 3)]}, "levels-0-level"),
        ({"levels": [ClaimedLevel("platform_ops", 6)]}, "levels-0-level"),
        ({"levels": [ClaimedLevel("platform_ops", -1)]}, "levels-0-level"),
        ({"levels": [ClaimedLevel("platform_ops", None)]}, "levels-0-level"),
        ({"levels": [ClaimedLevel("platform_ops", 3), ClaimedLevel("平台运营", 3)]}, "levels-1-level"),
        ({"categories": ["cooking"]}, "categories"),
        ({"cities": ["atlantis"]}, "cities"),
        ({"min_salary": -1}, "min_salary"),
        ({"min_salary": service.TOP_SALARY + 1}, "min_salary"),
        ({"cohort": 1850}, "cohort"),
        ({"major": "x" * 101}, "major"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field_and_nothing_is_stored(
    actor: Actor, values: dict[str, object], field: str
) -> None:
    entries = db.session.scalar(select(func.count()).select_from(AuditEntry))
    with pytest.raises(Invalid) as refused:
        service.save_profile(actor, Profile(**values), version=0)  # type: ignore[arg-type]
    assert set(refused.value.errors) == {field}
    assert queries.own_profile(actor) is None
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == entries


def test_an_unknown_competency_comes_with_the_nearest_three(actor: Actor) -> None:
    with pytest.raises(Invalid, match=r"Data Analysis|数据分析") as refused:
        service.save_profile(actor, Profile(levels=[ClaimedLevel("Data Analysys", 3)]), version=0)
    assert str(refused.value).count(", ") == 2


def test_a_profile_saved_in_two_windows_keeps_the_first(actor: Actor) -> None:
    service.save_profile(actor, Profile(cohort=2027), version=0)
    for version in (0, 2):
        with pytest.raises(Conflict):
            service.save_profile(actor, Profile(cohort=2030), version=version)
    stored = queries.own_profile(actor)
    assert stored and stored.cohort == 2027


def test_only_students_with_a_university_have_a_profile() -> None:
    with pytest.raises(Forbidden):
        service.save_profile(market.person(Role.STUDENT), Profile(), version=0)
    with pytest.raises(Forbidden):
        service.save_profile(market.person(Role.CHAMBER), Profile(), version=0)
