"""Messages between students and enterprises: who may begin, who reads, what is refused, and that nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from talentbank.accounts.models import Organisation, Standing
from talentbank.audit import AuditEntry
from talentbank.deposits.models import Position, PositionState
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, transaction
from talentbank.messages import queries, service
from talentbank.messages.models import Message
from talentbank.notices import service as notices
from talentbank.notices.models import Notice
from talentbank.permissions import Action, Actor, Role
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer
from tests import factories
from tests.market import Market
from tests.rounds.life import opened, published
from tests.rounds.test_races import at_once
from tests.test_queries import counted

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def m(app_context: None) -> Market:
    return Market()


def told() -> list[tuple[int, str, dict[str, Any]]]:
    query = select(Notice.user_id, Notice.key, Notice.data).where(Notice.kind == "message").order_by(Notice.id)
    return [(user_id, key, data) for user_id, key, data in db.session.execute(query)]


def offer_of(student_id: int) -> int:
    return db.session.scalars(select(Offer.id).where(Offer.student_id == student_id)).one()


def store(model: type[Any], row_id: int | None, **values: Any) -> None:
    with transaction():
        db.session.execute(update(model).where(model.id == row_id).values(**values))


def words_of(actor: Actor, position_id: int, student_id: int) -> list[str]:
    return [message.words for message in queries.messages(queries.thread(actor, position_id, student_id), 1).items]


def test_a_student_asks_the_enterprise_answers_and_each_is_told(m: Market) -> None:
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, m.enterprise.organisation_id))
    gone = factories.person(Role.ENTERPRISE, db.session.get(Organisation, m.enterprise.organisation_id), active=False)
    asked = service.write(m.strong, m.shop, m.strong_id, "  Is there a dormitory?\r\nOr a bus?  ")
    assert asked.words == "Is there a dormitory?\nOr a bus?"
    about = {"position": m.shop, "student": m.strong_id, "title": "运营专员"}
    assert {row[0] for row in told()} == {m.enterprise.user_id, colleague.user_id}
    assert gone.user_id not in {row[0] for row in told()}
    assert all(row[1:] == (f"message:{asked.id}", about) for row in told())
    answered = service.write(colleague, m.shop, m.strong_id, "A bus.")
    assert not answered.from_student
    assert told()[-1] == (m.strong.user_id, f"message:{answered.id}", about)
    for actor in (m.strong, m.enterprise):
        assert words_of(actor, m.shop, m.strong_id) == ["A bus.", "Is there a dormitory?\nOr a bus?"]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.WRITE_MESSAGE)).first()
    assert entry and entry.detail == {"position": m.shop, "student": m.strong_id}


def test_an_enterprise_does_not_begin(m: Market) -> None:
    with pytest.raises(NotFound):
        service.write(m.enterprise, m.shop, m.strong_id, "We have a place for you!")
    assert factories.stored(Message)[0] == 0


def test_an_enterprise_begins_with_a_named_holder_of_its_offer_only(m: Market) -> None:
    published(m.chamber)
    for position, student in ((m.shop, m.strong_id), (m.studio, m.strong_id), (m.shop, m.artist_id)):
        with pytest.raises(NotFound):  # whether one of these holds the blind offer, an address must not tell
            service.write(m.enterprise, position, student, "We would be glad.")
    offers.answer_offer(m.strong, offer_of(m.strong_id), accepted=True)
    service.write(m.enterprise, m.shop, m.strong_id, "We are glad.")
    assert queries.thread(m.enterprise, m.shop, m.strong_id).named


def test_who_wrote_is_answered_also_after_declining(m: Market) -> None:
    published(m.chamber)
    service.write(m.strong, m.shop, m.strong_id, "How long is the way?")
    offers.answer_offer(m.strong, offer_of(m.strong_id), accepted=False, declined_for="pay")
    service.write(m.enterprise, m.shop, m.strong_id, "A pity.")


def test_an_accepted_offer_names_the_student_in_the_thread(m: Market) -> None:
    published(m.chamber)
    offers.answer_offer(m.strong, offer_of(m.strong_id), accepted=True)
    assert queries.thread(m.enterprise, m.shop, m.strong_id).named
    store(Position, m.shop, state=PositionState.CLOSED)
    service.write(m.strong, m.shop, m.strong_id, "When do I start?")
    service.write(m.enterprise, m.shop, m.strong_id, "On Monday.")


def test_a_blind_round_is_said_before_the_name_is_given_away(m: Market) -> None:
    assert queries.blind_round(m.shop, m.strong_id) is None
    found = opened(m.chamber)
    held = queries.blind_round(m.shop, m.strong_id)
    assert held and held.id == found.id
    assert not queries.thread(m.strong, m.shop, m.strong_id).named
    service.write(m.strong, m.shop, m.strong_id, "It is me.")
    assert queries.thread(m.enterprise, m.shop, m.strong_id).named


def test_an_accepted_offer_ends_the_blindness_and_a_seeing_round_has_none(m: Market) -> None:
    published(m.chamber)
    assert queries.blind_round(m.shop, m.strong_id)
    offers.answer_offer(m.strong, offer_of(m.strong_id), accepted=True)
    assert queries.blind_round(m.shop, m.strong_id) is None
    other = Market()
    opened(other.chamber, blind=False)
    assert queries.blind_round(other.shop, other.strong_id) is None


def test_nobody_else_reads_or_writes(m: Market) -> None:
    service.write(m.strong, m.shop, m.strong_id, "Private.")
    strangers = [m.weak, factories.person(Role.ENTERPRISE), factories.person(Role.STUDENT)]
    for actor in strangers:
        with pytest.raises(NotFound):
            queries.thread(actor, m.shop, m.strong_id)
        with pytest.raises(NotFound):
            service.write(actor, m.shop, m.strong_id, "Let me in.")
        with pytest.raises(NotFound):
            service.mark_read(actor, m.shop, m.strong_id)
        assert queries.threads(actor, "", None, 1)[1] == []
        assert (queries.unread(actor), queries.unread_in(actor, m.shop, m.strong_id)) == (0, [])
    for actor in (m.chamber, m.university, factories.person(Role.ADMINISTRATOR)):
        with pytest.raises(Forbidden):
            service.write(actor, m.shop, m.strong_id, "Let me in.")
        with pytest.raises(NotFound):
            queries.thread(actor, m.shop, m.strong_id)
    assert factories.stored(Message)[0] == 1


def test_a_position_that_is_not_on_show_is_not_asked_about_but_goes_on_being_spoken_of(m: Market) -> None:
    service.write(m.strong, m.shop, m.strong_id, "First.")
    store(Position, m.shop, state=PositionState.CLOSED)
    with pytest.raises(NotFound):
        service.write(m.weak, m.shop, m.weak_id, "Too late.")
    service.write(m.strong, m.shop, m.strong_id, "Second.")
    service.write(m.enterprise, m.shop, m.strong_id, "Third.")


@pytest.mark.parametrize(
    "end",
    [
        lambda m: store(Position, m.shop, state=PositionState.BLOCKED),
        lambda m: store(Organisation, m.enterprise.organisation_id, standing=Standing.REFUSED),
    ],
)
def test_what_the_chamber_has_stopped_is_read_and_not_written_in(m: Market, end: Callable[[Market], None]) -> None:
    service.write(m.strong, m.shop, m.strong_id, "Do you ask for a fee?")
    end(m)
    for actor in (m.strong, m.enterprise):
        assert words_of(actor, m.shop, m.strong_id) == ["Do you ask for a fee?"]
        with pytest.raises(Conflict):
            service.write(actor, m.shop, m.strong_id, "Still there?")


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 2001, "bell\a", "null\0", "escape\x1b[2J", "\ud800"])
def test_words_that_can_not_be_sent_are_refused_at_their_field(m: Market, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        service.write(m.strong, m.shop, m.strong_id, words)
    assert set(refused.value.errors) == {"words"}
    assert factories.stored(Message)[0] == 0


def test_words_may_be_long_have_lines_tabs_and_any_script(m: Market) -> None:
    for words in ("x" * 2000, "a\n\tb", "有宿舍吗？👩‍💻"):
        assert service.write(m.strong, m.shop, m.strong_id, words).words == words


def test_twenty_messages_an_hour_and_no_more(m: Market) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        for number in range(service.MOST_AN_HOUR):
            service.write(m.strong, (m.shop, m.studio)[number % 2], m.strong_id, f"Question {number}")
        with pytest.raises(Conflict, match="20"):
            service.write(m.strong, m.shop, m.strong_id, "And one more")
        service.write(m.weak, m.shop, m.weak_id, "Others may.")
        clock.move_to(start + timedelta(hours=1))
        service.write(m.strong, m.shop, m.strong_id, "And one more")


def test_what_is_sent_twice_by_a_double_click_is_sent_once(m: Market) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        service.write(m.strong, m.shop, m.strong_id, "Hello?")
        with pytest.raises(Conflict):
            service.write(m.strong, m.shop, m.strong_id, " Hello? ")
        service.write(m.strong, m.studio, m.strong_id, "Hello?")
        clock.shift(service.TWICE)
        service.write(m.strong, m.shop, m.strong_id, "Hello?")


def test_reading_marks_the_other_sides_messages_and_ones_own_notices_once(m: Market) -> None:
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, m.enterprise.organisation_id))
    asked = service.write(m.strong, m.shop, m.strong_id, "Hello?")
    service.write(m.strong, m.studio, m.strong_id, "Hello there?")
    assert (queries.unread(m.enterprise), queries.unread(m.strong)) == (2, 0)
    assert service.mark_read(m.strong, m.shop, m.strong_id) == []  # one's own are not read by oneself
    assert service.mark_read(m.enterprise, m.shop, m.strong_id) == [asked.id]
    first = db.session.get_one(Message, asked.id).read_at
    assert first
    assert service.mark_read(m.enterprise, m.shop, m.strong_id) == []
    assert db.session.get_one(Message, asked.id).read_at == first
    assert queries.unread(m.enterprise) == 1
    unread = set(
        db.session.scalars(
            select(Notice.user_id).where(Notice.read_at.is_(None), Notice.key == f"message:{asked.id}")
        )
    )
    assert unread == {colleague.user_id}
    assert notices.read_all(m.enterprise) == 1


@pytest.mark.parametrize("change", [{"words": "Never said."}, {"author_id": 1}, {"at": now()}])
def test_the_database_changes_no_message(m: Market, change: dict[str, Any]) -> None:
    asked = service.write(m.strong, m.shop, m.strong_id, "Said.")
    with pytest.raises(IntegrityError, match="append-only"):
        store(Message, asked.id, **change)
    with pytest.raises(IntegrityError, match="append-only"), transaction():
        db.session.execute(delete(Message).where(Message.id == asked.id))
    assert words_of(m.strong, m.shop, m.strong_id) == ["Said."]


def test_threads_wait_first_then_the_newest_and_say_what_is_unread(m: Market) -> None:
    service.write(m.weak, m.shop, m.weak_id, "One")
    service.write(m.weak, m.shop, m.weak_id, "Two")
    service.write(m.strong, m.shop, m.strong_id, "Three")
    service.write(m.artist, m.studio, m.artist_id, "Four")
    service.write(m.enterprise, m.studio, m.artist_id, "Five")

    def seen(actor: Actor, state: str = "", position_id: int | None = None) -> list[tuple[str, int, bool]]:
        rows = queries.threads(actor, state, position_id, 1)[1]
        return [(row.last.words, row.unread, row.waits_for(actor.role)) for row in rows]

    assert seen(m.enterprise) == [("Three", 1, True), ("Two", 2, True), ("Five", 1, False)]
    assert seen(m.enterprise, "waiting") == [("Three", 1, True), ("Two", 2, True)]
    service.mark_read(m.enterprise, m.shop, m.weak_id)
    assert seen(m.enterprise, "unread") == [("Three", 1, True), ("Five", 1, False)]
    assert seen(m.enterprise, "", m.studio) == [("Five", 1, False)]
    assert seen(m.artist) == [("Five", 1, True)]
    assert seen(m.weak) == [("Two", 0, False)]


def test_lists_ask_as_often_for_many_rows_as_for_few(m: Market) -> None:
    def ask(count: int) -> list[int]:
        for _ in range(count):
            actor, student_id = m.student({"platform_ops": 3})
            position_id = m.position({"platform_ops": 1})
            service.write(actor, position_id, student_id, "Hello?")
            with time_machine.travel(now() + timedelta(hours=2)):
                service.write(m.enterprise, position_id, student_id, "Hello.")
            service.write(m.strong, position_id, m.strong_id, f"Is {position_id} free?")
        asked = []
        for actor in (m.enterprise, m.strong):
            db.session.rollback()
            db.session.expunge_all()
            with counted() as statements:
                _, rows = queries.threads(actor, "", None, 1)
                assert all((r.last.position.enterprise.name, r.last.student.user.name) for r in rows)
                assert len(rows) >= count
            asked.append(len(statements))
            with counted() as statements:
                found = queries.thread(m.strong, rows[0].last.position_id, m.strong_id)
                assert all(message.author.name for message in queries.messages(found, 1).items)
            asked.append(len(statements))
        return asked

    few = ask(2)
    many = ask(15)
    assert few == many
    assert max(many) < 8


def test_the_same_words_sent_twice_at_once_arrive_once(app: Flask, m: Market) -> None:
    results = at_once(app, *[lambda: service.write(m.strong, m.shop, m.strong_id, "Hello?")] * 2)
    assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
    assert factories.stored(Message)[0] == 1
