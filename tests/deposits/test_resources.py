"""Depositing a training resource: what is stored and booked, what is refused, and what students hold on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select

from talentbank.accounts.models import Organisation
from talentbank.audit import AuditEntry
from talentbank.competencies import queries as catalogue
from talentbank.deposits.resources import queries, service
from talentbank.deposits.resources.models import (
    Admission,
    ResourceKind,
    ResourceState,
    TaughtCompetency,
    Tier,
    TrainingResource,
)
from talentbank.deposits.resources.service import (
    MOST_CREDITS,
    ResourceDeposit,
    TaughtDeposit,
    change,
    deposit,
    fund,
    withdraw,
)
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, today, transaction
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.ledger.models import LedgerAccount, LedgerEntry, LedgerPosting
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from talentbank.practice.models import Enrolment, EnrolmentState, LogState
from tests import factories
from tests.practice.world import World

pytestmark = pytest.mark.usefixtures("app_context")

NOON = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOSTS = [Role.ENTERPRISE, Role.ZONE, Role.UNIVERSITY]
TABLES = (TrainingResource, TaughtCompetency, LedgerAccount, LedgerEntry, LedgerPosting)
Row = TaughtDeposit


@pytest.fixture
def firm(app_context: None) -> Actor:
    return factories.person(Role.ENTERPRISE)


def offered(**changes: Any) -> ResourceDeposit:
    """What a host may well deposit, but for what the test changes; it runs a month back and a month ahead."""
    good: dict[str, Any] = {
        "title": "真实店铺",
        "kind": "project",
        "category": "operations",
        "hours": 40,
        "seats": 3,
        "starts_on": today() - 30 * DAY,
        "ends_on": today() + 30 * DAY,
        "teaches": (Row("platform_ops", 3),),
        "credits": 5000,
    }
    return ResourceDeposit(**{**good, **changes})


def again(actor: Actor, resource_id: int) -> TrainingResource:
    db.session.rollback()
    db.session.expire_all()
    return queries.resource(actor, resource_id)


def taught(resource: TrainingResource) -> list[tuple[str, int]]:
    return [(row.competency.code, row.level) for row in resource.teaches]


def trail(action: Action) -> AuditEntry:
    return db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)).one()


@pytest.mark.parametrize("role", HOSTS)
def test_a_resource_is_stored_as_deposited_with_its_account(role: Role) -> None:
    with time_machine.travel(NOON, tick=False):
        host = factories.person(role)
        made = deposit(
            host,
            offered(
                title=" 店铺运营实习 ",
                title_en="Store internship",
                kind="internship",
                tier="middle",
                admission="chosen",
                fee=300,
                seats=1000,
                hours=2000,
                city="meishan",
                place=" 3 楼 ",
                starts_on=date(2027, 3, 1),
                ends_on=date(2029, 3, 1),
                teaches=(Row("Data Analysis", 5), Row("  ", None), Row("平台运营", 1)),
                credits=MOST_CREDITS,
            ),
        )
        found = again(host, made.id)
    assert (found.owner_id, found.supervisor_id, found.state) == (
        host.organisation_id,
        host.user_id,
        ResourceState.OPEN,
    )
    assert (found.title, found.place, found.kind, found.tier) == (
        "店铺运营实习",
        "3 楼",
        ResourceKind.INTERNSHIP,
        Tier.MIDDLE,
    )
    assert (found.admission, found.fee, found.seats, found.hours) == (Admission.CHOSEN, 300, 1000, 2000)
    assert (found.starts_on, found.ends_on, found.version) == (date(2027, 3, 1), date(2029, 3, 1), 1)
    assert taught(found) == [("data_analysis", 5), ("platform_ops", 1)]
    assert not found.online
    assert accounts.balance(found.account) == MOST_CREDITS
    assert accounts.balance(f"organisation:{host.organisation_id}") == -MOST_CREDITS
    assert ledger.verify().fault is None


def test_without_a_city_it_is_online_and_without_a_fee_it_costs_nothing(firm: Actor) -> None:
    found = again(firm, deposit(firm, offered(fee=None, place="")).id)
    assert (found.online, found.city, found.fee) == (True, None, 0)


def test_a_deposit_leaves_a_trace(firm: Actor) -> None:
    made = deposit(firm, offered())
    entry = trail(Action.DEPOSIT_RESOURCE)
    assert (entry.actor_id, entry.subject) == (firm.user_id, f"trainingresource:{made.id}")
    assert entry.detail["credits"] == 5000


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": " \u3000"}, "title"),
    ({"title": "运" * 121}, "title"),
    ({"title_en": "o" * 121}, "title_en"),
    ({"description": "述" * 4001}, "description"),
    ({"place": "楼" * 121}, "place"),
    ({"kind": ""}, "kind"),
    ({"kind": "holiday"}, "kind"),
    ({"category": "sorcery"}, "category"),
    ({"tier": "royal"}, "tier"),
    ({"admission": "lottery"}, "admission"),
    ({"city": "atlantis"}, "city"),
    ({"seats": 0}, "seats"),
    ({"seats": 1001}, "seats"),
    ({"seats": None}, "seats"),
    ({"hours": 0}, "hours"),
    ({"hours": 2001}, "hours"),
    ({"hours": None}, "hours"),
    ({"fee": -1}, "fee"),
    ({"fee": 1_000_001}, "fee"),
    ({"starts_on": None}, "starts_on"),
    ({"ends_on": None}, "ends_on"),
    ({"starts_on": date(2090, 3, 2), "ends_on": date(2090, 3, 1)}, "ends_on"),
    ({"starts_on": date(2090, 3, 1), "ends_on": date(2092, 3, 2)}, "ends_on"),
    ({"supervisor": 0}, "supervisor"),
    ({"supervisor": 10**30}, "supervisor"),
    ({"teaches": ()}, "teaches"),
    ({"teaches": (Row("", 3), Row(" ", None))}, "teaches"),
    ({"teaches": (Row("platform_ops", 0),)}, "teaches-0-level"),
    ({"teaches": (Row("platform_ops", 6),)}, "teaches-0-level"),
    ({"teaches": (Row("platform_ops", None),)}, "teaches-0-level"),
    ({"teaches": (Row("platform_ops", 3), Row("", None), Row("平台运营", 2))}, "teaches-2-competency"),
    ({"teaches": (Row("sorcery", 3),)}, "teaches-0-competency"),
]
BAD_AT_FIRST: list[tuple[dict[str, Any], str]] = [
    ({"credits": None}, "credits"),
    ({"credits": 0}, "credits"),
    ({"credits": -1}, "credits"),
    ({"credits": MOST_CREDITS + 1}, "credits"),
    ({"starts_on": date(2020, 1, 1), "ends_on": date(2020, 2, 1)}, "ends_on"),
]


@pytest.mark.parametrize(("changes", "field"), [*BAD, *BAD_AT_FIRST])
def test_a_bad_value_is_named_and_nothing_is_stored_or_booked(
    firm: Actor, changes: dict[str, Any], field: str
) -> None:
    before = factories.stored(*TABLES)
    with pytest.raises(Invalid) as refused:
        deposit(firm, offered(**changes))
    assert refused.value.errors.keys() == {field}
    assert str(refused.value.errors[field]).strip()
    assert factories.stored(*TABLES) == before


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_a_bad_change_is_named_and_the_resource_stays(firm: Actor, changes: dict[str, Any], field: str) -> None:
    made = deposit(firm, offered())
    before = factories.stored(*TABLES)
    with pytest.raises(Invalid) as refused:
        change(firm, made.id, offered(**{"title": "别的", **changes}), 1)
    assert refused.value.errors.keys() == {field}
    assert factories.stored(*TABLES) == before
    found = again(firm, made.id)
    assert (found.title, found.version, taught(found)) == ("真实店铺", 1, [("platform_ops", 3)])


def test_all_that_is_wrong_is_said_at_once(firm: Actor) -> None:
    with pytest.raises(Invalid) as refused:
        deposit(firm, offered(title="", seats=0, credits=0, teaches=(Row("sorcery", 9),)))
    assert refused.value.errors.keys() == {"title", "seats", "credits", "teaches-0-competency", "teaches-0-level"}


def test_an_unknown_competency_is_refused_with_the_three_nearest_names(firm: Actor) -> None:
    nearest = catalogue.lexicon(catalogue.competencies()).nearest("Platfrom Opz")
    with pytest.raises(Invalid) as refused:
        deposit(firm, offered(teaches=(Row("Platfrom Opz", 3),)))
    sentence = str(refused.value.errors["teaches-0-competency"])
    assert len(nearest) == 3
    assert all(near in sentence for near in ["Platfrom Opz", *nearest])


def test_what_the_ledger_refuses_is_not_deposited_either(firm: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    before = factories.stored(*TABLES)

    def refuse(*_: object) -> None:
        raise Conflict("the ledger is being walked")

    monkeypatch.setattr(ledger, "_book", refuse)
    with pytest.raises(Conflict):
        deposit(firm, offered())
    assert factories.stored(*TABLES) == before


@pytest.mark.parametrize("role", sorted(set(Role) - set(HOSTS)))
def test_other_roles_neither_deposit_nor_change_nor_fund_nor_withdraw(firm: Actor, role: Role) -> None:
    made = deposit(firm, offered())
    actor = {Role.STRANGER: STRANGER, Role.SYSTEM: SYSTEM}.get(role) or factories.person(role)
    before = factories.stored(*TABLES)
    for attempt in (
        lambda: deposit(actor, offered()),
        lambda: change(actor, made.id, offered(), 1),
        lambda: fund(actor, made.id, 100, 0),
        lambda: withdraw(actor, made.id, 1),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert factories.stored(*TABLES) == before


def test_somebody_of_no_organisation_deposits_nothing() -> None:
    before = factories.stored(*TABLES)
    with pytest.raises(Forbidden):
        deposit(Actor(Role.ENTERPRISE, 1, None), offered())
    assert factories.stored(*TABLES) == before


def test_what_another_deposited_is_not_found_though_it_is_on_show(firm: Actor) -> None:
    others = deposit(factories.person(Role.ZONE), offered())
    assert queries.resource(firm, others.id).id == others.id
    before = factories.stored(*TABLES)
    for resource_id in (others.id, 999):
        for attempt in (
            lambda id_=resource_id: queries.own_resource(firm, id_),
            lambda id_=resource_id: change(firm, id_, offered(title="我的"), 1),
            lambda id_=resource_id: fund(firm, id_, 100, 0),
            lambda id_=resource_id: withdraw(firm, id_, 1),
        ):
            with pytest.raises(NotFound):
                attempt()
    assert factories.stored(*TABLES) == before
    found = again(firm, others.id)
    assert (found.title, found.state) == ("真实店铺", ResourceState.OPEN)


def test_a_colleague_supervises_and_stays_supervisor_where_a_change_names_nobody(firm: Actor) -> None:
    colleague = factories.person(Role.ENTERPRISE, db.session.get(Organisation, firm.organisation_id))
    made = deposit(firm, offered(supervisor=colleague.user_id))
    assert again(firm, made.id).supervisor_id == colleague.user_id
    change(firm, made.id, offered(title="别的"), 1)
    assert again(firm, made.id).supervisor_id == colleague.user_id
    assert [user.id for user in queries.supervisors(firm)] == [firm.user_id, colleague.user_id]


def test_nobody_from_elsewhere_no_student_and_nobody_suspended_supervises() -> None:
    host = factories.person(Role.UNIVERSITY)
    own = db.session.get(Organisation, host.organisation_id)
    others = (
        factories.person(Role.UNIVERSITY),
        factories.person(Role.STUDENT, own),
        factories.person(Role.UNIVERSITY, own, active=False),
    )
    before = factories.stored(*TABLES)
    for other in others:
        with pytest.raises(Invalid) as refused:
            deposit(host, offered(supervisor=other.user_id))
        assert refused.value.errors.keys() == {"supervisor"}
    assert factories.stored(*TABLES) == before


def test_a_change_writes_the_new_values_leaves_the_account_and_a_trace(firm: Actor) -> None:
    made = deposit(firm, offered(teaches=(Row("platform_ops", 3), Row("copywriting", 2)), city="meishan"))
    rows = (Row("data_analysis", 4), Row("platform_ops", 5))
    change(firm, made.id, offered(title="分析", kind="course", seats=7, hours=8, fee=9, teaches=rows, credits=1), 1)
    found = again(firm, made.id)
    assert (found.title, found.kind, found.seats, found.hours, found.fee) == ("分析", ResourceKind.COURSE, 7, 8, 9)
    assert (found.version, found.online, taught(found)) == (2, True, [("data_analysis", 4), ("platform_ops", 5)])
    assert db.session.scalar(select(func.count()).select_from(TaughtCompetency)) == 2
    assert accounts.balance(found.account) == 5000
    assert trail(Action.CHANGE_RESOURCE).subject == f"trainingresource:{made.id}"


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_resource_that_was_changed_meanwhile_is_not_overwritten(firm: Actor, version: int) -> None:
    made = deposit(firm, offered())
    change(firm, made.id, offered(title="第一"), 1)
    before = factories.stored(*TABLES)
    with pytest.raises(Conflict):
        change(firm, made.id, offered(title="第二"), version)
    with pytest.raises(Conflict):
        withdraw(firm, made.id, version)
    assert factories.stored(*TABLES) == before
    assert again(firm, made.id).title == "第一"


def test_credits_are_added_with_a_trace_and_never_above_what_an_account_may_hold(firm: Actor) -> None:
    made = deposit(firm, offered(credits=1))
    fund(firm, made.id, 249, 1)
    assert accounts.balance(made.account) == 250
    assert trail(Action.FUND_RESOURCE).detail == {"credits": 249}
    before = factories.stored(*TABLES)
    for amount in (None, 0, -1, MOST_CREDITS - 249):
        with pytest.raises(Invalid) as refused:
            fund(firm, made.id, amount, 250)
        assert refused.value.errors.keys() == {"credits"}
    assert factories.stored(*TABLES) == before
    fund(firm, made.id, MOST_CREDITS - 250, 250)
    assert accounts.balance(made.account) == MOST_CREDITS
    assert ledger.verify().fault is None


def test_credits_are_added_to_the_account_that_was_shown(firm: Actor) -> None:
    made = deposit(firm, offered(credits=100))
    fund(firm, made.id, 50, 100)
    with pytest.raises(Conflict):
        fund(firm, made.id, 50, 100)
    assert accounts.balance(made.account) == 150


def test_the_same_is_not_deposited_twice_within_a_minute(firm: Actor) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        made = deposit(firm, offered())
        before = factories.stored(*TABLES)
        with pytest.raises(Conflict):
            deposit(firm, offered(title=f" {made.title} "))
        assert factories.stored(*TABLES) == before
        deposit(firm, offered(title="另一家店铺"))
        deposit(factories.person(Role.ENTERPRISE), offered())
        clock.shift(60)
        deposit(firm, offered())


def test_a_withdrawn_resource_takes_nobody_new_and_keeps_what_was_earned(firm: Actor) -> None:
    w = World()
    resource_id = w.resource(credits=500)
    seat = w.enrolment(resource_id)
    _, other = w.another_student()
    asked = w.enrolment(resource_id, other, EnrolmentState.ASKED)
    account, student = f"resource:{resource_id}", f"student:{w.student_id}"
    with transaction():
        ledger.pay(w.university, account, student, 200, "log:1")
    found = withdraw(w.host, resource_id, 1)
    assert (found.state, found.withdrawn_on, found.last_day) == (ResourceState.WITHDRAWN, today(), today())
    assert (accounts.balance(account), accounts.balance(student)) == (300, 200)
    states = dict(db.session.execute(select(Enrolment.id, Enrolment.state)).all())
    assert states == {seat: EnrolmentState.ACCEPTED, asked: EnrolmentState.REFUSED}
    assert trail(Action.WITHDRAW_RESOURCE).subject == f"trainingresource:{resource_id}"
    before = factories.stored(*TABLES)
    with pytest.raises(Conflict):
        withdraw(w.host, resource_id, 2)
    assert factories.stored(*TABLES) == before


def test_a_withdrawn_resource_is_still_funded_as_earlier_practice_is_to_be_paid(firm: Actor) -> None:
    made = deposit(firm, offered(credits=1))
    withdraw(firm, made.id, 1)
    fund(firm, made.id, 99, 1)
    assert accounts.balance(made.account) == 100


def test_what_follows_a_withdrawal_is_undone_with_it(firm: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = deposit(firm, offered())
    before = factories.stored(*TABLES)

    def fail(*_: object) -> None:
        raise Conflict("somebody else is faster")

    monkeypatch.setattr(service, "_withdrawn", [fail])
    monkeypatch.setattr(service, "_seats_changed", [fail])
    with pytest.raises(Conflict):
        withdraw(firm, made.id, 1)
    with pytest.raises(Conflict):
        change(firm, made.id, offered(seats=9), 1)
    assert factories.stored(*TABLES) == before
    found = again(firm, made.id)
    assert (found.state, found.withdrawn_on, found.seats) == (ResourceState.OPEN, None, 3)


class Taken:
    """A resource of two seats at a fee of 100 RMB, both held, and one student on the waiting list."""

    def __init__(self) -> None:
        self.world = World()
        self.host = self.world.host
        self.id = deposit(self.host, offered(seats=2, fee=100)).id
        self.seat = self.world.enrolment(self.id)
        self.second = self.world.enrolment(self.id, self.world.another_student()[1])
        self.queued = self.world.enrolment(self.id, self.world.another_student()[1], EnrolmentState.WAITING)

    def change(self, **changes: Any) -> TrainingResource:
        values = offered(**{"seats": 2, "fee": 100, **changes})
        return change(self.host, self.id, values, again(self.host, self.id).version)

    def refused(self, **changes: Any) -> set[str]:
        """The fields at which a change is refused, with nothing stored."""
        before = factories.stored(*TABLES)
        with pytest.raises(Invalid) as refused:
            self.change(**changes)
        assert factories.stored(*TABLES) == before
        return set(refused.value.errors)

    def state(self, enrolment_id: int) -> EnrolmentState:
        db.session.expire_all()
        return db.session.get_one(Enrolment, enrolment_id).state


def test_seats_that_students_hold_can_not_be_taken_away() -> None:
    t = Taken()
    assert t.refused(seats=1) == {"seats"}
    assert t.change(seats=2).version == 2


def test_who_waits_moves_up_in_the_same_moment_as_seats_are_added() -> None:
    t = Taken()
    t.change(title="别的")
    assert t.state(t.queued) is EnrolmentState.WAITING
    t.change(seats=3)
    assert t.state(t.queued) is EnrolmentState.ACCEPTED
    assert t.refused(seats=2) == {"seats"}


def test_the_kind_and_the_fee_are_what_students_came_for() -> None:
    t = Taken()
    assert t.refused(kind="internship") == {"kind"}
    assert t.refused(fee=101) == {"fee"}
    assert t.change(fee=99).fee == 99
    with transaction():
        for enrolment_id in (t.seat, t.second):
            db.session.get_one(Enrolment, enrolment_id).state = EnrolmentState.LEFT
    assert t.refused(kind="internship", fee=100) == {"kind", "fee"}
    with transaction():
        db.session.get_one(Enrolment, t.queued).state = EnrolmentState.REFUSED
    assert t.change(kind="internship", fee=500).fee == 500


@pytest.mark.parametrize("state", sorted(set(LogState) - {LogState.DRAFT}))
def test_practice_stays_within_the_dates_and_what_its_levels_rest_on_stays(state: LogState) -> None:
    """Logs that came back too: a student must be able to mend them."""
    t = Taken()
    first, last = today() - 9 * DAY, today() - 2 * DAY
    for day in (first, last):
        t.world.log(t.seat, day, state=state)
    assert t.refused(starts_on=first + DAY) == {"starts_on"}
    assert t.refused(ends_on=last - DAY) == {"ends_on"}
    assert t.refused(hours=41) == {"hours"}
    assert t.refused(kind="course") == {"kind"}
    for rows in ((Row("platform_ops", 2),), (Row("platform_ops", 4),), (Row("data_analysis", 3),)):
        assert t.refused(teaches=rows) == {"teaches"}
    changed = t.change(starts_on=first, ends_on=last, title="别的")
    assert (changed.starts_on, changed.ends_on, changed.title) == (first, last, "别的")


def test_a_draft_holds_nothing_back() -> None:
    t = Taken()
    t.world.log(t.seat, today() - 9 * DAY, state=LogState.DRAFT)
    changed = t.change(starts_on=today(), hours=8, teaches=(Row("data_analysis", 1),))
    assert (changed.starts_on, changed.hours, len(changed.teaches)) == (today(), 8, 1)
