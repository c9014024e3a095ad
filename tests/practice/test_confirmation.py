"""The university counts verified practice as credit: at its rate, under its cap, paid once, or declined."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, transaction
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.ledger.models import LedgerEntry
from talentbank.permissions import Action, Actor, Role
from talentbank.practice.models import Enrolment, LogEvent, LogState, PracticeLog, PracticeRules
from talentbank.practice.queries import rules_of
from talentbank.practice.verification import queries, service
from talentbank.practice.verification.paying import planned
from tests import factories
from tests.practice.test_verification import reader, steps, stored, trail
from tests.practice.world import World, verified
from tests.test_queries import counted

AUTUMN, SPRING = date(2025, 11, 3), date(2026, 3, 2)


def ruled(w: World, **values: object) -> None:
    """Set rules of the university; what is not said stays at its default."""
    with transaction():
        db.session.add(PracticeRules(university_id=w.university.organisation_id, version=1, **values))


def log_of(w: World, enrolment: int, day: date | None = None, **values: object) -> int:
    """A verified log."""
    return w.log(enrolment, day, **{"state": LogState.VERIFIED, **values})  # type: ignore[arg-type]


def confirm(actor: Actor, *log_ids: int) -> list[int]:
    """Confirm logs as they stand; what each pays, in the order in which they were paid."""
    versions = {log_id: stored(log_id).version for log_id in log_ids}
    return [payment.credit for payment in service.confirm(actor, log_ids, versions)]


def held(w: World, student_id: int | None = None) -> int:
    return accounts.balance(f"student:{student_id or w.student_id}")


def test_a_confirmed_log_is_paid_from_the_resources_account_and_keeps_how(w: World) -> None:
    resource = w.resource(credits=100)
    log_id = log_of(w, w.enrolment(resource), hours=7.5)
    assert confirm(w.university, log_id) == [46]
    log = stored(log_id)
    assert (log.state, log.credit, log.rate, log.version) == (LogState.CONFIRMED, 46, 16, 2)
    assert (log.confirmed_by, log.confirmed_at is not None) == (w.university.user_id, True)
    entry = db.session.get_one(LedgerEntry, log.entry_number)
    assert (entry.reference, entry.actor) == (f"log:{log_id}", f"university:{w.university.user_id}")
    assert (held(w), accounts.balance(f"resource:{resource}")) == (46, 54)
    assert steps(log_id) == [(LogState.CONFIRMED, "")]
    detail = {"counted": True, "minutes": 450, "rate": 16, "credit": 46, "entry": log.entry_number}
    assert trail(Action.CONFIRM_LOG) == [(f"practicelog:{log_id}", detail)]
    assert ledger.verify().fault is None


def test_many_short_logs_lose_nothing_to_rounding(w: World) -> None:
    enrolment = w.enrolment(w.resource())
    logs = [log_of(w, enrolment, hours=0.25) for _ in range(64)]  # 1.5625 hundredths each, 16 hours together
    assert sum(confirm(w.university, *logs[:30])) == 46
    assert sum(confirm(w.university, *logs[30:])) == 54
    assert held(w) == 100


def test_a_university_pays_at_its_own_rate(w: World) -> None:
    ruled(w, hours_per_credit=32)
    assert confirm(w.university, log_of(w, w.enrolment(w.resource()), hours=8)) == [25]


def test_a_rate_that_changes_counts_from_then_on(w: World) -> None:
    enrolment = w.enrolment(w.resource())
    assert confirm(w.university, log_of(w, enrolment, hours=8)) == [50]
    ruled(w, hours_per_credit=32)
    assert confirm(w.university, log_of(w, enrolment, hours=8)) == [25]


def test_a_cap_cuts_what_a_term_earns_over_all_resources_and_a_note_says_so(w: World) -> None:
    ruled(w, cap_a_term=80)
    one, other = w.enrolment(w.resource()), w.enrolment(w.resource())
    whole = log_of(w, one, AUTUMN, hours=8)
    cut = log_of(w, other, AUTUMN.replace(day=4), hours=8)
    nothing = log_of(w, one, AUTUMN.replace(day=5), hours=8)
    next_term = log_of(w, one, SPRING, hours=8)
    assert confirm(w.university, nothing, next_term, cut, whole) == [50, 30, 0, 50]
    assert stored(whole).reason == ""
    assert stored(cut).reason == "The cap of the term cuts 0.20 off."
    assert stored(nothing).reason == "The cap of the term is reached: this pays nothing more."
    assert (stored(nothing).state, stored(nothing).credit, stored(nothing).entry_number) == (
        LogState.CONFIRMED,
        0,
        None,
    )
    assert held(w) == 130
    assert ledger.verify().fault is None


def test_what_a_cap_cut_is_not_paid_in_a_later_term(w: World) -> None:
    ruled(w, cap_a_term=50)
    enrolment = w.enrolment(w.resource())
    assert confirm(w.university, log_of(w, enrolment, AUTUMN, hours=16)) == [50]
    assert confirm(w.university, log_of(w, enrolment, SPRING, hours=4)) == [25]


def test_a_cap_of_nothing_pays_nothing(w: World) -> None:
    ruled(w, cap_a_term=0)
    assert confirm(w.university, log_of(w, w.enrolment(w.resource()))) == [0]


def test_a_cap_counts_each_student_for_themself(w: World) -> None:
    ruled(w, cap_a_term=50)
    _, second = w.another_student()
    resource = w.resource()
    logs = [log_of(w, w.enrolment(resource, student), hours=8) for student in (w.student_id, second)]
    assert confirm(w.university, *logs) == [50, 50]


def test_a_reversal_makes_room_under_the_cap_again(w: World) -> None:
    ruled(w, cap_a_term=50)
    enrolment = w.enrolment(w.resource())
    first = log_of(w, enrolment, AUTUMN, hours=8)
    confirm(w.university, first)
    service.reverse(w.university, first, "because", stored(first).version)
    assert confirm(w.university, log_of(w, enrolment, AUTUMN, hours=4)) == [25]


def test_what_is_too_short_pays_nothing_yet_and_says_why(w: World) -> None:
    enrolment = w.enrolment(w.resource())
    short = log_of(w, enrolment, hours=0.1)
    assert confirm(w.university, short) == [0]
    assert stored(short).state is LogState.CONFIRMED
    assert "next hundredth" in stored(short).reason
    assert confirm(w.university, log_of(w, enrolment, hours=0.1)) == [1]


def test_an_emptied_account_refuses_the_batch_and_names_what_is_missing(w: World) -> None:
    poor, rich = w.resource(credits=60, title_en="Poor shop", title="Poor shop"), w.resource()
    enrolment = w.enrolment(poor)
    logs = [
        log_of(w, enrolment, AUTUMN.replace(day=5), hours=8),
        log_of(w, enrolment, AUTUMN.replace(day=6), hours=8),
        log_of(w, w.enrolment(rich), AUTUMN, hours=8),
    ]
    before = factories.stored(LedgerEntry, LogEvent)
    with pytest.raises(Conflict, match=r"the account of «Poor shop» is short of 0\.40"):
        confirm(w.university, *logs)
    assert factories.stored(LedgerEntry, LogEvent) == before
    assert {stored(log_id).state for log_id in logs} == {LogState.VERIFIED}
    assert held(w) == 0
    assert confirm(w.university, logs[0], logs[2]) == [50, 50]
    assert confirm(w.university, *[log_of(w, enrolment, hours=1.6)]) == [10]
    assert accounts.balance(f"resource:{poor}") == 0


def test_a_resource_without_an_account_pays_nothing(w: World) -> None:
    log_id = log_of(w, w.enrolment(w.resource(credits=0)), hours=8)
    with pytest.raises(Conflict, match=r"short of 0\.50"):
        confirm(w.university, log_id)


@pytest.mark.parametrize("state", sorted(set(LogState) - {LogState.VERIFIED}))
def test_only_what_is_verified_is_confirmed_or_declined(w: World, state: LogState) -> None:
    log_id = w.log(w.enrolment(w.resource()), state=state)
    with pytest.raises(Conflict):
        confirm(w.university, log_id)
    with pytest.raises(Conflict):
        service.decline(w.university, [log_id], {log_id: 1}, "because")
    assert stored(log_id).state is state
    assert held(w) == 0


def test_what_changed_since_it_was_shown_is_not_confirmed(w: World) -> None:
    log_id = log_of(w, w.enrolment(w.resource()))
    with pytest.raises(Conflict, match="was changed meanwhile"):
        service.confirm(w.university, [log_id], {log_id: 7})
    with pytest.raises(Conflict, match="was changed meanwhile"):
        service.decline(w.university, [log_id], {}, "because")


def test_a_log_is_paid_once(w: World) -> None:
    log_id = log_of(w, w.enrolment(w.resource()))
    confirm(w.university, log_id)
    with pytest.raises(Conflict, match="is confirmed already"):
        confirm(w.university, log_id)
    assert held(w) == 25


def test_only_the_students_own_university_confirms(w: World) -> None:
    log_id = log_of(w, w.enrolment(w.resource(host=w.host)))
    stranger = factories.person(Role.UNIVERSITY)
    with pytest.raises(NotFound):
        confirm(stranger, log_id)
    with pytest.raises(NotFound):
        service.decline(stranger, [log_id], {log_id: 1}, "because")
    for role in (w.host, w.student, w.chamber):
        with pytest.raises(Forbidden):
            confirm(role, log_id)
    assert stored(log_id).state is LogState.VERIFIED


def test_the_university_that_hosts_does_not_confirm_for_another_one(w: World) -> None:
    host = factories.person(Role.UNIVERSITY)
    log_id = log_of(w, w.enrolment(w.resource(host=host)))
    with pytest.raises(NotFound):
        confirm(host, log_id)
    assert confirm(w.university, log_id) == [25]


def test_declining_asks_for_a_reason_pays_nothing_and_leaves_the_levels(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource({"platform_ops": 3})), hours=14)
    service.decide(w.host, [log_id], service.Verdict.VERIFY, "", {log_id: 1})
    with pytest.raises(Invalid) as refused:
        service.decline(w.university, [log_id], {log_id: 2}, "  ")
    assert set(refused.value.errors) == {"reason"}
    service.decline(w.university, [log_id], {log_id: 2}, "It belongs to a course that counts already.")
    log = stored(log_id)
    assert (log.state, log.reason) == (LogState.DECLINED, "It belongs to a course that counts already.")
    assert (log.credit, held(w), verified(w.student_id)) == (None, 0, {"platform_ops": 1})
    assert trail(Action.CONFIRM_LOG) == [(f"practicelog:{log_id}", {"counted": False, "minutes": 840})]


def test_nothing_ticked_is_refused(w: World) -> None:
    with pytest.raises(Invalid):
        service.confirm(w.university, [], {})
    with pytest.raises(Invalid) as refused:
        service.decline(w.university, [], {}, "")
    assert set(refused.value.errors) == {"log", "reason"}


durations = st.lists(st.integers(min_value=1, max_value=600), min_size=1, max_size=8)


@given(
    batches=st.lists(durations, min_size=1, max_size=3),
    rate=st.integers(min_value=1, max_value=40),
    cap=st.none() | st.integers(min_value=0, max_value=400),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_confirmed_in_whatever_batches_pays_the_exact_sum_up_to_the_cap(
    app: Flask, batches: list[list[int]], rate: int, cap: int | None
) -> None:
    with app.app_context():
        w = World()
        ruled(w, hours_per_credit=rate, cap_a_term=cap)
        enrolment = w.enrolment(w.resource(credits=1_000_000))
        for batch in batches:
            logs = [log_of(w, enrolment, AUTUMN, hours=minutes / 60) for minutes in batch]
            shown = preview(w, logs)
            assert confirm(w.university, *logs) == [shown[log_id] for log_id in logs]
        exact = int(Fraction(100 * sum(map(sum, batches)), 60 * rate))
        assert held(w) == (exact if cap is None else min(exact, cap))


def preview(w: World, log_ids: Sequence[int]) -> dict[int, int]:
    logs = [log for log in queries.confirming(w.university, 1).items if log.id in log_ids]
    return {p.log.id: p.credit for p in planned(logs, rules_of(w.university.organisation_id or 0))}


def test_working_out_what_logs_pay_asks_as_often_for_many_as_for_few(w: World) -> None:
    def ask(count: int) -> int:
        for _ in range(count):
            _, student = w.another_student()
            log_of(w, w.enrolment(w.resource(), student))
        logs: list[PracticeLog] = list(queries.confirming(w.university, 1).items)
        with counted() as statements:
            payments = planned(logs, rules_of(w.university.organisation_id or 0))
            assert len(queries.accounts_asked(payments)) == len(logs)
        return len(statements)

    few = ask(2)
    assert ask(15) == few <= 4


def test_the_page_works_out_what_will_be_paid_and_what_the_cap_cuts(app: Flask) -> None:
    with app.app_context():
        w = World()
        ruled(w, cap_a_term=60)
        enrolment = w.enrolment(w.resource(credits=30, title="Poor shop", title_en="Poor shop"))
        first = log_of(w, enrolment, AUTUMN, hours=7.5)
        second = log_of(w, enrolment, AUTUMN.replace(day=4), hours=8)
    someone = reader(app, w.university)
    page = someone.get("/practice/confirming")
    for shown in ("7.5 h at 16 h = 0.46", "8 h at 16 h = 0.14", "cuts 0.36 off", "is short of 0.30"):
        assert shown in page.text
    form = page.form("/practice/confirming?page=1")
    page = someone.submit(page, form, verdict="preview", log=[f"{second}:1"])
    assert "8 h at 16 h = 0.50" in page.text
    assert "7.5 h at 16 h" not in page.text
    form = page.form("/practice/confirming?page=1")
    page = someone.submit(page, form, 409, verdict="confirm", log=[f"{first}:1", f"{second}:1"])
    assert "«Poor shop» is short of 0.30" in page.text
    assert len(page.soup.select("input[name=log][checked]")) == 2
    page = someone.submit(page, form, 400, verdict="decline", log=[f"{second}:1"], reason="")
    assert "Write a reason" in page.text
    form = page.form("/practice/confirming?page=1")
    page = someone.submit(page, form, verdict="decline", log=[f"{second}:1"], reason="Counts already.")
    assert "1 log is declined." in page.text
    with app.app_context(), transaction():
        ledger.deposit(w.host, w.host.organisation_id or 0, stored_account(first), 100)
    page = someone.submit(page, page.form("/practice/confirming?page=1"), verdict="confirm", log=[f"{first}:1"])
    assert "1 log is confirmed and has paid 0.46." in page.text
    assert "Nothing waits for your confirmation" in page.text
    with app.app_context():
        assert (stored(first).credit, stored(second).state) == (46, LogState.DECLINED)


def stored_account(log_id: int) -> str:
    log = db.session.get_one(PracticeLog, log_id)
    return f"resource:{db.session.get_one(Enrolment, log.enrolment_id).resource_id}"


def test_a_forged_verdict_or_another_universitys_log_is_refused(app: Flask) -> None:
    with app.app_context():
        w = World()
        log_id = log_of(w, w.enrolment(w.resource()))
        other = factories.person(Role.UNIVERSITY)
    assert "own buttons" in reader(app, w.university).post("/practice/confirming", 400, verdict="praise").text
    reader(app, other).post("/practice/confirming", 404, verdict="confirm", log=f"{log_id}:1")
    page = reader(app, w.university).post("/practice/confirming", 400, verdict="preview", log="forged")
    assert "A tick could not be read" in page.text
    for forged in ("99999999999:1", f"{2**31}:1", "1:99999999999"):
        page = reader(app, w.university).post("/practice/confirming", 400, verdict="confirm", log=forged)
        assert "A tick could not be read" in page.text
