"""Supervisors verify, send back or reject, many at once; universities and supervisors take it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts.models import Organisation, User
from talentbank.audit import AuditEntry
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, today, transaction
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.permissions import Action, Actor, Role
from talentbank.practice import queries as practice
from talentbank.practice.evidence import Kind
from talentbank.practice.models import Evidence, LogEvent, LogState, PracticeLog
from talentbank.practice.verification import queries, service
from talentbank.practice.verification.service import Verdict
from tests import factories
from tests.practice.world import World, verified
from tests.test_queries import counted
from tests.web.reader import Reader


def stored(log_id: int) -> PracticeLog:
    """A log as it is stored now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(PracticeLog, log_id)


def decide(actor: Actor, *log_ids: int, verdict: Verdict = Verdict.VERIFY, reason: str = "") -> list[PracticeLog]:
    """Decide about logs as they stand."""
    return service.decide(actor, log_ids, verdict, reason, {log_id: stored(log_id).version for log_id in log_ids})


def steps(log_id: int) -> list[tuple[LogState, str]]:
    """What happened to a log."""
    events = db.session.scalars(select(LogEvent).where(LogEvent.log_id == log_id).order_by(LogEvent.id))
    return [(event.state, event.reason) for event in events]


def trail(action: Action) -> list[tuple[str, dict[str, object]]]:
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
    return [(entry.subject, entry.detail) for entry in entries]


def test_many_are_verified_at_once_and_say_who_did_it(w: World) -> None:
    _, other_student = w.another_student()
    resource = w.resource()
    logs = [w.log(w.enrolment(resource)), w.log(w.enrolment(resource, other_student))]
    decide(w.host, *logs)
    for log_id in logs:
        log = stored(log_id)
        assert (log.state, log.verified_by, log.version) == (LogState.VERIFIED, w.host.user_id, 2)
        assert log.verified_at is not None
        assert steps(log_id) == [(LogState.VERIFIED, "")]
    assert trail(Action.VERIFY_LOG) == [
        (f"practicelog:{log_id}", {"verdict": "verify", "minutes": 240}) for log_id in logs
    ]


@pytest.mark.parametrize(
    ("verdict", "state"), [(Verdict.SEND_BACK, LogState.SENT_BACK), (Verdict.REJECT, LogState.REJECTED)]
)
def test_sending_back_and_rejecting_ask_for_a_reason_and_keep_it(w: World, verdict: Verdict, state: LogState) -> None:
    log_id = w.log(w.enrolment(w.resource()))
    before = factories.stored(LogEvent)
    for reason in ("", "  \n"):
        with pytest.raises(Invalid) as refused:
            decide(w.host, log_id, verdict=verdict, reason=reason)
        assert set(refused.value.errors) == {"reason"}
    assert factories.stored(LogEvent) == before
    decide(w.host, log_id, verdict=verdict, reason=" Which shop was it? ")
    log = stored(log_id)
    assert (log.state, log.reason, log.verified_at) == (state, "Which shop was it?", None)
    assert steps(log_id) == [(state, "Which shop was it?")]
    assert verified(w.student_id) == {}


def test_a_batch_is_done_whole_or_not_at_all(w: World) -> None:
    enrolment = w.enrolment(w.resource())
    good, done = w.log(enrolment), w.log(enrolment, state=LogState.VERIFIED)
    strange = w.log(w.enrolment(w.resource(host=factories.person(Role.ENTERPRISE))))
    before = factories.stored(LogEvent)
    with pytest.raises(Conflict):
        decide(w.host, good, done)
    with pytest.raises(NotFound):
        decide(w.host, good, strange)
    with pytest.raises(NotFound):
        service.decide(w.host, [good, 999_999], Verdict.VERIFY, "", {good: 1, 999_999: 1})
    assert stored(good).state is LogState.SUBMITTED
    assert factories.stored(LogEvent) == before


def test_verifying_twice_is_refused_with_a_sentence_that_names_the_log(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource()))
    decide(w.host, log_id)
    for version in (1, 2):
        with pytest.raises(Conflict, match="is verified already") as refused:
            service.decide(w.host, [log_id], Verdict.VERIFY, "", {log_id: version})
        assert stored(log_id).day.isoformat() in str(refused.value)
    assert steps(log_id) == [(LogState.VERIFIED, "")]


@pytest.mark.parametrize(
    "state",
    [
        LogState.DRAFT,
        LogState.SENT_BACK,
        LogState.REJECTED,
        LogState.VERIFIED,
        LogState.CONFIRMED,
        LogState.DECLINED,
        LogState.REVERSED,
    ],
)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_what_was_sent_and_waits_is_decided_about(w: World, state: LogState, verdict: Verdict) -> None:
    log_id = w.log(w.enrolment(w.resource()), state=state)
    with pytest.raises(Conflict):
        decide(w.host, log_id, verdict=verdict, reason="because")
    assert stored(log_id).state is state


def test_a_log_that_was_mended_since_it_was_shown_is_looked_at_again(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource()), version=3)
    for versions in ({log_id: 2}, {}):
        with pytest.raises(Conflict, match="was changed meanwhile"):
            service.decide(w.host, [log_id], Verdict.VERIFY, "", versions)
    assert stored(log_id).state is LogState.SUBMITTED


def test_only_the_resources_own_supervisor_decides(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource()))
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, w.host.organisation_id))
    for stranger in (colleague, factories.person(Role.ENTERPRISE), factories.person(Role.ZONE), w.university):
        with pytest.raises(NotFound):
            decide(stranger, log_id)
    for role in (w.student, w.chamber, factories.person(Role.GOVERNMENT)):
        with pytest.raises(Forbidden):
            decide(role, log_id)
    assert stored(log_id).state is LogState.SUBMITTED


@pytest.mark.parametrize("role", [Role.ZONE, Role.UNIVERSITY])
def test_the_zone_and_universities_verify_on_what_they_host(w: World, role: Role) -> None:
    host = factories.person(role)
    log_id = w.log(w.enrolment(w.resource(host=host)))
    decide(host, log_id)
    assert stored(log_id).state is LogState.VERIFIED


def test_nobody_verifies_their_own(w: World) -> None:
    resource = w.resource(supervisor_id=w.student.user_id)
    log_id = w.log(w.enrolment(resource))
    in_two_roles = Actor(Role.ENTERPRISE, w.student.user_id, w.host.organisation_id, "both")
    with pytest.raises(Forbidden, match="Nobody verifies their own"):
        decide(in_two_roles, log_id)
    assert stored(log_id).state is LogState.SUBMITTED


def test_what_can_not_be_a_batch_is_refused(w: World) -> None:
    for log_ids, errors in (([], {"log"}), (range(1, service.MOST_AT_ONCE + 2), {"log"})):
        with pytest.raises(Invalid) as refused:
            service.decide(w.host, list(log_ids), Verdict.VERIFY, "", {})
        assert set(refused.value.errors) == errors
    with pytest.raises(Invalid) as refused:
        service.decide(w.host, [], Verdict.REJECT, "x" * (service.LONGEST_REASON + 1), {})
    assert set(refused.value.errors) == {"log", "reason"}


@pytest.fixture
def heard() -> Iterator[list[tuple[Actor, int, int, str]]]:
    """What those who registered with on_reversal are told."""
    told: list[tuple[Actor, int, int, str]] = []

    def hear(*what: object) -> None:
        told.append(what)  # type: ignore[arg-type]

    service.on_reversal(hear)
    yield told
    service._reversals.remove(hear)


def confirmed(w: World, enrolment_id: int, **values: object) -> int:
    """A log that was verified and confirmed by the services."""
    log_id = w.log(enrolment_id, **values)  # type: ignore[arg-type]
    decide(w.host, log_id)
    service.confirm(w.university, [log_id], {log_id: stored(log_id).version})
    return log_id


def test_the_supervisor_takes_back_what_the_university_has_not_decided(w: World, heard: list[object]) -> None:
    enrolment = w.enrolment(w.resource({"platform_ops": 3}))
    log_id = w.log(enrolment, hours=14)
    decide(w.host, log_id)
    assert verified(w.student_id) == {"platform_ops": 1}
    service.reverse(w.host, log_id, " It was somebody else. ", 2)
    log = stored(log_id)
    assert (log.state, log.reason, log.version) == (LogState.REVERSED, "It was somebody else.", 3)
    assert (log.verified_at, log.verified_by) == (None, None)
    assert verified(w.student_id) == {}
    assert heard == [(w.host, w.student_id, enrolment, "It was somebody else.")]
    assert steps(log_id) == [(LogState.VERIFIED, ""), (LogState.REVERSED, "It was somebody else.")]
    detail = {"credit": None, "entry": None, "levels": 1}
    assert trail(Action.REVERSE_LOG) == [(f"practicelog:{log_id}", detail)]


def test_the_supervisor_leaves_alone_what_the_university_decided(w: World, heard: list[object]) -> None:
    for state in (LogState.CONFIRMED, LogState.DECLINED):
        log_id = w.log(w.enrolment(w.resource()), state=state)
        with pytest.raises(Conflict, match="only it can take this back"):
            service.reverse(w.host, log_id, "because", 1)
        assert stored(log_id).state is state
    assert heard == []


def test_the_university_takes_back_a_paid_log_with_its_credits(w: World, heard: list[object]) -> None:
    resource = w.resource({"platform_ops": 3}, credits=100)
    log_id = confirmed(w, w.enrolment(resource), hours=14)
    assert (accounts.balance(f"student:{w.student_id}"), accounts.balance(f"resource:{resource}")) == (87, 13)
    service.reverse(w.university, log_id, "The hours were of last term.", stored(log_id).version)
    log = stored(log_id)
    assert log.state is LogState.REVERSED
    assert (log.credit, log.rate, log.entry_number, log.confirmed_at, log.confirmed_by) == (None,) * 5
    assert (accounts.balance(f"student:{w.student_id}"), accounts.balance(f"resource:{resource}")) == (0, 100)
    assert verified(w.student_id) == {}
    assert len(heard) == 1
    assert ledger.verify().fault is None


def test_what_was_taken_back_can_be_sent_verified_and_paid_again_once(w: World) -> None:
    log_id = confirmed(w, w.enrolment(w.resource()), hours=8)
    service.reverse(w.university, log_id, "Wrong day.", stored(log_id).version)
    with transaction():
        log = db.session.get_one(PracticeLog, log_id)
        log.state, log.version = LogState.SUBMITTED, log.version + 1
    decide(w.host, log_id)
    service.confirm(w.university, [log_id], {log_id: stored(log_id).version})
    assert accounts.balance(f"student:{w.student_id}") == stored(log_id).credit == 50
    assert ledger.verify().fault is None


@pytest.mark.parametrize("state", [LogState.VERIFIED, LogState.DECLINED])
def test_the_university_takes_back_what_was_never_paid(w: World, state: LogState) -> None:
    log_id = w.log(w.enrolment(w.resource()), state=state)
    service.reverse(w.university, log_id, "because", 1)
    assert stored(log_id).state is LogState.REVERSED


@pytest.mark.parametrize(
    "state", [LogState.DRAFT, LogState.SUBMITTED, LogState.SENT_BACK, LogState.REJECTED, LogState.REVERSED]
)
def test_what_does_not_stand_as_verified_can_not_be_taken_back(w: World, state: LogState) -> None:
    log_id = w.log(w.enrolment(w.resource()), state=state)
    for actor in (w.university, w.host):
        with pytest.raises(Conflict):
            service.reverse(actor, log_id, "because", 1)
    assert stored(log_id).state is state


def test_who_may_take_back_is_told_before_they_try(w: World) -> None:
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, w.host.organisation_id))
    enrolment = w.enrolment(w.resource())
    found = {}
    for state in LogState:
        log = practice.log(w.student, w.log(enrolment, state=state))
        actors = {"host": w.host, "university": w.university, "colleague": colleague, "chamber": w.chamber}
        found[state] = {name for name, actor in actors.items() if queries.may_reverse(actor, log)}
    assert found.pop(LogState.VERIFIED) == {"host", "university"}
    assert found.pop(LogState.CONFIRMED) == found.pop(LogState.DECLINED) == {"university"}
    assert set().union(*found.values()) == set()


def test_taking_back_asks_for_a_reason_and_the_version_that_was_shown(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource()), state=LogState.VERIFIED)
    with pytest.raises(Invalid) as refused:
        service.reverse(w.university, log_id, " ", 1)
    assert set(refused.value.errors) == {"reason"}
    with pytest.raises(Conflict, match="was changed meanwhile"):
        service.reverse(w.university, log_id, "because", 2)
    assert stored(log_id).state is LogState.VERIFIED


def test_strangers_take_nothing_back(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource()), state=LogState.VERIFIED)
    for stranger in (factories.person(Role.UNIVERSITY), factories.person(Role.ENTERPRISE)):
        with pytest.raises(NotFound):
            service.reverse(stranger, log_id, "because", 1)
    for role in (w.student, w.chamber):
        with pytest.raises(Forbidden):
            service.reverse(role, log_id, "because", 1)


def test_credits_that_were_withdrawn_can_not_be_taken_back_and_nothing_is_lost(w: World) -> None:
    log_id = confirmed(w, w.enrolment(w.resource()), hours=8)
    with transaction():
        ledger.withdraw(w.student, f"student:{w.student_id}", w.university.organisation_id or 0, 30)
    with pytest.raises(Conflict, match=r"holds only 0\.20 of the 0\.50"):
        service.reverse(w.university, log_id, "because", stored(log_id).version)
    assert stored(log_id).state is LogState.CONFIRMED
    assert accounts.balance(f"student:{w.student_id}") == 20


def test_the_queue_holds_what_waits_for_the_actor_an_enrolments_logs_together_the_longest_first(w: World) -> None:
    _, second = w.another_student()
    resource = w.resource()
    early, late = w.enrolment(resource), w.enrolment(resource, second)
    ages = [(late, 3), (early, 9), (early, 1), (late, 2)]
    logs = [w.log(enrolment, submitted_at=now() - timedelta(days=days)) for enrolment, days in ages]
    w.log(early, state=LogState.VERIFIED)
    w.log(w.enrolment(w.resource(host=factories.person(Role.ENTERPRISE))))
    page = queries.waiting(w.host, 1)
    assert [log.id for log in page.items] == [logs[1], logs[2], logs[0], logs[3]]
    assert [(group.enrolment.id, len(group.logs)) for group in queries.groups(page.items)] == [(early, 2), (late, 2)]
    assert queries.count(queries.to_verify(w.host)) == page.total == 4
    assert queries.waits_for(w.host) == queries.Waits(logs=4, overdue=1)
    assert queries.waits_for(w.university) == queries.Waits(logs=0, overdue=0)


def test_the_queues_ask_as_often_for_many_logs_as_for_few(w: World) -> None:
    def ask(count: int) -> list[int]:
        for _ in range(count):
            _, student = w.another_student()
            enrolment = w.enrolment(w.resource({"platform_ops": 3, "data_analysis": 2}), student)
            for state in (LogState.SUBMITTED, LogState.VERIFIED):
                w.log(enrolment, state=state)
        asked = []
        for read in (
            lambda: queries.waiting(w.host, 1).items,
            lambda: queries.confirming(w.university, 1).items,
        ):
            db.session.rollback()
            db.session.expunge_all()
            with counted() as statements:
                for log in read():
                    shown = log.enrolment
                    assert shown.student.user.shown_name
                    assert shown.resource.supervisor.shown_name
                    assert log.competencies[0].name
                    assert not log.evidence
                    assert not log.chases
            asked.append(len(statements))
        return asked

    few = ask(2)
    assert ask(15) == few
    assert max(few) < 10


def reader(app: Flask, actor: Actor) -> Reader:
    """Somebody who reads pages; outside of an application context, which would keep who asked first."""
    with app.app_context():
        return Reader(app, factories.user(actor).get_id())


def test_the_chamber_sees_that_a_supervisors_account_is_closed(app: Flask) -> None:
    with app.app_context():
        w = World()
        w.log(w.enrolment(w.resource()), submitted_at=now() - timedelta(days=8))
    assert "account closed" not in reader(app, w.chamber).get("/practice/overdue").text
    with app.app_context(), transaction():
        db.session.get_one(User, w.host.user_id).active = False
    assert "account closed" in reader(app, w.chamber).get("/practice/overdue").text


def test_a_link_ticks_all_or_an_enrolments_or_one_log(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolments = [w.enrolment(w.resource()) for _ in range(2)]
        logs = [w.log(enrolments[n // 2], today() - timedelta(days=n)) for n in range(3)]
    someone = reader(app, w.host)

    def ticked(tick: str) -> set[str]:
        page = someone.get(f"/practice/waiting?tick={tick}")
        return {str(box["value"]) for box in page.soup.select("input[name=log][checked]")}

    assert ticked("all") == {f"{log_id}:1" for log_id in logs}
    assert ticked(str(enrolments[0])) == {f"{log_id}:1" for log_id in logs[:2]}
    link = next(link for link in someone.get(f"/practice/logs/{logs[0]}").links() if "tick=" in link)
    assert ticked(link.split("tick=")[1].split("#")[0]) == {f"{logs[0]}:1"}


def test_the_page_shows_all_that_a_verdict_needs_and_takes_it(app: Flask) -> None:
    with app.app_context():
        w = World()
        enrolment = w.enrolment(w.resource())
        first = w.log(enrolment, hours=7.5, starts=540, done="Wrote 12 listings <b>")
        second = w.log(enrolment, today(), late_reason="I was ill.")
        evidence = Evidence(
            log_id=first, name="截图.png", kind=Kind.PNG, size=9, digest="d" * 64, key="k" * 32, added_at=now()
        )
        with transaction():
            db.session.add(evidence)
    someone = reader(app, w.host)
    page = someone.get("/practice/waiting")
    for shown in ("Wrote 12 listings <b>", "7.5", "09:00–16:30", "Platform Ops", "no evidence", "I was ill."):
        assert shown in page.text
    assert [a.get_text(strip=True) for a in page.soup.select(f"a[href='/practice/evidence/{evidence.id}']")] == [
        "截图.png"
    ]
    page = someone.submit(page, page.form("/practice/waiting?page=1"), 400, verdict="verify")
    assert "Tick at least one log." in page.text
    ticks = [f"{first}:1", f"{second}:1"]
    form = page.form("/practice/waiting?page=1")
    page = someone.submit(page, form, 400, verdict="send_back", log=ticks, reason=" ")
    assert "Write a reason" in page.text
    assert len(page.soup.select("input[name=log][checked]")) == 2
    page = someone.submit(page, page.form("/practice/waiting?page=1"), verdict="verify", log=ticks[:1])
    assert "1 log is verified." in page.text
    stale = someone.submit(
        page, page.form("/practice/waiting?page=1"), 409, verdict="verify", log=[ticks[0], ticks[1]]
    )
    assert "is verified already" in stale.text
    assert [str(tick["value"]) for tick in stale.soup.select("input[name=log][checked]")] == ticks[1:]
    form = stale.form("/practice/waiting?page=1")
    page = someone.submit(stale, form, verdict="reject", log=ticks[1:], reason="Not ours.")
    assert "1 log is rejected." in page.text
    assert "Nothing waits for you" in page.text
    with app.app_context():
        assert stored(first).state is LogState.VERIFIED
        assert stored(second).reason == "Not ours."


def test_links_tick_a_students_logs_or_all_without_a_script(app: Flask) -> None:
    with app.app_context():
        w = World()
        _, second = w.another_student()
        resource = w.resource()
        one, other = w.enrolment(resource), w.enrolment(resource, second)
        for enrolment in (one, one, other):
            w.log(enrolment)
    someone = reader(app, w.host)
    assert len(someone.get("/practice/waiting").soup.select("input[name=log]:not([checked])")) == 3
    assert len(someone.get(f"/practice/waiting?tick={one}").soup.select("input[name=log][checked]")) == 2
    assert len(someone.get("/practice/waiting?tick=all").soup.select("input[name=log][checked]")) == 3


@pytest.mark.parametrize("forged", [{"log": "1"}, {"log": "x:1"}, {"log": f"{'9' * 30}:1"}, {"log": "1:-1"}])
def test_a_forged_tick_is_refused(app: Flask, forged: dict[str, str]) -> None:
    with app.app_context():
        w = World()
        w.log(w.enrolment(w.resource()))
    page = reader(app, w.host).post("/practice/waiting", 400, verdict="verify", **forged)
    assert "A tick could not be read" in page.text


def test_a_forged_verdict_or_a_strangers_log_is_refused(app: Flask) -> None:
    with app.app_context():
        w = World()
        log_id = w.log(w.enrolment(w.resource()))
        other = factories.person(Role.ENTERPRISE)
    assert "own buttons" in reader(app, w.host).post("/practice/waiting", 400, verdict="praise").text
    reader(app, other).post("/practice/waiting", 404, verdict="verify", log=f"{log_id}:1")


def test_taking_back_from_the_logs_page_says_what_is_missing_and_then_what_happened(app: Flask) -> None:
    with app.app_context():
        w = World()
        log_id = w.log(w.enrolment(w.resource()), state=LogState.VERIFIED)
    someone = reader(app, w.host)
    page = someone.post(f"/practice/logs/{log_id}/reverse", 400, version="1", reason="")
    assert "Write a reason" in page.text
    page = someone.submit(page, page.form("/reverse"), reason="It was somebody else.")
    assert "The verification is taken back" in page.text
    page = someone.post(f"/practice/logs/{log_id}/reverse", 409, version="2", reason="Again.")
    assert "is no longer verified" in page.text
    assert not page.soup.select("#take-back")
    reader(app, w.host).post(f"/practice/logs/{log_id}/reverse", 400, version="x", reason="Again.")
