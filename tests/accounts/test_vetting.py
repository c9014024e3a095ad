"""The chamber vets enterprises: every decision is kept, people are told, and nothing shows before it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from talentbank import create_app
from talentbank.accounts import queries, service
from talentbank.accounts.licence import check_contact, check_licence
from talentbank.accounts.models import Organisation, Standing, User, Vetting
from talentbank.audit import AuditEntry
from talentbank.deposits import queries as deposits
from talentbank.deposits.resources import queries as resources
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound, Problems
from talentbank.extensions import db
from talentbank.notices.models import Notice
from talentbank.notices.wording import said
from talentbank.permissions import STRANGER, SYSTEM, Action, Actor, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as matching
from talentbank.rounds.snapshot import Snapshot
from tests import factories
from tests.conftest import copy, settings
from tests.factories import CONTACT
from tests.market import Market
from tests.practice.world import World
from tests.rounds.life import opened
from tests.rounds.test_races import at_once

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
APPROVED, PENDING, REFUSED = Standing.APPROVED, Standing.PENDING, Standing.REFUSED


@pytest.fixture
def chamber(app_context: None) -> Actor:
    return factories.person(Role.CHAMBER)


@pytest.fixture
def firm(app_context: None) -> Actor:
    """Somebody of an enterprise that waits."""
    return factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, PENDING))


def now_of(actor: Actor) -> Organisation:
    """An actor's organisation as it is stored now."""
    return db.session.get_one(Organisation, actor.organisation_id, populate_existing=True)


def told(actor: Actor) -> list[dict[str, str]]:
    query = select(Notice.data).where(Notice.user_id == actor.user_id, Notice.kind == "vetting").order_by(Notice.id)
    return list(db.session.scalars(query))


def test_every_decision_is_kept_with_its_reason_and_its_licence(chamber: Actor, firm: Actor) -> None:
    first = now_of(firm).licence
    with time_machine.travel(NOON, tick=False):
        service.decide_organisation(chamber, firm.organisation_id, REFUSED, " The licence has ended. ")
    second = factories.licence()
    service.change_organisation(firm, second, CONTACT)
    service.decide_organisation(chamber, firm.organisation_id, APPROVED)
    service.decide_organisation(chamber, firm.organisation_id, REFUSED, "It asked for fees.")

    kept = queries.decisions(firm.organisation_id or 0)
    assert [(row.standing, row.reason, row.licence) for row in kept] == [
        (REFUSED, "It asked for fees.", second),
        (APPROVED, "", second),
        (REFUSED, "The licence has ended.", first),
    ]
    assert kept[-1].at == NOON
    assert {row.user.id for row in kept} == {chamber.user_id}


@pytest.mark.parametrize("change", ["UPDATE vetting SET reason = 'other'", "DELETE FROM vetting"])
def test_what_is_kept_can_be_neither_changed_nor_taken_out(chamber: Actor, firm: Actor, change: str) -> None:
    service.decide_organisation(chamber, firm.organisation_id, APPROVED)
    with pytest.raises(DatabaseError, match="append-only"):
        db.session.execute(text(change))
    db.session.rollback()
    assert len(queries.decisions(firm.organisation_id or 0)) == 1


@pytest.mark.usefixtures("in_english")
def test_its_people_are_told_and_nobody_else(chamber: Actor, firm: Actor) -> None:
    house = now_of(firm)
    colleague = factories.person(Role.ENTERPRISE, house)
    suspended = factories.person(Role.ENTERPRISE, house, active=False)
    other = factories.person(Role.ENTERPRISE)
    service.decide_organisation(chamber, house.id, APPROVED)
    service.decide_organisation(chamber, house.id, REFUSED, "It asked for fees.")
    for actor in (firm, colleague):
        approved, refused = (said("vetting", data) for data in told(actor))
        assert approved.title == "The chamber has looked at your enterprise: approved"
        assert (refused.text, refused.endpoint) == (
            "The chamber's reason: It asked for fees.",
            "accounts.own_organisation",
        )
    assert told(suspended) == told(other) == told(chamber) == []


def test_a_decision_that_is_refused_tells_and_keeps_nothing(chamber: Actor, firm: Actor) -> None:
    before = factories.stored(Vetting, Notice)
    with pytest.raises(Invalid) as refused:
        service.decide_organisation(chamber, firm.organisation_id, REFUSED, "x" * 501)
    assert refused.value.errors.keys() == {"reason"}
    with pytest.raises(Invalid):
        service.decide_organisation(chamber, firm.organisation_id, PENDING, "later")
    assert factories.stored(Vetting, Notice) == before


def test_a_decision_is_about_what_the_decider_has_seen(chamber: Actor, firm: Actor) -> None:
    seen = (PENDING.value, now_of(firm).licence)
    service.change_organisation(firm, factories.licence(), CONTACT)
    with pytest.raises(Conflict):
        service.decide_organisation(chamber, firm.organisation_id, APPROVED, seen=seen)
    assert now_of(firm).standing is PENDING
    seen = (PENDING.value, now_of(firm).licence)
    service.decide_organisation(chamber, firm.organisation_id, REFUSED, "Closed down.", seen=seen)
    with pytest.raises(Conflict):
        service.decide_organisation(factories.person(Role.CHAMBER), firm.organisation_id, APPROVED, seen=seen)
    assert now_of(firm).standing is REFUSED


def test_who_gave_no_licence_is_not_approved(chamber: Actor, firm: Actor) -> None:
    house = now_of(firm)
    house.licence = ""
    db.session.commit()
    with pytest.raises(Conflict):
        service.decide_organisation(chamber, house.id, APPROVED)
    service.change_organisation(firm, factories.licence(), CONTACT)
    assert service.decide_organisation(chamber, house.id, APPROVED).standing is APPROVED


def test_a_refused_enterprise_asks_anew_by_a_change_and_by_nothing_less(chamber: Actor, firm: Actor) -> None:
    service.decide_organisation(chamber, firm.organisation_id, REFUSED, "Nobody answers.")
    licence = now_of(firm).licence
    before = factories.stored()
    with pytest.raises(Invalid):
        service.change_organisation(firm, f" {licence.lower()} ", f" {CONTACT} ")
    assert factories.stored() == before
    changed = service.change_organisation(firm, licence, "Wang Fang, wang@firm.example")
    assert (changed.standing, changed.reason, changed.decided_at) == (PENDING, "", None)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.CHANGE_ORGANISATION)).one()
    assert entry.detail == {"changed": ["contact"], "licence": licence, "before": "refused", "after": "pending"}


def test_an_approved_enterprise_waits_again_when_its_licence_changes_and_not_for_a_contact(
    chamber: Actor, firm: Actor
) -> None:
    service.decide_organisation(chamber, firm.organisation_id, APPROVED)
    kept = service.change_organisation(firm, now_of(firm).licence, "Wang Fang, wang@firm.example")
    assert (kept.standing, kept.contact) == (APPROVED, "Wang Fang, wang@firm.example")
    other = factories.licence()
    waits = service.change_organisation(firm, f"{other[:8]} {other[8:]}", kept.contact)
    assert (waits.standing, waits.licence) == (PENDING, other)


@pytest.mark.parametrize(
    ("licence", "contact", "field"),
    [
        ("91511400MA6DJXW001", CONTACT, "licence"),
        ("", CONTACT, "licence"),
        (None, "WeChat", "contact"),
        (None, "", "contact"),
        (None, CONTACT + "0" * 121, "contact"),
    ],
)
@pytest.mark.parametrize("standing", [APPROVED, PENDING, REFUSED])
def test_a_wrong_change_names_the_field_and_stores_nothing(
    chamber: Actor, firm: Actor, standing: Standing, licence: str | None, contact: str, field: str
) -> None:
    if standing is not PENDING:
        service.decide_organisation(chamber, firm.organisation_id, standing, "Seen.")
    own = now_of(firm).licence
    before = factories.stored()
    with pytest.raises(Invalid) as refused:
        service.change_organisation(firm, own if licence is None else licence, contact)
    assert refused.value.errors.keys() == {field}
    assert factories.stored() == before
    assert (now_of(firm).standing, now_of(firm).licence) == (standing, own)


@pytest.mark.usefixtures("app_context")
def test_one_approved_before_licences_were_asked_for_changes_its_contact_alone() -> None:
    firm = factories.person(Role.ENTERPRISE)
    assert service.change_organisation(firm, "", CONTACT).standing is APPROVED
    assert service.change_organisation(firm, factories.licence(), CONTACT).standing is PENDING


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ENTERPRISE}))
def test_nobody_but_an_enterprise_changes_itself(role: Role, chamber: Actor) -> None:
    actor = {Role.STRANGER: STRANGER, Role.SYSTEM: SYSTEM}.get(role) or factories.person(role)
    with pytest.raises(Forbidden):
        service.change_organisation(actor, factories.licence(), CONTACT)


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize("kind", [None, Role.UNIVERSITY])
def test_who_belongs_to_no_enterprise_has_none_to_change(kind: Role | None) -> None:
    house = factories.organisation(kind).id if kind else None
    with pytest.raises(NotFound):
        service.change_organisation(Actor(Role.ENTERPRISE, 1, house), factories.licence(), CONTACT)
    if house is None:
        with pytest.raises(NotFound):
            queries.own_organisation(Actor(Role.ENTERPRISE, 1))


def test_an_enterprise_changes_itself_and_no_other(firm: Actor) -> None:
    other = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, PENDING))
    before = now_of(other).licence
    service.change_organisation(firm, factories.licence(), CONTACT)
    assert now_of(other).licence == before
    assert queries.own_organisation(firm).id == firm.organisation_id


def test_a_licence_is_in_the_bank_once_unless_its_holder_was_refused(chamber: Actor, firm: Actor) -> None:
    taken = now_of(firm).licence
    wide = taken.translate({sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)})
    before = factories.stored(Organisation, User)
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, factories.registration(licence=wide))
    assert refused.value.errors.keys() == {"licence"}
    assert factories.stored(Organisation, User) == before

    service.decide_organisation(chamber, firm.organisation_id, REFUSED, "Not theirs.")
    rightful = service.register_enterprise(STRANGER, factories.registration(licence=taken))
    with pytest.raises(Conflict):
        service.decide_organisation(chamber, firm.organisation_id, APPROVED)
    with pytest.raises(Invalid) as again:
        service.change_organisation(firm, taken, "Wang Fang, wang@firm.example")
    assert again.value.errors.keys() == {"licence"}
    assert now_of(firm).standing is REFUSED
    assert queries.decisions(firm.organisation_id or 0)[0].standing is REFUSED
    assert service.decide_organisation(chamber, rightful.organisation_id, APPROVED).standing is APPROVED


def test_who_registers_a_licence_at_the_same_moment_is_told_by_the_database(
    firm: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look before the write can come too early, as on PostgreSQL."""
    before = factories.stored(Organisation, User)
    monkeypatch.setattr(service, "_checked_licence", lambda licence, problems: licence)
    with pytest.raises(Invalid) as refused:
        service.register_enterprise(STRANGER, factories.registration(licence=now_of(firm).licence))
    assert refused.value.errors.keys() == {"licence"}
    assert factories.stored(Organisation, User) == before


def test_one_licence_is_registered_once_by_two_at_once(app: Flask) -> None:
    with app.app_context():
        licence = factories.licence()
        asked = [factories.registration(licence=licence) for _ in range(2)]
        results = at_once(
            app, *(lambda values=values: service.register_enterprise(STRANGER, values) for values in asked)
        )
        assert sorted(map(str, results)) == sorted(map(str, ["done", Invalid]))
        held = db.session.scalars(select(Organisation).where(Organisation.licence == licence)).all()
        assert len(held) == 1
        assert len(db.session.scalars(select(User).where(User.organisation_id == held[0].id)).all()) == 1


def test_two_of_the_chamber_who_decide_at_once_decide_once(app: Flask) -> None:
    with app.app_context():
        one, two = factories.person(Role.CHAMBER), factories.person(Role.CHAMBER)
        firm = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, PENDING))
        seen, house = (PENDING.value, now_of(firm).licence), firm.organisation_id
        results = at_once(
            app,
            lambda: service.decide_organisation(one, house, APPROVED, seen=seen),
            lambda: service.decide_organisation(two, house, REFUSED, "Not theirs.", seen=seen),
        )
        assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
        assert [row.standing for row in queries.decisions(house or 0)] == [now_of(firm).standing]
        assert len(told(firm)) == 1


@pytest.mark.parametrize("how", ["refused", "changed"])
def test_what_an_enterprise_deposits_leaves_the_show_with_its_approval(app_context: None, how: str) -> None:
    w = World()
    firm = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, PENDING))
    position, resource_id = factories.position(firm).id, w.resource(host=firm)

    def shows() -> list[bool]:
        db.session.expire_all()
        found = []
        for read in (
            lambda: deposits.position(w.student, position),
            lambda: resources.resource(w.student, resource_id),
        ):
            try:
                read()
                found.append(True)
            except NotFound:
                found.append(False)
        return found

    assert shows() == [False, False]
    service.decide_organisation(w.chamber, firm.organisation_id, APPROVED)
    assert shows() == [True, True]
    if how == "refused":
        service.decide_organisation(w.chamber, firm.organisation_id, REFUSED, "It asked for fees.")
    else:
        service.change_organisation(firm, factories.licence(), CONTACT)
    assert shows() == [False, False]


@pytest.mark.usefixtures("app_context")
def test_a_round_takes_the_seats_of_those_who_are_approved_when_it_freezes() -> None:
    m = Market()
    firm = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, PENDING))
    waiting = m.position({"platform_ops": 1}, of=firm)
    found = opened(m.chamber)
    assert {int(opening.id) for opening in rounds.participants(found.id).openings} == {m.shop, m.studio}
    service.decide_organisation(m.chamber, firm.organisation_id, APPROVED)
    service.decide_organisation(m.chamber, m.enterprise.organisation_id, REFUSED, "It asked for fees.")
    kept = matching.freeze(m.chamber, found.id, found.version)
    assert [opening.id for opening in Snapshot(kept.text).openings] == [str(waiting)]


def test_the_demos_enterprises_were_vetted(demo_database: Path, tmp_path: Path) -> None:
    app = create_app(settings(copy(demo_database, tmp_path)))
    with app.app_context():
        houses = db.session.scalars(select(Organisation).where(Organisation.kind == Role.ENTERPRISE)).all()
        problems = Problems()
        for house in houses:
            check_licence(house.licence, problems)
            check_contact(house.contact, problems)
            assert "DEM" in house.licence
            assert [row.standing for row in queries.decisions(house.id)] == [house.standing] * (
                house.standing is not PENDING
            )
            assert bool(house.reason) is (house.standing is REFUSED)
        problems.check()
        standings = sorted(house.standing for house in houses)
        assert standings == [APPROVED] * 71 + [PENDING, REFUSED]
        db.session.remove()
        db.engine.dispose()
