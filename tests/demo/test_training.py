"""The demo's term of practice keeps the rules that everybody has to keep, and the same seed gives the same term."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from talentbank.competencies import catalogue
from talentbank.demo import recipe, training
from talentbank.demo.training import Training

DIGEST = "3ce939135f99f5f88f50393e64535d7f97467b413de588fff445b15fbffdfb40"


@pytest.fixture(scope="module")
def term() -> Training:
    students = recipe.compose().students
    return training.compose(students, recipe.ENTERPRISES, recipe.SEED)


def test_the_same_seed_gives_the_same_term(term: Training) -> None:
    assert term.digest == DIGEST
    assert training.compose(recipe.compose().students, recipe.ENTERPRISES, 7).digest != DIGEST


def test_nobody_does_two_things_on_one_day_or_more_than_eight_hours(term: Training) -> None:
    days: dict[int, Counter[int]] = defaultdict(Counter)
    for enrolment in term.enrolments:
        for log in enrolment.logs:
            days[enrolment.student][log.day] += 1
            assert log.minutes <= 8 * 60
            assert log.starts >= 6 * 60
            assert log.starts + log.minutes <= 22 * 60
    for student, counts in days.items():
        twice = {day for day, count in counts.items() if count > 1}
        assert not twice, f"student {student} has two logs on {twice}"


def test_logs_lie_inside_of_their_resources_days_and_name_what_it_teaches(term: Training) -> None:
    for enrolment in term.enrolments:
        resource = term.resources[enrolment.resource]
        for log in enrolment.logs:
            assert resource.starts <= log.day <= min(-1, resource.ends)
            assert log.competencies
            assert set(log.competencies) <= {code for code, _ in resource.teaches}


def test_hours_and_seats_are_never_overrun(term: Training) -> None:
    held = Counter(e.resource for e in term.enrolments if e.state in ("accepted", "finished"))
    assert all(held[r] <= resource.seats for r, resource in enumerate(term.resources))
    for enrolment in term.enrolments:
        hours = sum(log.minutes for log in enrolment.logs) / 60
        assert hours <= term.resources[enrolment.resource].hours


def test_it_teaches_what_the_catalogue_names_in_every_category_and_kind(term: Training) -> None:
    codes = {entry.code for entry in catalogue.competencies()}
    assert {code for resource in term.resources for code, _ in resource.teaches} <= codes
    assert {resource.category for resource in term.resources} == set(catalogue.Category)
    assert {resource.kind for resource in term.resources} == {"course", "project", "internship", "mentoring"}
    assert {resource.owner[0] for resource in term.resources} == {"enterprise", "university", "zone"}


def test_who_signs_in_as_the_student_has_something_in_every_state(term: Training) -> None:
    own = [enrolment for enrolment in term.enrolments if enrolment.student == 0]
    assert {enrolment.state for enrolment in own} == {"finished", "accepted", "waiting"}
    states = {log.state for enrolment in own for log in enrolment.logs}
    assert states >= {"confirmed", "submitted", "sent_back", "draft"}
    assert any(enrolment.statement == "unanswered" for enrolment in own)
