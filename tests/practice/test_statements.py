"""The statement of what was really done: written by the supervisor at the end, answered once by the student."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from talentbank.accounts.models import Organisation
from talentbank.audit import AuditEntry
from talentbank.deposits.resources.models import ResourceKind, ResourceState
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import SHANGHAI, db, now, today
from talentbank.permissions import Action, Role
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import queries, service, statements
from talentbank.practice.enrolments.agreements import digest
from talentbank.practice.enrolments.steps import Step, what_now
from talentbank.practice.logs.checks import day_problem
from talentbank.practice.models import (
    PROVEN,
    EndStatement,
    Enrolment,
    EnrolmentState,
    LogState,
    StatementAnswer,
)
from tests import factories
from tests.practice.world import World

pytestmark = pytest.mark.usefixtures("in_english")

WORDS = "完成三款商品的上架与首周复盘。"
YESTERDAY = today() - timedelta(days=1)


def practised(w: World, log: LogState = LogState.VERIFIED, worked: float = 4, **values: Any) -> int:
    """An enrolment with a log, on a resource that ended yesterday unless said otherwise."""
    enrolment = w.enrolment(w.resource(**{"ends_on": YESTERDAY, **values}))
    w.log(enrolment, today() - timedelta(days=3), hours=worked, state=log)
    return enrolment


def stored(enrolment_id: int) -> Enrolment:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Enrolment, enrolment_id, options=practice.whole_enrolment())


@pytest.mark.parametrize("kind", list(ResourceKind))
def test_it_ends_the_enrolment_and_the_student_answers_it(w: World, kind: ResourceKind) -> None:
    enrolment = practised(w, kind=kind)
    statements.write(w.host, enrolment, f" {WORDS}\r\n")
    found = stored(enrolment)
    assert found.state is EnrolmentState.FINISHED
    assert found.statement and (found.statement.words, found.statement.written_by) == (WORDS, w.host.user_id)
    statements.countersign(w.student, enrolment, "agreed", "", digest(WORDS))
    answered = stored(enrolment).statement
    assert answered and (answered.answer, answered.comment) == (StatementAnswer.AGREED, "")
    assert answered.answered_at is not None


def test_its_seat_goes_to_who_waits_first_while_it_runs(w: World) -> None:
    enrolment = practised(w, ends_on=today() + timedelta(days=9), seats=1)
    waits = service.ask(w.another_student()[0], stored(enrolment).resource_id)
    statements.write(w.host, enrolment, WORDS, end_now=True)
    assert stored(waits.id).state is EnrolmentState.ACCEPTED


@pytest.mark.parametrize("state", sorted(set(LogState)))
def test_it_rests_on_practice_that_is_verified(w: World, state: LogState) -> None:
    enrolment = practised(w, state)
    if state in PROVEN:
        statements.write(w.host, enrolment, WORDS)
        return
    with pytest.raises(Conflict, match="verified"):
        statements.write(w.host, enrolment, WORDS, end_now=True)
    assert stored(enrolment).state is EnrolmentState.ACCEPTED


@pytest.mark.parametrize(
    ("values", "worked", "due"),
    [
        ({"ends_on": today()}, 4, False),
        ({"ends_on": YESTERDAY}, 4, True),
        ({"ends_on": today(), "hours": 5}, 4.9, False),
        ({"ends_on": today(), "hours": 5}, 5, True),
        ({"ends_on": today(), "state": ResourceState.WITHDRAWN, "withdrawn_on": YESTERDAY}, 4, True),
    ],
)
def test_it_is_due_after_the_last_day_or_the_last_hour(
    w: World, values: dict[str, Any], worked: float, due: bool
) -> None:
    enrolment = practised(w, worked=worked, **values)
    found = practice.enrolment(w.host, enrolment)
    standing = queries.standing(w.host, found)
    assert standing.due is due
    assert (what_now(w.host, standing).step is Step.WRITE) is due
    if not due:
        with pytest.raises(Invalid) as refused:
            statements.write(w.host, enrolment, WORDS)
        assert set(refused.value.errors) == {"end_now"}
    statements.write(w.host, enrolment, WORDS, end_now=not due)


def test_only_the_supervisor_writes_it(w: World) -> None:
    enrolment = practised(w)
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, w.host.organisation_id))
    for actor in (colleague, w.university):
        with pytest.raises(Invalid, match="Only the supervisor"):
            statements.write(actor, enrolment, WORDS)
    for actor in (w.student, w.chamber):
        with pytest.raises(Forbidden):
            statements.write(actor, enrolment, WORDS)
    with pytest.raises(NotFound):
        statements.write(factories.person(Role.ENTERPRISE), enrolment, WORDS)


@pytest.mark.parametrize(
    "state", [EnrolmentState.ASKED, EnrolmentState.WAITING, EnrolmentState.REFUSED, EnrolmentState.LEFT]
)
def test_it_is_for_somebody_who_has_a_seat(w: World, state: EnrolmentState) -> None:
    enrolment = w.enrolment(w.resource(ends_on=YESTERDAY), state=state)
    w.log(enrolment, today() - timedelta(days=3), state=LogState.VERIFIED)
    with pytest.raises(Conflict, match="seat"):
        statements.write(w.host, enrolment, WORDS)


@pytest.mark.parametrize("words", ["", " \r\n", "长" * 2001])
def test_its_words_are_some_and_not_too_many(w: World, words: str) -> None:
    enrolment = practised(w)
    before = factories.stored(EndStatement)
    with pytest.raises(Invalid) as refused:
        statements.write(w.host, enrolment, words)
    assert set(refused.value.errors) == {"words"}
    assert factories.stored(EndStatement) == before


def test_its_words_can_be_corrected_until_they_are_answered(w: World) -> None:
    enrolment = practised(w)
    statements.write(w.host, enrolment, WORDS)
    with pytest.raises(Conflict, match="changed meanwhile"):
        statements.write(w.host, enrolment, "另一个窗口的话", "")
    better = f"{WORDS}另做一次广告投放。"
    statements.write(w.host, enrolment, better, digest(WORDS))
    with pytest.raises(Conflict, match="read it again"):
        statements.countersign(w.student, enrolment, "agreed", "", digest(WORDS))
    statements.countersign(w.student, enrolment, "agreed", "谢谢！", digest(better))
    with pytest.raises(Conflict, match="stands"):
        statements.write(w.host, enrolment, WORDS, digest(better))
    found = stored(enrolment).statement
    assert found and (found.words, found.comment) == (better, "谢谢！")


def test_corrected_words_do_not_move_the_end(w: World) -> None:
    enrolment = practised(w, ends_on=today() + timedelta(days=9))
    ended = now().replace(microsecond=0)
    with time_machine.travel(ended, tick=False):
        statements.write(w.host, enrolment, WORDS, end_now=True)
    with time_machine.travel(ended + timedelta(days=3), tick=False):
        statements.write(w.host, enrolment, "另一稿", digest(WORDS))
        found = stored(enrolment)
        assert found.statement and found.statement.written_at == ended + timedelta(days=3)
        assert found.decided_at == ended
        last = ended.astimezone(SHANGHAI).date()
        assert day_problem(found, last) is None
        assert "ended this on" in str(day_problem(found, last + timedelta(days=1)))


def test_who_disagrees_says_why_and_everybody_answers_once(w: World) -> None:
    enrolment = practised(w)
    statements.write(w.host, enrolment, WORDS)
    for answer, comment, field in (
        ("disagreed", " ", {"comment"}),
        ("disagreed", "长" * 1001, {"comment"}),
        ("agreed", "长" * 1001, {"comment"}),
        ("perhaps", "也许", set()),
    ):
        with pytest.raises(Invalid) as refused:
            statements.countersign(w.student, enrolment, answer, comment, digest(WORDS))
        assert set(refused.value.errors) == field
    statements.countersign(w.student, enrolment, "disagreed", "还做了广告投放。", digest(WORDS))
    for answer in StatementAnswer:
        with pytest.raises(Conflict, match="already"):
            statements.countersign(w.student, enrolment, answer.value, "改了", digest(WORDS))
    found = stored(enrolment).statement
    assert found and (found.answer, found.comment) == (StatementAnswer.DISAGREED, "还做了广告投放。")


def test_only_the_student_whose_practice_it_was_answers(w: World) -> None:
    enrolment = practised(w)
    with pytest.raises(Conflict):
        statements.countersign(w.student, enrolment, "agreed", "", digest(WORDS))
    statements.write(w.host, enrolment, WORDS)
    with pytest.raises(NotFound):
        statements.countersign(w.another_student()[0], enrolment, "agreed", "", digest(WORDS))
    for actor in (w.host, w.university, w.chamber):
        with pytest.raises(Forbidden):
            statements.countersign(actor, enrolment, "agreed", "", digest(WORDS))


def test_a_finished_enrolment_without_one_still_gets_one(w: World) -> None:
    enrolment = w.enrolment(w.resource(), state=EnrolmentState.FINISHED)
    w.log(enrolment, state=LogState.CONFIRMED, credit=25)
    statements.write(w.host, enrolment, WORDS)
    assert stored(enrolment).statement is not None


def test_whose_turn_it_is_follows_the_statement(w: World) -> None:
    enrolment = practised(w, LogState.CONFIRMED)

    def turns() -> list[tuple[Step, bool]]:
        found = stored(enrolment)
        steps = [what_now(a, queries.standing(a, found)) for a in (w.student, w.host, w.university, w.chamber)]
        return [(following.step, following.mine) for following in steps]

    assert turns() == [(Step.WRITE, False), (Step.WRITE, True), (Step.WRITE, False), (Step.WRITE, False)]
    statements.write(w.host, enrolment, WORDS)
    assert turns() == [(Step.ANSWER, True), (Step.ANSWER, False), (Step.ANSWER, False), (Step.ANSWER, False)]
    statements.countersign(w.student, enrolment, "agreed", "", digest(WORDS))
    assert turns() == [(Step.DONE, False)] * 4


def test_the_trail_has_the_digest_of_what_was_written_and_answered(w: World) -> None:
    enrolment = practised(w)
    statements.write(w.host, enrolment, "第一稿")
    statements.write(w.host, enrolment, WORDS, digest("第一稿"))
    statements.countersign(w.student, enrolment, "disagreed", "还做了广告投放。", digest(WORDS))
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action.in_((Action.WRITE_STATEMENT, Action.COUNTERSIGN_STATEMENT)))
    ).all()
    assert [entry.detail for entry in entries] == [
        {"digest": digest("第一稿"), "ended": True},
        {"digest": digest(WORDS), "ended": False},
        {"answer": "disagreed", "digest": digest(WORDS)},
    ]
