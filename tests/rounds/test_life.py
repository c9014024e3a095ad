"""The life of a round: opened, frozen by hand or by the clock, closed, and followed by the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from talentbank.audit import AuditEntry
from talentbank.competencies import service as competencies
from talentbank.competencies.service import Profile
from talentbank.errors import Conflict, Forbidden, Invalid
from talentbank.extensions import SHANGHAI, db, now, transaction
from talentbank.notices.models import Notice
from talentbank.permissions import SYSTEM, Role
from talentbank.rounds import clock, entries, queries, service
from talentbank.rounds.models import Round, RoundPosition, RoundState, RoundStudent
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.service import Policy
from tests import factories
from tests.market import Market
from tests.rounds.life import opened, published
from tests.rounds.test_races import at_once

pytestmark = pytest.mark.usefixtures("app_context")


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Be at another moment, and read everything anew there and back."""
    with time_machine.travel(moment, tick=False):
        db.session.expire_all()
        yield
    db.session.expire_all()


def again(round_id: int) -> Round:
    db.session.expire_all()
    return queries.round_(round_id)


def told(kind: str) -> list[int]:
    db.session.rollback()
    return list(db.session.scalars(select(Notice.user_id).where(Notice.kind == kind).order_by(Notice.user_id)))


def offer_of(student_id: int) -> Offer:
    query = select(Offer).where(Offer.student_id == student_id).order_by(Offer.id.desc())
    return db.session.scalars(query.limit(1)).one()


def test_everybody_who_is_free_is_in_an_open_round_and_in_no_other() -> None:
    m = Market()
    first = opened(m.chamber)
    counts = entries.counts(first.id)
    assert (counts.students, counts.students_said, counts.positions, counts.seats) == (3, 0, 2, 3)
    second = opened(m.chamber)
    assert entries.counts(second.id).students == entries.counts(second.id).positions == 0
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(insert(RoundStudent).values(round_id=second.id, student_id=m.strong_id, number=9))
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(insert(RoundPosition).values(round_id=second.id, position_id=m.shop, seats=1))


def test_who_becomes_free_while_a_round_is_open_is_in_its_snapshot_and_who_leaves_is_not() -> None:
    m = Market()
    found = opened(m.chamber)
    _, late = m.student({"platform_ops": 3})
    competencies.save_profile(m.weak, Profile(available=False), version=1)
    kept = service.freeze(m.chamber, found.id, found.version)
    assert kept.students == 3
    assert str(late) in {c.id for c in service.Snapshot(runs.snapshot_text(kept.id)).candidates}
    numbers = db.session.scalars(select(RoundStudent.number).where(RoundStudent.round_id == found.id)).all()
    assert sorted(numbers) == [1, 2, 3, 4]


@pytest.mark.parametrize("days", [None, 0, -1, 181])
def test_a_deadline_lies_ahead_and_not_too_far(days: int | None) -> None:
    m = Market()
    draft = service.make_round(m.chamber, Policy(name="Round"))
    moment = None if days is None else now() + timedelta(days=days)
    with pytest.raises(Invalid) as refused:
        service.open_round(m.chamber, draft.id, draft.version, moment)
    assert set(refused.value.errors) == {"closes_at"}
    assert again(draft.id).state is RoundState.DRAFT


def test_only_the_clock_keeps_time() -> None:
    m = Market()
    for actor in (m.chamber, m.enterprise, m.strong):
        with pytest.raises(Forbidden):
            clock.tick(actor)


def test_a_round_freezes_when_its_deadline_has_passed_in_meishan_at_the_change_of_day() -> None:
    m = Market()
    # Midnight in Meishan is four in the afternoon of the day before in UTC.
    midnight = datetime(2027, 3, 2, 0, 0, tzinfo=SHANGHAI)
    with at(midnight - timedelta(days=2)):
        draft = service.make_round(m.chamber, Policy(name="Round"))
        found = service.open_round(m.chamber, draft.id, draft.version, midnight)
        assert found.closes_at == datetime(2027, 3, 1, 16, 0, tzinfo=UTC)
    with at(midnight - timedelta(seconds=1)):
        clock.tick(SYSTEM)
        assert again(found.id).state is RoundState.OPEN
        assert again(found.id).takes_preferences
    with at(midnight):
        assert not again(found.id).takes_preferences, "the deadline passes whether or not the clock has run"
        clock.tick(SYSTEM)
        assert again(found.id).state is RoundState.FROZEN
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.subject == f"round:{found.id}")).all()[-1]
        assert (entry.actor_name, entry.actor_id) == ("system", None)


def test_a_round_that_froze_by_itself_while_its_page_was_open_is_not_moved_on_from_there() -> None:
    m = Market()
    seen = opened(m.chamber).version
    [found] = queries.rounds()
    with at(now() + timedelta(days=8)):
        clock.tick(SYSTEM)
        for act in (service.freeze, service.cancel):
            with pytest.raises(Conflict):
                act(m.chamber, found.id, seen)
        with pytest.raises(Conflict):
            service.change_deadline(m.chamber, found.id, seen, now() + timedelta(days=1))
        assert again(found.id).state is RoundState.FROZEN


def test_a_round_with_nobody_in_it_stays_open_and_the_chamber_is_told_once() -> None:
    chamber = factories.person(Role.CHAMBER)
    found = opened(chamber)
    with at(now() + timedelta(days=8)):
        clock.tick(SYSTEM)
        entries_before = db.session.scalar(select(func.count()).select_from(AuditEntry))
        clock.tick(SYSTEM)
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == entries_before
        assert again(found.id).state is RoundState.OPEN
        assert told("empty_round") == [chamber.user_id]
        Market()
        clock.tick(SYSTEM)
        assert again(found.id).state is RoundState.FROZEN


def test_who_has_said_nothing_is_reminded_once_a_day_before_the_deadline() -> None:
    m = Market()
    found = opened(m.chamber)
    with transaction():
        entry = db.session.get_one(RoundStudent, (found.id, m.weak_id))
        entry.saved_at = now()
    clock.tick(SYSTEM)
    assert told("deadline_near") == []
    with at(now() + timedelta(days=6, hours=1)):
        for _ in range(2):
            clock.tick(SYSTEM)
        silent = sorted(a.user_id or 0 for a in (m.enterprise, m.strong, m.artist))
        assert told("deadline_near") == silent
        moved = again(found.id)
        service.change_deadline(m.chamber, moved.id, moved.version, now() + timedelta(days=3))
        clock.tick(SYSTEM)
        assert told("deadline_near") == silent
    with at(now() + timedelta(days=8, hours=6)):
        clock.tick(SYSTEM)
        assert told("deadline_near") == sorted(silent * 2)


def test_offers_are_reminded_of_lapse_and_then_their_round_closes_by_itself() -> None:
    m = Market()
    found, _ = published(m.chamber, offer_days=3)
    offers.answer_offer(m.strong, offer_of(m.strong_id).id, accepted=True)
    with at(now() + timedelta(days=2, hours=1)):
        for _ in range(2):
            clock.tick(SYSTEM)
        assert told("offer_near") == sorted(a.user_id or 0 for a in (m.weak, m.artist))
        assert again(found.id).state is RoundState.PUBLISHED
    with at(now() + timedelta(days=3, seconds=1)):
        for _ in range(2):
            clock.tick(SYSTEM)
        assert again(found.id).state is RoundState.CLOSED
        stored = db.session.scalars(select(Offer.stored_state).order_by(Offer.id)).all()
        assert sorted(stored) == [OfferState.ACCEPTED, OfferState.LAPSED, OfferState.LAPSED]


def test_what_goes_wrong_with_one_round_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    m = Market()
    broken = opened(m.chamber)
    Market()
    whole = opened(m.chamber)
    real = service.freeze

    def freeze(actor: service.Actor, round_id: int, version: int) -> object:
        if round_id == broken.id:
            raise RuntimeError("a disk is full")
        return real(actor, round_id, version)

    monkeypatch.setattr(service, "freeze", freeze)
    with at(now() + timedelta(days=8)):
        clock.tick(SYSTEM)
        assert again(broken.id).state is RoundState.OPEN
        assert again(whole.id).state is RoundState.FROZEN


def test_the_next_round_takes_up_whoever_is_free_and_what_is_left_under_the_same_policy() -> None:
    m = Market()
    found, _ = published(m.chamber, name="第1轮", most_ranked=4, blind=False, weights=(0.5, 0.25, 0.25))
    offers.answer_offer(m.strong, offer_of(m.strong_id).id, accepted=True)
    offers.answer_offer(m.artist, offer_of(m.artist_id).id, accepted=False, declined_for="pay")
    made = service.next_round(m.chamber, found.id, found.version)
    assert (made.name, made.state, made.previous_id) == ("第2轮", RoundState.OPEN, found.id)
    assert (made.most_ranked, made.blind, made.weight_student) == (4, False, 0.25)
    assert made.seed != found.seed
    assert made.closes_at is not None
    assert made.closes_at - now() > timedelta(hours=23)
    students = db.session.scalars(select(RoundStudent.student_id).where(RoundStudent.round_id == made.id)).all()
    assert students == [m.artist_id], "the weak one still holds an open offer"
    seats = db.session.execute(select(RoundPosition.position_id, RoundPosition.seats).filter_by(round_id=made.id))
    assert [tuple(row) for row in seats] == [(m.studio, 1)]
    with pytest.raises(Conflict):
        service.next_round(m.chamber, found.id, found.version)


def test_where_nobody_is_free_there_is_no_next_round() -> None:
    m = Market()
    found, _ = published(m.chamber)
    with pytest.raises(Conflict):
        service.next_round(m.chamber, found.id, found.version)
    assert len(queries.rounds()) == 1
    draft = service.make_round(m.chamber, Policy(name="Round"))
    with pytest.raises(Conflict):
        service.next_round(m.chamber, draft.id, draft.version)


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("Autumn 1", "Autumn 2"),
        ("第9轮", "第10轮"),
        ("Autumn 2026", "Autumn 2026 (2)"),
        ("Autumn 2026 (2)", "Autumn 2026 (3)"),
        ("秋季", "秋季 (2)"),
        ("x" * 120, "x" * 114 + " (2)"),
    ],
)
def test_names_count_up(name: str, following: str) -> None:
    m = Market()
    found, _ = published(m.chamber, name=name)
    offers.answer_offer(m.artist, offer_of(m.artist_id).id, accepted=False, declined_for="pay")
    assert service.next_round(m.chamber, found.id, found.version).name == following


def test_two_who_open_the_next_round_at_once_open_one(app: Flask) -> None:
    m = Market()
    found, _ = published(m.chamber)
    offers.answer_offer(m.artist, offer_of(m.artist_id).id, accepted=False, declined_for="pay")
    step = lambda: service.next_round(m.chamber, found.id, found.version)  # noqa: E731
    assert sorted(map(str, at_once(app, step, step))) == sorted(map(str, ["done", Conflict]))
    assert len(queries.rounds()) == 2


def test_two_clocks_at_once_freeze_once(app: Flask) -> None:
    m = Market()
    found = opened(m.chamber)
    with at(now() + timedelta(days=8)):
        tick = lambda: clock.tick(SYSTEM)  # noqa: E731
        assert at_once(app, tick, tick) == ["done", "done"]
        assert again(found.id).state is RoundState.FROZEN
        assert db.session.scalar(select(func.count()).select_from(service.StoredSnapshot)) == 1
