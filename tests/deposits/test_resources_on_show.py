"""Who sees which training resources, and what a list of them says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from talentbank.accounts import service as accounts
from talentbank.accounts.models import Organisation, Standing
from talentbank.deposits.resources import queries
from talentbank.deposits.resources.models import ResourceKind, ResourceState, Tier
from talentbank.deposits.resources.queries import ResourceFilter, Tally
from talentbank.deposits.resources.service import withdraw
from talentbank.errors import NotFound
from talentbank.extensions import db, today
from talentbank.permissions import Actor, Role
from talentbank.practice.models import EnrolmentState
from tests import factories
from tests.practice.world import World
from tests.test_queries import counted

pytestmark = pytest.mark.usefixtures("app_context")

PUBLIC = [Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY, Role.ZONE, Role.GOVERNMENT]
DAY = timedelta(days=1)


def listed(actor: Actor, **wanted: Any) -> list[int]:
    return [row.resource.id for row in queries.resources(actor, ResourceFilter(**wanted), 1)[1]]


def seen(actor: Actor, resource_id: int) -> bool:
    """Whether the actor finds the resource: the page of one and the list have to agree."""
    found = resource_id in listed(actor)
    try:
        assert queries.resource(actor, resource_id).id == resource_id
    except NotFound:
        assert not found
        return False
    assert found
    return True


@pytest.mark.parametrize("role", PUBLIC)
def test_a_pending_hosts_resource_shows_once_the_chamber_has_approved(role: Role) -> None:
    w, reader = World(), factories.person(role)
    host = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, Standing.PENDING))
    resource_id = w.resource(host=host)
    assert not seen(reader, resource_id)
    assert all(seen(actor, resource_id) for actor in (host, w.chamber, factories.person(Role.ADMINISTRATOR)))
    assert listed(w.chamber, state="open") == []
    accounts.decide_organisation(w.chamber, host.organisation_id, Standing.APPROVED)
    assert seen(reader, resource_id)
    accounts.decide_organisation(w.chamber, host.organisation_id, Standing.REFUSED, "no licence")
    assert not seen(reader, resource_id)


@pytest.mark.parametrize("role", PUBLIC)
def test_a_withdrawn_resource_shows_to_its_host_and_to_whom_it_concerns(role: Role) -> None:
    w, reader = World(), factories.person(role)
    resource_id = w.resource()
    w.enrolment(resource_id)
    assert seen(reader, resource_id)
    withdraw(w.host, resource_id, 1)
    assert not seen(reader, resource_id)
    assert all(seen(actor, resource_id) for actor in (w.host, w.chamber, w.student, w.university))
    assert listed(w.host, state="withdrawn") == [resource_id]
    assert listed(w.host, state="open") == []


def test_a_university_owns_what_it_deposits_and_its_students_do_not() -> None:
    w = World()
    resource_id = w.resource(host=w.university, state=ResourceState.WITHDRAWN, withdrawn_on=today())
    assert seen(w.university, resource_id)
    assert not seen(w.student, resource_id)
    found = queries.resource(w.university, resource_id)
    assert queries.owns(w.university, found)
    assert not queries.owns(w.student, found)
    with pytest.raises(NotFound):
        queries.own_resource(w.student, resource_id)


WANTED: list[tuple[dict[str, Any], bool]] = [
    ({"kind": "project", "category": "operations", "tier": "frontline", "city": "meishan"}, True),
    ({"competency": "platform_ops", "state": "open", "free": True}, True),
    ({"text": "真实"}, True),
    ({"text": "listings AND"}, True),
    ({"text": "某厂"}, True),
    ({"kind": "everything", "category": "?", "tier": "?", "state": "?"}, True),
    ({"kind": "course"}, False),
    ({"category": "design"}, False),
    ({"tier": "executive"}, False),
    ({"city": "chengdu"}, False),
    ({"city": "online"}, False),
    ({"competency": "teamwork"}, False),
    ({"competency": "sorcery"}, False),
    ({"state": "over"}, False),
    ({"state": "withdrawn"}, False),
    ({"text": "%"}, False),
    ({"owner": 999}, False),
]


@pytest.mark.parametrize(("wanted", "found"), WANTED)
def test_a_list_is_narrowed_to_what_was_asked_for(wanted: dict[str, Any], found: bool) -> None:
    w = World()
    host = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, name="某厂"))
    resource_id = w.resource({"platform_ops": 3, "data_analysis": 2}, host=host, title_en="Listings and ads")
    assert (resource_id in listed(w.student, **wanted)) is found


def test_a_list_is_narrowed_to_what_is_online_to_an_owner_and_to_what_is_over() -> None:
    w = World()
    here = w.resource()
    online = w.resource(city_code=None, host=factories.person(Role.ZONE))
    over = w.resource(ends_on=today() - DAY)
    assert listed(w.student, city="online") == [online]
    assert listed(w.student, owner=w.host.organisation_id) == [here, over]
    assert listed(w.student, state="over") == [over]
    assert listed(w.student, state="open") == [here, online]


def test_a_full_resource_and_one_that_is_over_have_no_free_seat() -> None:
    w = World()
    full = w.resource(seats=1)
    w.enrolment(full)
    half = w.resource(seats=2)
    w.enrolment(half)
    waiting = w.resource(seats=1)
    w.enrolment(waiting, state=EnrolmentState.WAITING)
    w.resource(ends_on=today() - DAY)
    assert listed(w.student, free=True) == [half, waiting]


def test_what_is_ours_stands_first_and_what_is_over_last() -> None:
    w = World()
    over = w.resource(ends_on=today() - DAY)
    late = w.resource(starts_on=today() + DAY)
    theirs = w.resource(host=factories.person(Role.ZONE))
    soon = w.resource(starts_on=today())
    assert listed(w.host) == [soon, late, over, theirs]
    assert listed(w.student) == [theirs, soon, late, over]


def test_a_row_tells_seats_waiting_people_credits_and_the_students_own_enrolment() -> None:
    w = World()
    resource_id, other = w.resource(seats=2, credits=700), w.resource(credits=0)
    w.enrolment(resource_id)
    for state in EnrolmentState:
        w.enrolment(resource_id, w.another_student()[1], state)
    rows = {row.resource.id: row for row in queries.resources(w.student, ResourceFilter(), 1)[1]}
    row = rows[resource_id]
    assert (row.tally.held, row.tally.waiting, row.tally.balance, row.free) == (2, 2, 700, 0)
    assert row.tally == queries.tally(resource_id)
    assert row.own and (row.own.stands, row.own.leaves) == (True, True)
    assert (rows[other].tally, rows[other].own, rows[other].free) == (Tally(0, 0, None, 0), None, 3)
    assert all(row.own is None for row in queries.resources(w.host, ResourceFilter(), 1)[1])


def test_a_list_asks_as_often_for_many_rows_as_for_few() -> None:
    w = World()

    def grow(count: int) -> None:
        for _ in range(count):
            resource_id = w.resource({"platform_ops": 3, "teamwork": 2}, host=factories.person(Role.ENTERPRISE))
            w.enrolment(resource_id, state=EnrolmentState.WAITING)

    def asked(actor: Actor) -> int:
        db.session.rollback()
        db.session.expunge_all()
        with counted() as statements:
            page, rows = queries.resources(actor, ResourceFilter(), 1)
            for row in rows:
                r = row.resource
                assert r.owner.name and r.supervisor.name and r.city and r.teaches[0].competency.name and row.tally
        assert len(page.items) == len(rows)
        return len(statements)

    grow(2)
    few = asked(w.student), asked(w.host)
    grow(18)
    assert (asked(w.student), asked(w.host)) == few
    assert max(few) < 10


def test_pages_of_a_long_list_hold_each_resource_once() -> None:
    w = World()
    made = [w.resource(credits=0) for _ in range(queries.PER_PAGE + 1)]
    pages = [queries.resources(w.student, ResourceFilter(), number)[1] for number in (1, 2, 3)]
    assert [len(rows) for rows in pages] == [queries.PER_PAGE, 1, 0]
    assert sorted(row.resource.id for rows in pages for row in rows) == made


def test_a_resource_takes_people_while_it_is_on_show_and_not_over() -> None:
    w = World()

    def takes(**values: Any) -> bool:
        resource = queries.resource(w.chamber, w.resource(credits=0, **values))
        return queries.shown(w.chamber, [resource])[0].takes_people

    pending = factories.organisation(Role.ENTERPRISE, Standing.PENDING)
    assert takes(kind=ResourceKind.COURSE, tier=Tier.EXECUTIVE, ends_on=today())
    assert takes(starts_on=today() + DAY)
    assert not takes(ends_on=today() - DAY)
    assert not takes(state=ResourceState.WITHDRAWN, withdrawn_on=today())
    assert not takes(host=factories.person(Role.ENTERPRISE, db.session.get(Organisation, pending.id)))
