"""Logs that come late or came back are never trapped; those of others, or with others, are never touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from talentbank.deposits.resources.models import ResourceKind
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, today, transaction
from talentbank.permissions import Role
from talentbank.practice.evidence import Store
from talentbank.practice.logs import service
from talentbank.practice.models import (
    MENDABLE,
    EndStatement,
    EnrolmentState,
    LogEvent,
    LogState,
    PracticeLog,
)
from talentbank.practice.verification import service as verification
from talentbank.practice.verification.service import Verdict
from tests import factories
from tests.practice.logbook import (
    MONDAY,
    NINE,
    SUNDAY,
    TABLES,
    TUESDAY,
    draft,
    moment_of,
    refused,
    ruled,
    said,
    sent,
    signed,
    steps,
    stored,
)
from tests.practice.world import World

pytestmark = pytest.mark.usefixtures("in_english")


# Late, and no trap


def test_a_late_log_says_why_and_is_taken(w: World, store: Store, enrolment: int) -> None:
    sent(w, store, enrolment, day=today() - timedelta(days=14))
    day = today() - timedelta(days=15)
    assert refused(lambda: sent(w, store, enrolment, day=day)).keys() == {"late_reason"}
    log = stored(sent(w, store, enrolment, day=day, late_reason=" 当时生病 "))
    assert log.late_reason == "当时生病"


@pytest.mark.parametrize("verdict", [Verdict.SEND_BACK, Verdict.REJECT])
def test_what_comes_back_is_mended_and_sent_again(w: World, store: Store, enrolment: int, verdict: Verdict) -> None:
    log = sent(w, store, enrolment)
    verification.decide(w.host, [log.id], verdict, "写清楚", {log.id: stored(log).version})
    state = LogState.SENT_BACK if verdict is Verdict.SEND_BACK else LogState.REJECTED
    back = stored(log)
    assert (back.state, back.reason) == (state, "写清楚")
    service.save_draft(w.student, log.id, said(enrolment, done="写清楚了"), [], back.version, store)
    mended = stored(log)
    assert (mended.state, mended.reason) == (state, "写清楚")
    service.send(w.student, log.id, mended.version)
    again = stored(log)
    assert (again.state, again.reason, again.done) == (LogState.SUBMITTED, "", "写清楚了")
    assert steps(log) == [(LogState.SUBMITTED, ""), (state, "写清楚"), (LogState.SUBMITTED, "")]


def test_a_reversed_log_is_sent_again_and_paid_again(w: World, store: Store, enrolment: int) -> None:
    log = sent(w, store, enrolment)
    verification.decide(w.host, [log.id], Verdict.VERIFY, "", {log.id: stored(log).version})
    verification.confirm(w.university, [log.id], {log.id: stored(log).version})
    verification.reverse(w.university, log.id, "重复", stored(log).version)
    service.send(w.student, log.id, stored(log).version)
    verification.decide(w.host, [log.id], Verdict.VERIFY, "", {log.id: stored(log).version})
    verification.confirm(w.university, [log.id], {log.id: stored(log).version})
    assert stored(log).credit == 18


def _came_back(log_id: int, first_sent: date, state: LogState = LogState.SENT_BACK) -> None:
    """As if a log had been sent on a day and come back later."""
    with transaction():
        log = db.session.get_one(PracticeLog, log_id)
        log.state = state
        sent_at = moment_of(first_sent)
        db.session.add(LogEvent(log_id=log_id, at=sent_at, role=Role.STUDENT, state=LogState.SUBMITTED, reason=""))


def test_a_log_that_was_in_time_stays_so_however_late_it_came_back(w: World, store: Store, enrolment: int) -> None:
    day = today() - timedelta(days=40)
    log_id = w.log(enrolment, day)
    _came_back(log_id, day + timedelta(days=14))
    service.send(w.student, log_id, 1)


def test_a_log_cant_be_in_time_for_a_day_after_it_was_first_sent(w: World, store: Store, enrolment: int) -> None:
    day = today() - timedelta(days=40)
    log_id = w.log(enrolment, day)
    _came_back(log_id, day)
    moved = said(enrolment, day=day + timedelta(days=5))
    assert refused(lambda: service.save_and_send(w.student, log_id, moved, [], 1, store)).keys() == {"late_reason"}
    early = said(enrolment, day=day - timedelta(days=14))
    service.save_and_send(w.student, log_id, early, [], 1, store)


@pytest.mark.parametrize("state", [LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED])
@pytest.mark.parametrize("seat", [EnrolmentState.FINISHED, EnrolmentState.LEFT, EnrolmentState.REFUSED])
def test_what_came_back_is_sent_again_without_the_seat(
    w: World, store: Store, state: LogState, seat: EnrolmentState
) -> None:
    enrolment = w.enrolment(w.resource(), state=seat)
    with transaction():
        words = EndStatement(enrolment_id=enrolment, words="-", written_by=w.host.user_id, written_at=now())
        db.session.add(words)
    log_id = w.log(enrolment, MONDAY, state=state)
    service.send(w.student, log_id, 1)
    assert stored(log_id).state is LogState.SUBMITTED


def test_what_came_back_keeps_its_day_whatever_became_of_the_agreement(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    log_id = w.log(enrolment, MONDAY, state=LogState.SENT_BACK)
    signed(enrolment, TUESDAY, TUESDAY, TUESDAY)
    moved = said(enrolment, day=MONDAY - timedelta(days=1))
    assert refused(lambda: service.save_draft(w.student, log_id, moved, [], 1, store)).keys() == {"day"}
    service.save_and_send(w.student, log_id, said(enrolment, done="更清楚"), [], 1, store)


def _sent_back(w: World, *logs: PracticeLog) -> None:
    versions = {log.id: stored(log).version for log in logs}
    verification.decide(w.host, list(versions), Verdict.SEND_BACK, "写清楚", versions)


def test_what_came_back_is_sent_again_though_the_rules_are_stricter_by_then(
    w: World, store: Store, enrolment: int
) -> None:
    ruled(w, night_work=True, hours_a_day=12, hours_a_week=24)
    days = [MONDAY + timedelta(days=n) for n in range(2)]
    logs = [sent(w, store, enrolment, day=day, starts=11 * 60, ends=23 * 60) for day in days]
    _sent_back(w, *logs)
    ruled(w, hours_a_day=4, hours_a_week=8)
    same = {"starts": 11 * 60, "ends": 23 * 60}
    for changes in ({"starts": 11 * 60, "ends": 23 * 60 + 1}, {"day": SUNDAY, **same}, {"starts": 660, "ends": 0}):
        more = said(enrolment, **changes)
        log = stored(logs[0])
        assert refused(lambda more=more, log=log: service.save_draft(w.student, log.id, more, [], log.version, store))
    service.send(w.student, logs[0].id, stored(logs[0]).version)
    shorter = said(enrolment, day=days[1], done="写清楚了", starts=11 * 60, ends=22 * 60 + 30)
    service.save_draft(w.student, logs[1].id, shorter, [], stored(logs[1]).version, store)
    service.send(w.student, logs[1].id, stored(logs[1]).version)
    assert [stored(log).state for log in logs] == [LogState.SUBMITTED] * 2


def test_what_was_sent_in_its_place_counts_against_what_came_back(w: World, store: Store, enrolment: int) -> None:
    log = sent(w, store, enrolment, starts=NINE, ends=NINE + 6 * 60)
    _sent_back(w, log)
    sent(w, store, enrolment, starts=15 * 60, ends=18 * 60)
    assert refused(lambda: service.send(w.student, log.id, stored(log).version)).keys() == {"ends"}
    less = said(enrolment, starts=NINE, ends=NINE + 5 * 60)
    service.save_and_send(w.student, log.id, less, [], stored(log).version, store)


def test_two_that_came_back_and_never_counted_beside_each_other_do_not_both_count_again(
    w: World, store: Store, enrolment: int
) -> None:
    ruled(w, hours_a_day=4)
    one = sent(w, store, enrolment, starts=NINE, ends=NINE + 180)
    _sent_back(w, one)
    two = sent(w, store, enrolment, starts=NINE + 180, ends=NINE + 270)
    _sent_back(w, two)
    service.send(w.student, one.id, stored(one).version)
    assert refused(lambda: service.send(w.student, two.id, stored(two).version)).keys() == {"ends"}


def test_what_came_back_is_not_moved_onto_another_that_came_back(w: World, store: Store, enrolment: int) -> None:
    one = sent(w, store, enrolment, starts=NINE, ends=NINE + 5 * 60)
    two = sent(w, store, enrolment, day=TUESDAY, starts=NINE + 5 * 60, ends=NINE + 10 * 60)
    _sent_back(w, one, two)
    moved = said(enrolment, starts=NINE + 5 * 60, ends=NINE + 10 * 60)
    version = stored(two).version
    assert refused(lambda: service.save_draft(w.student, two.id, moved, [], version, store)).keys() == {"ends"}


# Hours without times, and too many drafts


HOURS_ONLY = {"starts": None, "ends": None, "minutes": 60}


@pytest.mark.parametrize("keep", [draft, sent])
def test_hours_alone_stand_only_where_nothing_else_is_on_the_day(
    w: World, store: Store, enrolment: int, keep: Callable[..., PracticeLog]
) -> None:
    other = w.enrolment(w.resource())
    keep(w, store, enrolment)
    for act in (draft, sent):
        errors = refused(lambda act=act: act(w, store, other, **HOURS_ONLY))
        assert "from when to when" in str(errors["hours"])
    keep(w, store, enrolment, day=TUESDAY, **HOURS_ONLY)
    for act in (draft, sent):
        errors = refused(lambda act=act: act(w, store, other, day=TUESDAY))
        assert "has only hours" in str(errors["ends"])
        errors = refused(lambda act=act: act(w, store, enrolment, day=TUESDAY, **HOURS_ONLY))
        assert "the same already" in str(errors["hours"])
        errors = refused(lambda act=act: act(w, store, enrolment, day=TUESDAY, **{**HOURS_ONLY, "minutes": 61}))
        assert "from when to when" in str(errors["hours"])


def test_drafts_with_only_hours_are_given_times_before_they_are_sent(w: World, store: Store, enrolment: int) -> None:
    drafts = [w.log(enrolment, MONDAY, hours=1, state=LogState.DRAFT) for _ in range(2)]
    for log_id in drafts:
        assert refused(lambda log_id=log_id: service.send(w.student, log_id, 1)).keys() == {"hours"}
    service.remove(w.student, drafts[0], store)
    service.send(w.student, drafts[1], 1)


def test_a_student_has_so_many_drafts_and_no_more(w: World, store: Store, enrolment: int) -> None:
    for number in range(service.MOST_DRAFTS):
        kept = w.log(enrolment, MONDAY, starts=10 * number, hours=1 / 6, state=LogState.DRAFT)
    tuesday = said(enrolment, day=TUESDAY)
    with pytest.raises(Invalid, match="60 drafts"):
        service.save_draft(w.student, None, tuesday, [], 0, store)
    service.save_and_send(w.student, None, tuesday, [], 0, store)
    service.remove(w.student, kept, store)
    draft(w, store, enrolment, day=SUNDAY)


# Somebody else's, and meanwhile


def test_strangers_enrolments_and_logs_are_not_found(w: World, store: Store, enrolment: int) -> None:
    other, other_id = w.another_student()
    log = draft(w, store, enrolment)
    before = factories.stored(*TABLES)
    for act in (
        lambda: service.save_draft(other, None, said(enrolment), [], 0, store),
        lambda: service.save_draft(other, log.id, said(enrolment), [], 1, store),
        lambda: service.save_and_send(other, log.id, said(enrolment), [], 1, store),
        lambda: service.send(other, log.id, 1),
        lambda: service.remove(other, log.id, store),
        lambda: service.send(w.student, log.id + 1, 1),
    ):
        with pytest.raises(NotFound):
            act()
    theirs = w.enrolment(w.resource(), other_id)
    assert refused(lambda: service.save_draft(w.student, log.id, said(theirs), [], 1, store)).keys() == {"enrolment"}
    assert factories.stored(*TABLES) == [*before[:-1], before[-1]]
    assert stored(log).enrolment_id == enrolment


def test_a_log_stays_with_its_training(w: World, store: Store, enrolment: int) -> None:
    log = draft(w, store, enrolment)
    other = w.enrolment(w.resource())
    assert refused(lambda: service.save_draft(w.student, log.id, said(other), [], 1, store)).keys() == {"enrolment"}


def test_without_a_profile_there_is_nothing_to_log(w: World, store: Store, enrolment: int) -> None:
    nobody = factories.person(Role.STUDENT)
    for act in (
        lambda: service.save_draft(nobody, None, said(enrolment), [], 0, store),
        lambda: service.send_week(nobody, MONDAY),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.STUDENT, Role.STRANGER, Role.SYSTEM}))
def test_only_students_keep_logs(w: World, store: Store, enrolment: int, role: Role) -> None:
    someone = w.host if role is Role.ENTERPRISE else factories.person(role)
    log = draft(w, store, enrolment)
    for act in (
        lambda: service.save_draft(someone, None, said(enrolment), [], 0, store),
        lambda: service.send(someone, log.id, 1),
        lambda: service.send_week(someone, MONDAY),
        lambda: service.remove(someone, log.id, store),
    ):
        with pytest.raises(Forbidden):
            act()
    assert stored(log).state is LogState.DRAFT


@pytest.mark.parametrize("state", sorted(set(LogState) - set(MENDABLE)))
def test_what_is_with_somebody_else_is_neither_changed_nor_sent_nor_removed(
    w: World, store: Store, enrolment: int, state: LogState
) -> None:
    log_id = w.log(enrolment, MONDAY, state=state)
    before = factories.stored(*TABLES)
    for act in (
        lambda: service.save_draft(w.student, log_id, said(enrolment), [], 1, store),
        lambda: service.save_and_send(w.student, log_id, said(enrolment), [], 1, store),
        lambda: service.send(w.student, log_id, 1),
        lambda: service.remove(w.student, log_id, store),
    ):
        with pytest.raises(Conflict):
            act()
    assert factories.stored(*TABLES) == before


def test_a_change_from_an_older_page_is_refused(w: World, store: Store, enrolment: int) -> None:
    log = draft(w, store, enrolment)
    service.save_draft(w.student, log.id, said(enrolment, done="新"), [], 1, store)
    for act in (
        lambda: service.save_draft(w.student, log.id, said(enrolment, done="旧"), [], 1, store),
        lambda: service.send(w.student, log.id, 1),
    ):
        with pytest.raises(Conflict):
            act()
    assert (stored(log).done, stored(log).version) == ("新", 2)
