"""Seats and waiting lists: who gets in, who moves up, what is refused, and what each role sees of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from talentbank.accounts.models import Organisation, Standing
from talentbank.audit import AuditEntry
from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources import service as deposits
from talentbank.deposits.resources.models import Admission, ResourceKind, ResourceState, TrainingResource
from talentbank.deposits.resources.service import ResourceDeposit, TaughtDeposit
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, today, transaction
from talentbank.permissions import STRANGER, Action, Actor, Role
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import queries, service
from talentbank.practice.models import Enrolment, EnrolmentState, LogState
from talentbank.practice.rules import service as rules
from talentbank.practice.rules.service import Rules
from tests import factories
from tests.practice.world import World

pytestmark = pytest.mark.usefixtures("in_english")

ASKED, WAITING, ACCEPTED = EnrolmentState.ASKED, EnrolmentState.WAITING, EnrolmentState.ACCEPTED
FINISHED, REFUSED, LEFT = EnrolmentState.FINISHED, EnrolmentState.REFUSED, EnrolmentState.LEFT
TOMORROW, YESTERDAY = today() + timedelta(days=1), today() - timedelta(days=1)


def state(enrolment: Enrolment | int) -> EnrolmentState:
    """How an enrolment is stored now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Enrolment, enrolment if isinstance(enrolment, int) else enrolment.id).state


def changed(resource_id: int, **changes: Any) -> ResourceDeposit:
    """What a host sends to change a resource."""
    found = db.session.get_one(TrainingResource, resource_id)
    same: dict[str, Any] = {
        name: getattr(found, name) for name in ("title", "hours", "seats", "starts_on", "ends_on", "fee", "place")
    }
    same |= {name: getattr(found, name).value for name in ("kind", "category", "tier", "admission")}
    same |= {"city": found.city_code or "", "teaches": [TaughtDeposit("platform_ops", 3)]}
    return ResourceDeposit(**{**same, **changes})


def queue(w: World, resource_id: int, length: int) -> list[tuple[Actor, Enrolment]]:
    """So many more students who ask for a resource."""
    people = [w.another_student()[0] for _ in range(length)]
    return [(someone, service.ask(someone, resource_id)) for someone in people]


def test_who_asks_gets_a_seat_while_there_is_one_and_a_place_after(w: World) -> None:
    resource = w.resource(seats=2)
    asked = [enrolment for _, enrolment in queue(w, resource, 5)]
    assert [state(e) for e in asked] == [ACCEPTED, ACCEPTED, WAITING, WAITING, WAITING]
    assert queries.places([e.id for e in asked]) == {asked[2].id: (1, 3), asked[3].id: (2, 3), asked[4].id: (3, 3)}
    assert queries.seats_held(resource) == 2


def test_the_host_chooses_where_it_said_so(w: World) -> None:
    resource = w.resource(admission=Admission.CHOSEN)
    enrolment = service.ask(w.student, resource, "  我做过两个月的店铺运营。 ")
    assert (state(enrolment), enrolment.message) == (ASKED, "我做过两个月的店铺运营。")
    assert queries.seats_held(resource) == 0
    service.decide(w.host, enrolment.id, "asked", accepted=True)
    assert state(enrolment) is ACCEPTED


def test_whom_the_host_accepts_while_all_seats_are_held_waits(w: World) -> None:
    resource = w.resource(admission=Admission.CHOSEN, seats=1)
    (_, first), (second_student, second) = queue(w, resource, 2)
    for enrolment in (second, first):
        service.decide(w.host, enrolment.id, "asked", accepted=True)
    assert (state(first), state(second)) == (WAITING, ACCEPTED)
    service.leave(second_student, second.id)
    assert state(first) is ACCEPTED


def test_a_seat_that_gets_free_goes_to_who_asked_first(w: World) -> None:
    resource = w.resource(seats=1)
    line = queue(w, resource, 4)
    for gone, up in ((0, 1), (1, 2), (2, 3)):
        service.leave(line[gone][0], line[gone][1].id)
        states = [state(e) for _, e in line]
        assert states == [LEFT] * (gone + 1) + [ACCEPTED] + [WAITING] * (len(line) - up - 1)
    assert queries.seats_held(resource) == 1


def test_who_leaves_the_waiting_list_makes_it_shorter(w: World) -> None:
    resource = w.resource(seats=1)
    line = queue(w, resource, 4)
    service.leave(line[2][0], line[2][1].id)
    assert queries.places([e.id for _, e in line]) == {line[1][1].id: (1, 2), line[3][1].id: (2, 2)}
    again = service.ask(line[2][0], resource)
    assert queries.places([again.id]) == {again.id: (3, 3)}


def test_more_seats_let_as_many_in(w: World) -> None:
    resource = w.resource(seats=1)
    line = queue(w, resource, 4)
    deposits.change(w.host, resource, changed(resource, seats=3), 1)
    assert [state(e) for _, e in line] == [ACCEPTED, ACCEPTED, ACCEPTED, WAITING]


def test_a_withdrawn_resource_refuses_its_queue_and_keeps_who_sits(w: World) -> None:
    resource = w.resource(seats=1)
    seated, waits = (enrolment for _, enrolment in queue(w, resource, 2))
    asks = w.enrolment(resource, state=ASKED)
    deposits.withdraw(w.host, resource, 1)
    assert (state(seated), state(waits), state(asks)) == (ACCEPTED, REFUSED, REFUSED)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.subject == f"enrolment:{waits.id}")).all()
    assert entries[-1].detail == {"before": "waiting", "state": "refused", "withdrawn": True}


def test_nobody_moves_up_where_nothing_is_done_any_more(w: World) -> None:
    resource = w.resource(seats=1, ends_on=YESTERDAY)
    seated = w.enrolment(resource)
    other, other_id = w.another_student()
    waits = w.enrolment(resource, other_id, WAITING)
    service.leave(w.student, seated)
    assert state(waits) is WAITING
    standing = queries.standing(other, practice.enrolment(other, waits))
    assert standing.over


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"state": ResourceState.WITHDRAWN, "withdrawn_on": today()}, "not on show"),
        ({"ends_on": YESTERDAY}, "last day has passed"),
        ({"fee": 200}, "200 RMB"),
    ],
)
def test_what_can_not_be_asked_for_is_refused_with_why(w: World, values: dict[str, Any], sentence: str) -> None:
    resource = w.resource(**values)
    before = factories.stored(Enrolment)
    with pytest.raises((Invalid, NotFound)) as refused:
        service.ask(w.student, resource)
    assert sentence in str(refused.value)
    assert factories.stored(Enrolment) == before


def test_a_withdrawn_resource_that_one_knows_from_before_takes_nobody_new(w: World) -> None:
    resource = w.resource()
    gone = service.ask(w.student, resource)
    service.leave(w.student, gone.id)
    deposits.withdraw(w.host, resource, 1)
    with pytest.raises(Invalid, match="withdrawn"):
        service.ask(w.student, resource)


def test_a_host_that_is_not_approved_any_more_takes_nobody_new(w: World) -> None:
    resource = w.resource()
    service.leave(w.student, service.ask(w.student, resource).id)
    with transaction():
        db.session.get_one(Organisation, w.host.organisation_id).standing = Standing.REFUSED
    with pytest.raises(Invalid, match="not on show"):
        service.ask(w.student, resource)
    with pytest.raises(NotFound):
        service.ask(w.another_student()[0], resource)


def test_a_host_that_is_not_approved_any_more_gives_no_seats(w: World) -> None:
    resource = w.resource(seats=1)
    (seated_student, seated), (waiting_student, waits), (_, last) = queue(w, resource, 3)

    def stand(standing: Standing) -> None:
        with transaction():
            db.session.get_one(Organisation, w.host.organisation_id).standing = standing

    stand(Standing.REFUSED)
    service.leave(seated_student, seated.id)
    assert (state(waits), state(last)) == (WAITING, WAITING)
    stand(Standing.APPROVED)
    service.leave(waiting_student, waits.id)
    assert state(last) is ACCEPTED


def test_seats_are_given_without_the_host_loaded_before(w: World) -> None:
    resource = w.resource(seats=1)
    waits = w.enrolment(resource, state=WAITING)
    db.session.expunge_all()
    with transaction():
        service.move_up(w.host, db.session.get_one(TrainingResource, resource))
    assert state(waits) is ACCEPTED


def test_a_fee_can_be_asked_for_where_the_university_allows_it(w: World) -> None:
    resource = w.resource(fee=200)
    rules.set_rules(w.university, Rules(16, None, 8, 40, fees=True), 0)
    assert service.ask(w.student, resource).state is ACCEPTED
    with pytest.raises(Invalid):
        service.ask(w.another_student(factories.person(Role.UNIVERSITY))[0], resource)


def test_without_a_profile_nobody_knows_who_asks(w: World) -> None:
    newcomer = factories.person(Role.STUDENT)
    with pytest.raises(Invalid, match="profile"):
        service.ask(newcomer, w.resource())
    with pytest.raises(NotFound):
        service.ask(w.student, 10**6)


def test_a_message_has_a_length(w: World) -> None:
    resource = w.resource(admission=Admission.CHOSEN)
    with pytest.raises(Invalid) as refused:
        service.ask(w.student, resource, "长" * 1001)
    assert set(refused.value.errors) == {"message"}
    assert service.ask(w.student, resource, "长" * 1000).state is ASKED


@pytest.mark.parametrize("before", [ASKED, WAITING, ACCEPTED, FINISHED])
def test_nobody_is_enrolled_twice(w: World, before: EnrolmentState) -> None:
    resource = w.resource()
    w.enrolment(resource, state=before)
    with pytest.raises(Conflict):
        service.ask(w.student, resource)
    assert factories.stored(Enrolment)[0] == 1


def test_the_database_itself_refuses_a_second_enrolment(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = w.resource()
    w.enrolment(resource)
    monkeypatch.setattr(service, "_states_so_far", lambda *_: set())
    before = factories.stored(Enrolment)
    with pytest.raises(Conflict):
        service.ask(w.student, resource)
    assert factories.stored(Enrolment) == before


def test_whoever_left_can_ask_again_and_whoever_was_refused_is_up_to_the_host(w: World) -> None:
    resource = w.resource()
    service.leave(w.student, service.ask(w.student, resource).id)
    again = service.ask(w.student, resource)
    assert again.state is ACCEPTED
    service.decide(w.host, again.id, "accepted", accepted=False, reason="三周没有到岗")
    third = service.ask(w.student, resource)
    assert third.state is ASKED
    service.decide(w.host, third.id, "asked", accepted=True)
    assert state(third) is ACCEPTED


def test_only_students_ask_and_each_leaves_the_own_one(w: World) -> None:
    enrolment = service.ask(w.student, w.resource())
    for actor in (w.host, w.university, w.chamber, STRANGER):
        with pytest.raises(Forbidden):
            service.ask(actor, enrolment.resource_id)
        with pytest.raises(Forbidden):
            service.leave(actor, enrolment.id)
    with pytest.raises(NotFound):
        service.leave(w.another_student()[0], enrolment.id)
    assert state(enrolment) is ACCEPTED


@pytest.mark.parametrize("before", [FINISHED, REFUSED, LEFT])
def test_what_is_over_can_not_be_left_or_decided(w: World, before: EnrolmentState) -> None:
    enrolment = w.enrolment(w.resource(), state=before)
    with pytest.raises(Conflict):
        service.leave(w.student, enrolment)
    for accepted in (True, False):
        with pytest.raises(Conflict):
            service.decide(w.host, enrolment, before.value, accepted=accepted, reason="太晚")


def test_a_refusal_needs_a_reason_that_the_student_reads(w: World) -> None:
    enrolment = service.ask(w.student, w.resource(admission=Admission.CHOSEN))
    for reason in ("", "   ", "长" * 501):
        with pytest.raises(Invalid) as refused:
            service.decide(w.host, enrolment.id, "asked", accepted=False, reason=reason)
        assert set(refused.value.errors) == {"reason"}
    assert state(enrolment) is ASKED
    service.decide(w.host, enrolment.id, "asked", accepted=False, reason=" 需要更高的英语水平 ")
    found = practice.enrolment(w.student, enrolment.id)
    assert (found.state, found.reason) == (REFUSED, "需要更高的英语水平")


def test_a_decision_is_about_what_was_looked_at(w: World) -> None:
    enrolment = service.ask(w.student, w.resource(admission=Admission.CHOSEN))
    service.decide(w.host, enrolment.id, "asked", accepted=True)
    for accepted in (True, False):
        with pytest.raises(Conflict):
            service.decide(w.host, enrolment.id, "asked", accepted=accepted, reason="改主意了")
    with pytest.raises(Conflict):
        service.decide(w.host, enrolment.id, "accepted", accepted=True)
    assert state(enrolment) is ACCEPTED


def test_whom_nothing_is_verified_of_can_lose_the_seat_and_the_next_gets_it(w: World) -> None:
    resource = w.resource(seats=1)
    (_, seated), (_, waits) = queue(w, resource, 2)
    log = w.log(seated.id, state=LogState.VERIFIED)
    with pytest.raises(Conflict, match="statement"):
        service.decide(w.host, seated.id, "accepted", accepted=False, reason="缺勤")
    with transaction():
        db.session.get_one(practice.PracticeLog, log).state = LogState.REVERSED
    service.decide(w.host, seated.id, "accepted", accepted=False, reason="缺勤")
    assert (state(seated), state(waits)) == (REFUSED, ACCEPTED)


def test_only_the_host_decides(w: World) -> None:
    enrolment = service.ask(w.student, w.resource(admission=Admission.CHOSEN))
    for actor in (w.university, factories.person(Role.ENTERPRISE), factories.person(Role.ZONE)):
        with pytest.raises(NotFound):
            service.decide(actor, enrolment.id, "asked", accepted=True)
    for actor in (w.student, w.chamber):
        with pytest.raises(Forbidden):
            service.decide(actor, enrolment.id, "asked", accepted=True)
    assert state(enrolment) is ASKED


def test_nobody_is_accepted_where_it_is_over(w: World) -> None:
    enrolment = w.enrolment(w.resource(ends_on=YESTERDAY, admission=Admission.CHOSEN), state=ASKED)
    with pytest.raises(Conflict, match="last day"):
        service.decide(w.host, enrolment, "asked", accepted=True)
    service.decide(w.host, enrolment, "asked", accepted=False, reason="已经结束")


def test_the_trail_says_who_asked_left_decided_and_moved_up(w: World) -> None:
    resource = w.resource(seats=1)
    (first_student, first), (_, second) = queue(w, resource, 2)
    service.leave(first_student, first.id)
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.subject.startswith("enrolment:")).order_by(AuditEntry.id)
    ).all()
    assert [(e.action, e.subject, e.detail["state"]) for e in entries] == [
        (Action.ASK_ENROLMENT, f"enrolment:{first.id}", "waiting"),
        (Action.DECIDE_ENROLMENT, f"enrolment:{first.id}", "accepted"),
        (Action.ASK_ENROLMENT, f"enrolment:{second.id}", "waiting"),
        (Action.ASK_ENROLMENT, f"enrolment:{first.id}", "left"),
        (Action.DECIDE_ENROLMENT, f"enrolment:{second.id}", "accepted"),
    ]
    assert entries[-1].actor_id == first_student.user_id


def test_a_resource_knows_its_seats_its_queue_and_the_students_own_enrolment(w: World) -> None:
    resource = w.resource(seats=1)
    (seated, mine), (waits, _) = queue(w, resource, 2)
    w.enrolment(resource, w.student_id, REFUSED, reason="名额已满")

    def shown(actor: Actor) -> resources.Shown:
        return resources.shown(actor, [resources.resource(actor, resource)])[0]

    assert (shown(seated).tally.held, shown(seated).tally.waiting, shown(seated).free) == (1, 1, 0)
    own = shown(seated).own
    assert own and (own.id, own.stands, own.leaves, own.note) == (mine.id, True, True, "")
    queued = shown(waits).own
    assert queued and "1" in str(queued.note) and queued.leaves
    refused = shown(w.student).own
    assert refused and (refused.stands, refused.leaves, refused.note) == (False, False, "名额已满")
    assert shown(w.host).own is None
    assert resources.why_not(w.student, shown(w.student).resource) is None
    assert "profile" in str(resources.why_not(factories.person(Role.STUDENT), shown(w.student).resource))


def test_what_one_was_enrolled_on_stays_in_sight(w: World) -> None:
    resource = w.resource()
    service.ask(w.student, resource)
    deposits.withdraw(w.host, resource, 1)
    for actor in (w.student, w.university):
        assert resources.resource(actor, resource).id == resource
    for actor in (w.another_student()[0], factories.person(Role.UNIVERSITY), factories.person(Role.ENTERPRISE)):
        with pytest.raises(NotFound):
            resources.resource(actor, resource)


def test_an_internship_can_be_asked_for_before_it_begins(w: World) -> None:
    resource = w.resource(kind=ResourceKind.INTERNSHIP, starts_on=TOMORROW)
    assert service.ask(w.student, resource).state is ACCEPTED
