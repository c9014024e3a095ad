"""Logs are kept as drafts and sent; what is refused, in whose words, and that nothing is stored then."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.deposits.resources.models import ResourceKind, ResourceState
from talentbank.engine.practice import at_night, week_of
from talentbank.errors import Invalid
from talentbank.extensions import db, now, today, transaction
from talentbank.permissions import Action, Role
from talentbank.practice.enrolments import agreements
from talentbank.practice.evidence import Store
from talentbank.practice.logs import checks, queries, service
from talentbank.practice.models import (
    COUNTED,
    Agreement,
    EndStatement,
    Enrolment,
    EnrolmentState,
    LogState,
    PracticeLog,
    PracticeRules,
)
from talentbank.practice.verification import service as verification
from talentbank.practice.verification.service import Verdict
from tests.practice.logbook import (
    MONDAY,
    NINE,
    NOON,
    SUNDAY,
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


def test_a_draft_is_kept_half_written_and_changed_until_it_is_sent(w: World, store: Store, enrolment: int) -> None:
    log = draft(w, store, enrolment, done="", competencies=())
    kept = stored(log)
    assert (kept.state, kept.minutes, kept.done, kept.version) == (LogState.DRAFT, 180, "", 1)
    assert (kept.competencies, kept.submitted_at) == ([], None)
    service.save_draft(w.student, log.id, said(enrolment, ends=NOON + 30, done=" 一\r\n二 "), [], 1, store)
    kept = stored(log)
    assert (kept.ends, kept.minutes, kept.done, kept.version) == (NOON + 30, 210, "一\n二", 2)
    assert [c.code for c in kept.competencies] == ["platform_ops"]
    assert steps(log) == []

    service.send(w.student, log.id, 2)
    kept = stored(log)
    assert (kept.state, kept.version) == (LogState.SUBMITTED, 3)
    assert kept.submitted_at is not None
    assert steps(log) == [(LogState.SUBMITTED, "")]
    trail = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.KEEP_LOG)).all()
    assert [entry.detail["step"] for entry in trail] == ["saved", "saved", "sent"]


def test_a_log_is_kept_and_sent_in_one_go(w: World, store: Store, enrolment: int) -> None:
    log = stored(sent(w, store, enrolment, competencies=("data_analysis", "platform_ops")))
    assert (log.state, log.student_id, log.reason) == (LogState.SUBMITTED, w.student_id, "")
    assert sorted(c.code for c in log.competencies) == ["data_analysis", "platform_ops"]
    assert [(event.state, event.user_id, event.role) for event in log.events] == [
        (LogState.SUBMITTED, w.student.user_id, Role.STUDENT)
    ]


@pytest.mark.parametrize(
    ("times", "stored_as"),
    [
        ({"starts": None, "ends": None, "minutes": 90}, (None, None, 90)),
        ({"starts": 20 * 60, "ends": 22 * 60, "minutes": 120}, (1200, 1320, 120)),
        ({"starts": 6 * 60, "ends": 6 * 60 + 1}, (360, 361, 1)),
    ],
)
def test_a_stretch_is_said_by_times_or_by_hours(
    w: World, store: Store, enrolment: int, times: dict[str, Any], stored_as: tuple[int | None, int | None, int]
) -> None:
    log = stored(sent(w, store, enrolment, **times))
    assert (log.starts, log.ends, log.minutes) == stored_as


def test_midnight_ends_a_day(w: World, store: Store, enrolment: int) -> None:
    ruled(w, night_work=True)
    log = stored(sent(w, store, enrolment, starts=22 * 60, ends=0))
    assert (log.starts, log.ends, log.minutes) == (22 * 60, 24 * 60, 120)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"day": None}, "day"),
    ({"day": today() + timedelta(days=1)}, "day"),
    ({"starts": None, "ends": None}, "hours"),
    ({"starts": None, "ends": None, "minutes": 0}, "hours"),
    ({"starts": None, "ends": None, "minutes": -60}, "hours"),
    ({"starts": None, "ends": None, "minutes": 24 * 60 + 1}, "hours"),
    ({"starts": None, "ends": None, "minutes": 8 * 60 + 1}, "hours"),
    ({"starts": None}, "starts"),
    ({"ends": None}, "ends"),
    ({"starts": NOON, "ends": NINE}, "ends"),
    ({"starts": NINE, "ends": NINE}, "ends"),
    ({"starts": -1}, "ends"),
    ({"ends": 24 * 60 + 1}, "ends"),
    ({"starts": NINE, "ends": NOON, "minutes": 60}, "hours"),
    ({"starts": 8 * 60, "ends": 16 * 60 + 1}, "ends"),
    ({"starts": 21 * 60, "ends": 22 * 60 + 1}, "ends"),
    ({"starts": 5 * 60 + 59, "ends": 8 * 60}, "ends"),
    ({"done": "x" * 2001}, "done"),
    ({"late_reason": "x" * 501}, "late_reason"),
    ({"competencies": ("teamwork",)}, "competencies"),
    ({"competencies": ("platform_ops", "sorcery")}, "competencies"),
]
MISSING: list[tuple[dict[str, Any], str]] = [
    ({"done": " \r\n"}, "done"),
    ({"competencies": ()}, "competencies"),
    ({"day": today() - timedelta(days=15)}, "late_reason"),
]


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_what_is_wrong_is_named_and_not_even_a_draft_is_stored(
    w: World, store: Store, enrolment: int, changes: dict[str, Any], field: str
) -> None:
    assert refused(lambda: draft(w, store, enrolment, **changes)).keys() == {field}
    assert field in refused(lambda: sent(w, store, enrolment, **changes))


@pytest.mark.parametrize(("changes", "field"), MISSING)
def test_what_is_missing_keeps_a_log_from_being_sent_but_not_from_being_kept(
    w: World, store: Store, enrolment: int, changes: dict[str, Any], field: str
) -> None:
    assert refused(lambda: sent(w, store, enrolment, **changes)).keys() == {field}
    log = draft(w, store, enrolment, **changes)
    assert refused(lambda: service.send(w.student, log.id, 1)).keys() == {field}
    assert stored(log).state is LogState.DRAFT


def test_all_that_is_wrong_and_missing_is_said_at_once(w: World, store: Store, enrolment: int) -> None:
    changes = {"done": "", "competencies": (), "starts": 21 * 60, "ends": 23 * 60}
    assert refused(lambda: sent(w, store, enrolment, **changes)).keys() == {"done", "competencies", "ends"}
    basic = {"day": None, "starts": None, "ends": None, "done": "x" * 3000}
    assert refused(lambda: sent(w, store, enrolment, **basic)).keys() == {"day", "hours", "done"}


def test_a_day_outside_of_the_trainings_dates_is_refused(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(starts_on=MONDAY, ends_on=TUESDAY))
    for day in (MONDAY - timedelta(days=1), TUESDAY + timedelta(days=1)):
        assert refused(lambda day=day: draft(w, store, enrolment, day=day)).keys() == {"day"}
    for day in (MONDAY, TUESDAY):
        sent(w, store, enrolment, day=day)


def test_a_withdrawn_training_takes_what_was_done_until_then(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(state=ResourceState.WITHDRAWN, withdrawn_on=MONDAY))
    assert refused(lambda: sent(w, store, enrolment, day=TUESDAY)).keys() == {"day"}
    sent(w, store, enrolment, day=MONDAY)


@pytest.mark.parametrize(
    "state", [EnrolmentState.ASKED, EnrolmentState.WAITING, EnrolmentState.REFUSED, EnrolmentState.LEFT]
)
def test_without_a_seat_nothing_is_logged(w: World, store: Store, state: EnrolmentState) -> None:
    enrolment = w.enrolment(w.resource(), state=state)
    assert refused(lambda: draft(w, store, enrolment)).keys() == {"enrolment"}
    assert refused(lambda: sent(w, store, enrolment)).keys() == {"enrolment"}


def test_a_draft_of_a_seat_that_was_given_up_is_not_sent(w: World, store: Store, enrolment: int) -> None:
    log = draft(w, store, enrolment)
    with transaction():
        db.session.get_one(Enrolment, enrolment).state = EnrolmentState.LEFT
    assert refused(lambda: service.send(w.student, log.id, 1)).keys() == {"enrolment"}


def test_what_was_done_before_the_supervisor_ended_it_can_still_be_logged(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(), state=EnrolmentState.FINISHED, decided_at=moment_of(MONDAY))
    with transaction():  # its words were corrected later
        words = EndStatement(enrolment_id=enrolment, words="-", written_by=w.host.user_id, written_at=now())
        db.session.add(words)
    sent(w, store, enrolment, day=MONDAY)
    assert refused(lambda: sent(w, store, enrolment, day=TUESDAY)).keys() == {"day"}


def test_an_internships_hours_count_from_the_third_signature_on(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    assert refused(lambda: draft(w, store, enrolment)).keys() == {"day"}
    signed(enrolment, MONDAY, MONDAY, None)
    assert refused(lambda: sent(w, store, enrolment)).keys() == {"day"}
    signed(enrolment, MONDAY, MONDAY, TUESDAY)
    assert refused(lambda: sent(w, store, enrolment, day=MONDAY)).keys() == {"day"}
    assert refused(lambda: sent(w, store, enrolment, day=TUESDAY)).keys() == {"starts"}  # nine, and signed at noon
    sent(w, store, enrolment, day=TUESDAY, starts=720, ends=900)
    sent(w, store, enrolment, day=TUESDAY + timedelta(days=1))


def test_an_internships_hours_count_on_while_changed_terms_wait_for_signatures(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    signed(enrolment, MONDAY, MONDAY, TUESDAY)
    agreements.propose(w.host, enrolment, "2.", "0" * 64)
    assert refused(lambda: sent(w, store, enrolment, day=MONDAY)).keys() == {"day"}
    sent(w, store, enrolment, day=TUESDAY)
    seen = agreements.digest("2.")
    for party, actor in (("student", w.student), ("university", w.university), ("host", w.host)):
        agreements.sign(actor, enrolment, party, seen)
    sent(w, store, enrolment, day=TUESDAY + timedelta(days=1))
    assert refused(lambda: sent(w, store, enrolment, day=MONDAY)).keys() == {"day"}


def test_a_signature_after_midnight_in_meishan_is_of_that_day(w: World, store: Store) -> None:
    enrolment = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
    signed(enrolment, MONDAY, MONDAY, None)
    with transaction():
        late = datetime.combine(MONDAY, time(17), UTC)  # one o'clock on Tuesday in Meishan
        db.session.get_one(Agreement, enrolment).host_signed_at = late
    assert refused(lambda: sent(w, store, enrolment, day=MONDAY)).keys() == {"day"}
    sent(w, store, enrolment, day=TUESDAY)


# Today, with a clock that stands still


@pytest.fixture
def at_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ten in the morning in Meishan, for whoever checks a log."""
    monkeypatch.setattr(queries, "now", lambda: moment_of(today(), 10))


@pytest.mark.usefixtures("at_ten")
def test_hours_to_come_are_refused_today(w: World, store: Store, enrolment: int) -> None:
    ruled(w, night_work=True, hours_a_day=24)
    day = {"day": today()}
    hours_only = {"starts": None, "ends": None}
    assert refused(lambda: draft(w, store, enrolment, **day, starts=NINE, ends=601)).keys() == {"ends"}
    assert refused(lambda: draft(w, store, enrolment, **day, **hours_only, minutes=601)).keys() == {"hours"}
    sent(w, store, enrolment, **day, **hours_only, minutes=600)


# Other logs of the student


@pytest.mark.parametrize("state", COUNTED)
def test_logs_that_count_never_overlap_on_whatever_training(w: World, store: Store, state: LogState) -> None:
    w.log(w.enrolment(w.resource()), MONDAY, starts=NINE, hours=3, state=state)
    other = w.enrolment(w.resource())
    for starts, ends in ((NINE - 60, NINE + 1), (NOON - 1, NOON + 60), (NINE + 60, NOON - 60), (NINE - 1, NOON + 1)):
        errors = refused(lambda starts=starts, ends=ends: sent(w, store, other, starts=starts, ends=ends))
        assert errors.keys() == {"ends"}
        assert "09:00–12:00" in str(errors["ends"])
    sent(w, store, other, starts=NINE - 60, ends=NINE)
    sent(w, store, other, starts=NOON, ends=NOON + 60)
    sent(w, store, other, day=TUESDAY)


@pytest.mark.parametrize("state", [LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED])
def test_a_log_that_came_back_blocks_nothing_and_can_be_blocked(w: World, store: Store, state: LogState) -> None:
    enrolment = w.enrolment(w.resource())
    back = w.log(enrolment, MONDAY, starts=NINE, hours=3, state=state)
    sent(w, store, enrolment)
    assert refused(lambda: service.send(w.student, back, 1)).keys() == {"ends"}


def test_anothers_practice_is_in_nobodys_way(w: World, store: Store, enrolment: int) -> None:
    _, other = w.another_student()
    w.log(w.enrolment(w.resource(), other), MONDAY, starts=NINE, hours=3)
    sent(w, store, enrolment)


def test_a_draft_is_not_kept_twice_for_the_same_time(w: World, store: Store, enrolment: int) -> None:
    log = draft(w, store, enrolment)
    assert refused(lambda: draft(w, store, enrolment, ends=NOON + 60)).keys() == {"ends"}
    draft(w, store, enrolment, starts=NOON, ends=NOON + 60)
    service.save_draft(w.student, log.id, said(enrolment, starts=NINE + 30), [], 1, store)


def test_hours_of_a_day_add_up_over_all_training(w: World, store: Store) -> None:
    one, two = w.enrolment(w.resource()), w.enrolment(w.resource())
    w.log(one, MONDAY, starts=NINE, hours=5, state=LogState.VERIFIED)
    w.log(one, MONDAY, starts=0, hours=8, state=LogState.DRAFT)
    errors = refused(lambda: sent(w, store, two, starts=14 * 60, ends=17 * 60 + 1))
    assert "8" in str(errors["ends"]) and "5" in str(errors["ends"])
    sent(w, store, two, starts=14 * 60, ends=17 * 60)


def test_hours_of_a_week_add_up_from_monday_to_sunday(w: World, store: Store, enrolment: int) -> None:
    for number in range(5):
        w.log(enrolment, MONDAY + timedelta(days=number), hours=7)
    assert refused(lambda: sent(w, store, enrolment, day=SUNDAY, starts=NINE, ends=14 * 60 + 1)).keys() == {"ends"}
    sent(w, store, enrolment, day=SUNDAY, starts=NINE, ends=14 * 60)
    assert refused(lambda: sent(w, store, enrolment, day=SUNDAY, starts=14 * 60, ends=14 * 60 + 1))
    sent(w, store, enrolment, day=MONDAY - timedelta(days=1), late_reason="病假")


def test_a_day_has_24_hours_whatever_the_university_allows(w: World, store: Store, enrolment: int) -> None:
    ruled(w, hours_a_day=24, hours_a_week=168, night_work=True)
    sent(w, store, enrolment, starts=0, ends=23 * 60)
    w.log(enrolment, MONDAY, starts=0, hours=0.5)  # as no rule of today would let it be sent
    assert "24" in str(refused(lambda: sent(w, store, enrolment, starts=23 * 60, ends=0))["ends"])
    sent(w, store, enrolment, starts=23 * 60, ends=23 * 60 + 30)


def test_night_work_is_the_universitys_to_allow(w: World, store: Store, enrolment: int) -> None:
    night = {"starts": 22 * 60, "ends": 23 * 60}
    assert refused(lambda: sent(w, store, enrolment, **night)).keys() == {"ends"}
    ruled(w, hours_a_day=20)
    assert refused(lambda: sent(w, store, enrolment, starts=None, ends=None, minutes=16 * 60 + 1)).keys() == {"hours"}
    ruled(w, night_work=True)
    sent(w, store, enrolment, **night)


# Whatever is sent in whatever order

STRETCHES = st.lists(
    st.tuples(
        st.integers(0, 1),  # which training
        st.integers(0, 8),  # days after Monday
        st.one_of(
            st.tuples(st.integers(0, 95), st.integers(1, 40)).map(lambda q: (15 * q[0], 15 * (q[0] + q[1]))),
            st.integers(1, 40).map(lambda quarters: 15 * quarters),
        ),
        st.sampled_from(["send", "draft", "back"]),
    ),
    max_size=10,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=STRETCHES, day_hours=st.integers(4, 10), week_hours=st.integers(12, 30), night=st.booleans())
def test_whatever_is_sent_in_whatever_order_what_counts_keeps_the_rules(
    store: Store, plan: list[tuple[int, int, Any, str]], day_hours: int, week_hours: int, night: bool
) -> None:
    w = World()
    ruled(w, hours_a_day=day_hours, hours_a_week=week_hours, night_work=night)
    enrolments = [w.enrolment(w.resource()) for _ in range(2)]
    for place, days, stretch, act in plan:
        times = {"starts": None, "ends": None, "minutes": stretch}
        if isinstance(stretch, tuple):
            times = {"starts": stretch[0], "ends": stretch[1]}
        entry = said(
            enrolments[place], day=MONDAY - timedelta(days=3) + timedelta(days=days), late_reason="-", **times
        )
        try:
            if act == "draft":
                service.save_draft(w.student, None, entry, [], 0, store)
                continue
            log = service.save_and_send(w.student, None, entry, [], 0, store)
        except Invalid:
            continue
        if act == "back":
            verification.decide(w.host, [log.id], Verdict.SEND_BACK, "-", {log.id: log.version})
    came_back = PracticeLog.student_id == w.student_id, PracticeLog.state == LogState.SENT_BACK
    for back in db.session.scalars(select(PracticeLog).where(*came_back)).all():
        try:
            service.send(w.student, back.id, back.version)
        except Invalid:
            continue
    for days in (-3, 4):
        try:
            service.send_week(w.student, MONDAY + timedelta(days=days))
        except Invalid:
            continue
    _assert_rules_kept(w, day_hours, week_hours, night)


def _assert_rules_kept(w: World, day_hours: int, week_hours: int, night: bool) -> None:
    query = select(PracticeLog).where(PracticeLog.student_id == w.student_id, PracticeLog.state.in_(COUNTED))
    logs = db.session.scalars(query).all()
    for log in logs:
        assert sum(other.minutes for other in logs if other.day == log.day) <= 60 * day_hours
        assert sum(o.minutes for o in logs if week_of(o.day) == week_of(log.day)) <= 60 * week_hours
        if log.starts is None or log.ends is None:
            continue
        assert night or not at_night(log.starts, log.ends)
        for other in logs:
            if other is not log and other.day == log.day and other.starts is not None and other.ends is not None:
                assert other.ends <= log.starts or log.ends <= other.starts


def test_the_checks_are_asked_for_moments_in_meishan() -> None:
    book = checks.Book(PracticeRules(), [], datetime(2026, 11, 23, 17, 30, tzinfo=UTC))
    assert (book.today, book.minute) == (date(2026, 11, 24), 90)
