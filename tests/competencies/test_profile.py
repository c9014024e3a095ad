"""A student's own profile: what is stored of it, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.competencies import queries
from talentbank.competencies.models import Student, StudentLevel
from talentbank.competencies.service import TOP_SALARY, ClaimedLevel, Profile, save_profile
from talentbank.errors import Conflict, Forbidden, Invalid
from talentbank.extensions import db
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")

GOOD = Profile(
    categories=("operations", "design"),
    cities=("meishan",),
    min_salary=80_000,
    cohort=2027,
    major=" 电子商务 ",
    levels=(ClaimedLevel("platform_ops", 4), ClaimedLevel("Data Analysis", 3)),
)


@pytest.fixture
def wei(app_context: None) -> Actor:
    return factories.person(Role.STUDENT)


def profile(actor: Actor) -> Student | None:
    db.session.rollback()
    db.session.expire_all()
    return queries.own_profile(actor)


def levels(actor: Actor) -> dict[str, tuple[int, int]]:
    found = profile(actor)
    assert found is not None
    return {row.competency.code: (row.claimed, row.verified) for row in found.levels}


def test_a_first_profile_is_stored_as_said(wei: Actor) -> None:
    save_profile(wei, GOOD, 0)
    found = profile(wei)
    assert found is not None
    assert (found.user_id, found.university_id) == (wei.user_id, wei.organisation_id)
    assert (found.categories, found.cities) == (["design", "operations"], ["meishan"])
    assert (found.min_salary, found.available, found.cohort, found.major_zh) == (80_000, True, 2027, "电子商务")
    assert found.version == 1
    assert levels(wei) == {"platform_ops": (4, 0), "data_analysis": (3, 0)}


def test_a_profile_with_nothing_in_it_accepts_anything(wei: Actor) -> None:
    save_profile(wei, Profile(), 0)
    found = profile(wei)
    assert found is not None
    assert (found.categories, found.cities, found.min_salary, found.levels) == ([], [], 0, [])


def test_saving_again_updates_the_same_profile(wei: Actor) -> None:
    first = save_profile(wei, GOOD, 0).id
    again = replace(GOOD, categories=(), min_salary=0, available=False, levels=(ClaimedLevel("数据分析", 5),))
    save_profile(wei, again, 1)
    found = profile(wei)
    assert found is not None
    assert (found.id, found.version) == (first, 2)
    assert (found.categories, found.min_salary, found.available) == ([], 0, False)
    assert levels(wei) == {"data_analysis": (5, 0)}


def test_a_level_of_zero_claims_nothing(wei: Actor) -> None:
    save_profile(wei, GOOD, 0)
    save_profile(wei, replace(GOOD, levels=(ClaimedLevel("platform_ops", 0), ClaimedLevel("copywriting", 0))), 1)
    assert levels(wei) == {}


def test_saving_leaves_verified_levels_as_they_are(wei: Actor) -> None:
    factories.student(wei, {"platform_ops": 2}, {"platform_ops": 3, "data_analysis": 4})
    save_profile(wei, replace(GOOD, levels=(ClaimedLevel("platform_ops", 5),)), 1)
    assert levels(wei) == {"platform_ops": (5, 3), "data_analysis": (0, 4)}
    save_profile(wei, replace(GOOD, levels=()), 2)
    assert levels(wei) == {"platform_ops": (0, 3), "data_analysis": (0, 4)}


def test_saving_leaves_a_trace(wei: Actor) -> None:
    made = save_profile(wei, GOOD, 0)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.CHANGE_PROFILE)).one()
    assert (entry.actor_id, entry.subject) == (wei.user_id, f"student:{made.id}")
    assert entry.detail == {"levels": {"platform_ops": 4, "data_analysis": 3}, "available": True}


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([ClaimedLevel("platform_ops", 6)], "levels-0-level"),
        ([ClaimedLevel("platform_ops", -1)], "levels-0-level"),
        ([ClaimedLevel("platform_ops", None)], "levels-0-level"),
        ([ClaimedLevel("platform_ops", 3), ClaimedLevel("platform_ops", 4)], "levels-1-level"),
        ([ClaimedLevel("platform_ops", 0), ClaimedLevel("平台运营", 4)], "levels-1-level"),
        ([ClaimedLevel("copywriting", 3), ClaimedLevel("", 4)], "levels-1-level"),
    ],
)
def test_a_level_that_is_none_is_refused_where_it_stands(wei: Actor, rows: list[ClaimedLevel], field: str) -> None:
    before = factories.stored(Student, StudentLevel)
    with pytest.raises(Invalid) as refused:
        save_profile(wei, replace(GOOD, levels=rows), 0)
    assert refused.value.errors.keys() == {field}
    assert factories.stored(Student, StudentLevel) == before


@pytest.mark.parametrize("name", ["Platfrom Opz", "数据分", "SEO"])
def test_an_unknown_competency_is_refused_with_the_three_nearest_names(wei: Actor, name: str) -> None:
    nearest = queries.lexicon(queries.competencies()).nearest(name)
    with pytest.raises(Invalid) as refused:
        save_profile(wei, replace(GOOD, levels=[ClaimedLevel(name, 3)]), 0)
    assert refused.value.errors.keys() == {"levels-0-level"}
    sentence = str(refused.value.errors["levels-0-level"])
    assert len(nearest) == 3
    assert all(near in sentence for near in [name, *nearest])
    assert profile(wei) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"categories": ["operations", "sorcery"]}, "categories"),
        ({"categories": [""]}, "categories"),
        ({"cities": ["atlantis"]}, "cities"),
        ({"cities": ["Meishan"]}, "cities"),
        ({"min_salary": -1}, "min_salary"),
        ({"min_salary": TOP_SALARY + 1}, "min_salary"),
        ({"cohort": 27}, "cohort"),
        ({"cohort": 2101}, "cohort"),
        ({"major": "电" * 101}, "major"),
    ],
)
def test_a_choice_that_is_not_offered_is_refused(wei: Actor, changes: dict[str, Sequence[str]], field: str) -> None:
    before = factories.stored(Student, StudentLevel)
    with pytest.raises(Invalid) as refused:
        save_profile(wei, replace(GOOD, **changes), 0)
    assert refused.value.errors.keys() == {field}
    assert factories.stored(Student, StudentLevel) == before


def test_a_refused_change_leaves_the_profile_as_it_was(wei: Actor) -> None:
    save_profile(wei, GOOD, 0)
    before = factories.stored(Student, StudentLevel)
    with pytest.raises(Invalid) as refused:
        save_profile(wei, Profile(cities=["atlantis"], min_salary=-1, levels=[ClaimedLevel("platform_ops", 9)]), 1)
    assert refused.value.errors.keys() == {"cities", "min_salary", "levels-0-level"}
    assert factories.stored(Student, StudentLevel) == before
    found = profile(wei)
    assert found is not None
    assert (found.cities, found.min_salary, found.version) == (["meishan"], 80_000, 1)
    assert levels(wei)["platform_ops"] == (4, 0)


@pytest.mark.parametrize("salary", [0, TOP_SALARY])
def test_the_ends_of_the_salary_floor_are_taken(wei: Actor, salary: int) -> None:
    assert save_profile(wei, replace(GOOD, min_salary=salary), 0).min_salary == salary


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_profile_that_was_saved_meanwhile_is_not_overwritten(wei: Actor, version: int) -> None:
    save_profile(wei, GOOD, 0)
    save_profile(wei, GOOD, 1)
    before = factories.stored(Student, StudentLevel)
    with pytest.raises(Conflict):
        save_profile(wei, replace(GOOD, min_salary=1), version)
    assert factories.stored(Student, StudentLevel) == before
    found = profile(wei)
    assert found is not None
    assert (found.min_salary, found.version) == (80_000, 2)


def test_a_change_of_a_profile_that_is_not_there_is_a_conflict(wei: Actor) -> None:
    with pytest.raises(Conflict):
        save_profile(wei, GOOD, 1)
    assert profile(wei) is None


def test_one_student_never_writes_into_anothers_profile(wei: Actor) -> None:
    other = factories.person(Role.STUDENT)
    save_profile(wei, GOOD, 0)
    save_profile(other, replace(GOOD, levels=()), 0)
    assert levels(wei) == {"platform_ops": (4, 0), "data_analysis": (3, 0)}
    assert levels(other) == {}


def test_a_student_of_no_university_is_told_so(wei: Actor) -> None:
    factories.user(wei).organisation_id = None
    db.session.commit()
    with pytest.raises(Forbidden):
        save_profile(wei, GOOD, 0)
    assert profile(wei) is None


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.STUDENT}))
def test_only_students_have_a_profile(role: Role) -> None:
    alone = {Role.STRANGER: STRANGER, Role.SYSTEM: SYSTEM}
    actor = alone.get(role) or factories.person(role)
    before = factories.stored(Student)
    with pytest.raises(Forbidden):
        save_profile(actor, GOOD, 0)
    assert factories.stored(Student) == before


def test_the_engine_sees_what_the_student_said(wei: Actor) -> None:
    factories.student(wei, {"platform_ops": 4}, {"platform_ops": 3}, cities=["meishan"], min_salary=90_000)
    found = profile(wei)
    assert found is not None
    candidate = queries.candidate(found)
    assert (candidate.id, candidate.cities, candidate.min_salary) == (str(found.id), {"meishan"}, 90_000)
    assert (candidate.claimed, candidate.verified) == ({"platform_ops": 4}, {"platform_ops": 3})
