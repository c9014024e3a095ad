"""An enterprise's page: who sees it, and what its figures count."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from talentbank.accounts.models import Organisation, Standing
from talentbank.engine.indicators import Share
from talentbank.errors import NotFound
from talentbank.extensions import db, now, today
from talentbank.insight.enterprises import queries
from talentbank.insight.enterprises.answering import QUESTION_GRACE, START_GRACE, Case, measure, questions
from talentbank.insight.tables import FEW
from talentbank.messages import service as messages
from talentbank.permissions import Role
from talentbank.placements import service as placements
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import published
from tests.test_queries import counted
from tests.web.reader import Reads

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

THREADS = st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=30).map(
    lambda rows: [(student, NOW - h * HOUR) for student, h in sorted(rows, key=lambda row: -row[1])]
)
CASES = st.lists(
    st.builds(
        lambda asked, took: Case(1, NOW - asked * HOUR, None if took is None else NOW - max(0, asked - took) * HOUR),
        st.integers(0, 1000),
        st.none() | st.integers(0, 1000),
    ),
    max_size=30,
)


def thread(text: str) -> list[tuple[bool, datetime]]:
    """«s» the student, «e» the enterprise, an hour apart."""
    return [(sign == "s", NOW + place * HOUR) for place, sign in enumerate(text)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", []),
        ("e", []),
        ("s", [(0, None)]),
        ("se", [(0, 1)]),
        ("sse", [(0, 2)]),
        ("es", [(1, None)]),
        ("seese", [(0, 1), (3, 4)]),
        ("sess", [(0, 1), (2, None)]),
    ],
)
def test_a_question_follows_nothing_or_the_enterprise_and_is_answered_by_its_next_words(
    said: str, found: list[tuple[int, int | None]]
) -> None:
    expected = [Case(7, NOW + a * HOUR, None if b is None else NOW + b * HOUR) for a, b in found]
    assert questions(7, thread(said)) == expected


@given(THREADS)
def test_there_are_as_many_questions_as_turns_of_the_student_and_only_the_last_waits(
    said: list[tuple[bool, datetime]],
) -> None:
    found = questions(1, said)
    assert len(found) == sum(student for student, _ in groupby(said, lambda row: row[0]))
    assert all(case.answered_at for case in found[:-1])
    assert not found or (found[-1].answered_at is None) == said[-1][0]


@given(THREADS)
def test_saying_the_same_again_asks_nothing_more(said: list[tuple[bool, datetime]]) -> None:
    assert questions(1, said) == questions(1, [row for row in said for _ in range(2)])


@given(CASES, st.randoms())
def test_no_more_is_answered_than_asked_and_the_order_says_nothing(cases: list[Case], dice: random.Random) -> None:
    found = measure(cases, NOW, QUESTION_GRACE)
    assert found.share.numerator <= found.share.denominator
    assert found.share.denominator + found.waiting == len(cases)
    assert (found.wait is None) == (found.share.numerator == 0)
    shuffled = list(cases)
    dice.shuffle(shuffled)
    assert measure(shuffled, NOW, QUESTION_GRACE) == found


@given(CASES, st.integers(0, 1000))
def test_time_alone_never_betters_a_share(cases: list[Case], later: int) -> None:
    before, after = measure(cases, NOW, QUESTION_GRACE), measure(cases, NOW + later * HOUR, QUESTION_GRACE)
    assert after.share.numerator == before.share.numerator
    assert after.share.denominator >= before.share.denominator


def test_what_is_young_waits_until_the_day_and_a_late_answer_counts() -> None:
    young, old = Case(1, NOW - 7 * DAY + timedelta(seconds=1)), Case(1, NOW - 7 * DAY)
    late = Case(1, NOW - 40 * DAY, NOW - 10 * DAY)
    found = measure([young, old, late], NOW, QUESTION_GRACE)
    assert (found.share, found.waiting, found.wait) == (Share(1, 2), 1, 30 * DAY)
    assert (found.days, found.hours) == (30, 720)


def test_the_median_lies_between_two_in_the_middle_and_a_clock_set_back_counts_as_at_once() -> None:
    cases = [Case(1, NOW, NOW + hours * HOUR) for hours in (1, 2, 5, 90)]
    assert measure(cases, NOW, QUESTION_GRACE).hours == 3.5
    assert measure([Case(1, NOW, NOW - HOUR)], NOW, QUESTION_GRACE).hours == 0


def test_few_cases_give_no_share_and_few_answers_no_median() -> None:
    cases = [Case(1, NOW - 100 * DAY)] * FEW + [Case(1, NOW, NOW)] * (FEW - 1)
    found = measure(cases, NOW, START_GRACE)
    assert (found.tells, found.tells_wait) == (True, False)
    assert not measure(cases[: FEW - 1], NOW, START_GRACE).tells
    assert measure(cases[1 - FEW :] * 2, NOW, START_GRACE).tells_wait


@pytest.fixture
def m(app_context: None) -> Market:
    return Market()


def own(m: Market) -> int:
    assert m.enterprise.organisation_id
    return m.enterprise.organisation_id


def test_the_figures_count_threads_and_acceptances_of_this_enterprise_only(m: Market) -> None:
    published(m.chamber)
    other = factories.person(Role.ENTERPRISE)
    elsewhere = m.position({"platform_ops": 1}, of=other)
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        messages.write(m.strong, m.shop, m.strong_id, "Answered.")
        messages.write(m.weak, m.shop, m.weak_id, "Not answered.")
        messages.write(m.weak, elsewhere, m.weak_id, "Not theirs.")
        clock.shift(3 * HOUR)
        messages.write(m.enterprise, m.shop, m.strong_id, "Yes.")
        for student, student_id in ((m.strong, m.strong_id), (m.artist, m.artist_id)):
            offer = db.session.scalars(select(Offer.id).where(Offer.student_id == student_id)).one()
            offers.answer_offer(student, offer, accepted=True)
            if student is m.strong:
                clock.shift(2 * DAY)
                placements.start(m.enterprise, offer, today())
        shown = queries.enterprise(m.enterprise, own(m))
        assert (shown.messages.share, shown.messages.hours, shown.messages.waiting) == (Share(1, 1), 3, 1)
        assert (shown.starts.share, shown.starts.days, shown.starts.waiting) == (Share(1, 1), 2, 1)
        clock.shift(31 * DAY)
        shown = queries.enterprise(m.enterprise, own(m))
    assert (shown.messages.share, shown.starts.share) == (Share(1, 2), Share(1, 2))
    parts = {row.position.id: (row.messages.share, row.starts.share) for row in shown.by_position}
    assert parts == {m.shop: (Share(1, 2), Share(1, 1)), m.studio: (Share(0, 0), Share(0, 1))}


def test_only_approved_enterprises_are_shown_but_to_their_own_and_those_who_decide(m: Market) -> None:
    university = factories.organisation(Role.UNIVERSITY)
    for standing in (Standing.PENDING, Standing.REFUSED):
        hidden = factories.organisation(Role.ENTERPRISE, standing)
        inside = factories.person(Role.ENTERPRISE, db.session.get(Organisation, hidden.id))
        for actor in (inside, m.chamber, factories.person(Role.ADMINISTRATOR)):
            assert queries.enterprise(actor, hidden.id).organisation.id == hidden.id
        for actor in (m.strong, m.enterprise, m.university, factories.person(Role.ZONE)):
            with pytest.raises(NotFound):
                queries.enterprise(actor, hidden.id)
    for wrong in (university.id, 10**6):
        with pytest.raises(NotFound):
            queries.enterprise(m.chamber, wrong)


def test_what_is_counted_is_broken_down_for_its_own_people_and_the_chamber_only(m: Market) -> None:
    messages.write(m.strong, m.shop, m.strong_id, "Hello?")
    for actor in (m.enterprise, m.chamber):
        assert [row.position.id for row in queries.enterprise(actor, own(m)).by_position] == [m.shop]
    for actor in (m.strong, m.university, factories.person(Role.ENTERPRISE), factories.person(Role.ADMINISTRATOR)):
        assert queries.enterprise(actor, own(m)).by_position == []


def test_it_asks_as_often_for_many_threads_as_for_few(m: Market) -> None:
    def ask(count: int) -> int:
        for _ in range(count):
            actor, student_id = m.student({"platform_ops": 3})
            messages.write(actor, m.position({"platform_ops": 1}), student_id, "Hello?")
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            assert queries.enterprise(m.chamber, own(m)).messages.waiting >= count
        return len(statements)

    assert ask(2) == ask(20) < 10


@pytest.fixture
def bank(app: Flask) -> Market:
    """A market made in a context of its own, so that each page is read by whom it is meant for."""
    with app.app_context():
        return Market()


def test_the_page_says_too_few_and_later_a_share_with_its_interval(app: Flask, bank: Market, reads: Reads) -> None:
    path = f"/enterprises/{own(bank)}"
    student = reads(bank.strong)
    assert student.get(path).text.count("Too few to say") == 2
    with app.app_context():
        for _ in range(FEW):
            actor, student_id = bank.student({"platform_ops": 3})
            messages.write(actor, bank.shop, student_id, "Hello?")
            messages.write(bank.enterprise, bank.shop, student_id, "Hello.")
    page = student.get(path)
    assert "100 %" in page.text and "95 % interval: 57 % to 100 %" in page.text
    assert "Half of the answers came within 0.0 hours." in page.text
    assert page.text.count("Too few to say") == 1
    assert not [link for link in page.links() if link.startswith("/messages/")]


def test_each_reader_is_led_to_the_lists_that_it_may_open(app: Flask, bank: Market, reads: Reads) -> None:
    path = f"/enterprises/{own(bank)}"
    with app.app_context():
        messages.write(bank.strong, bank.shop, bank.strong_id, "Hello?")
        other = factories.person(Role.ENTERPRISE)
    inside, chamber, student = (reads(actor).get(path) for actor in (bank.enterprise, bank.chamber, bank.strong))
    assert f"/messages?position={bank.shop}" in inside.links()
    assert f"/offers?position={bank.shop}&state=accepted" in chamber.links()
    assert "reads none" in chamber.text and "reads none" not in inside.text
    assert not [link for link in chamber.links() if link.startswith("/messages")]
    assert "What these figures count" not in student.text
    for actor, page in ((bank.enterprise, inside), (bank.chamber, chamber), (bank.strong, student)):
        for link in page.links():
            if link.startswith(("/positions?", "/training?", "/offers?", "/messages?")):
                reads(actor).get(link)
    listed = reads(bank.strong).get(f"/positions?enterprise={own(bank)}&state=show")
    assert len([link for link in listed.links() if link.startswith("/positions/")]) == 2
    assert not [link for link in reads(other).get(path).links() if link.startswith("/positions?")]


def test_the_contact_is_not_shown_and_the_licence_is(app: Flask, bank: Market, reads: Reads) -> None:
    with app.app_context():
        organisation = db.session.get_one(Organisation, own(bank))
        organisation.contact, organisation.licence = "call 12345", "91510100MA6CABCD1X"
        db.session.commit()
    text = reads(bank.strong).get(f"/enterprises/{own(bank)}").text
    assert "91510100MA6CABCD1X" in text
    assert "12345" not in text
