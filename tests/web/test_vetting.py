"""The pages of vetting: an enterprise registers, the chamber decides, and the enterprise reads and changes."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts import queries, service
from talentbank.accounts.models import Organisation, Standing, User
from talentbank.audit import AuditEntry
from talentbank.extensions import db
from talentbank.permissions import Actor, Role
from tests import factories
from tests.factories import CONTACT, PASSWORD
from tests.test_queries import counted
from tests.web.reader import Reads

PERSONAL = "3812 3456"


@pytest.fixture
def firm(app: Flask) -> Actor:
    """Somebody of an enterprise that waits."""
    with app.app_context():
        return factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, Standing.PENDING))


@pytest.fixture
def chamber(app: Flask) -> Actor:
    with app.app_context():
        return factories.person(Role.CHAMBER)


def house(app: Flask, actor: Actor) -> Organisation:
    """An actor's organisation as it is stored now."""
    with app.app_context():
        return db.session.get_one(Organisation, actor.organisation_id)


def decide(app: Flask, chamber: Actor, firm: Actor, standing: Standing, reason: str = "") -> None:
    with app.app_context():
        service.decide_organisation(chamber, firm.organisation_id, standing, reason)


def test_registering_asks_for_a_licence_and_a_contact_and_says_what_is_wrong(app: Flask, reads: Reads) -> None:
    stranger = reads(None)
    page = stranger.get("/register")
    with app.app_context():
        licence = factories.licence()
    values = {"name_zh": "眉山某企业", "person": "韦某", "email": "wei@firm.example", "password": PASSWORD}
    wrong = stranger.submit(page, page.form(), 400, licence=licence[:-1], contact="WeChat", **values)
    assert "has 18 signs: this one has 17" in wrong.text
    assert "Name a person and a telephone number or an e-mail address" in wrong.text
    spaced = " ".join((licence[:4], licence[4:8], licence[8:]))
    done = stranger.submit(wrong, wrong.form(), licence=spaced, contact=CONTACT, password=PASSWORD)
    assert "they show once the chamber has approved your enterprise" in done.text
    with app.app_context():
        made = db.session.scalars(select(Organisation).where(Organisation.name_zh == "眉山某企业")).one()
        assert (made.licence, made.contact, made.standing) == (licence, CONTACT, Standing.PENDING)
    again = reads(None)
    page = again.get("/register")
    values = {**values, "name_zh": "另一家", "email": "other@firm.example"}
    refused = again.submit(page, page.form(), 400, licence=licence.lower(), contact=CONTACT, **values)
    assert "Another enterprise in the bank has this unified social credit code" in refused.text


def test_the_chamber_decides_and_reads_who_decided_what_and_why(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor
) -> None:
    licence, officer = house(app, firm).licence, reads(chamber)
    path = f"/organisations/{firm.organisation_id}"
    page = officer.get(path)
    assert licence in page.text
    assert CONTACT in page.text
    assert "Decisions so far" not in page.text
    page = officer.submit(page, page.form("/decide"), 400, standing="refused", reason=" ")
    assert "Say why the enterprise is refused" in page.text
    page = officer.submit(page, page.form("/decide"), standing="refused", reason="The <licence> has ended.")
    page = officer.submit(page, page.form("/decide"), standing="approved")
    assert "Take the approval back" in page.text
    page = officer.submit(page, page.form("/decide"), standing="refused", reason="It asked for fees.")
    rows = [row.get_text(" ", strip=True) for row in page.soup.select("main tbody tr")]
    assert len(rows) == 3
    assert all(licence in row and chamber.name in row for row in rows)
    assert [word in row for row, word in zip(rows, ("asked for fees", "Approved", "The <licence> has"), strict=True)]
    assert "The <licence> has ended." in rows[2]
    assert reads(chamber, "zh").get(path).status == 200


def test_a_decision_on_a_page_that_is_out_of_date_is_not_taken(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor
) -> None:
    officer = reads(chamber)
    page = officer.get(f"/organisations/{firm.organisation_id}")
    with app.app_context():
        service.change_organisation(firm, factories.licence(), CONTACT)
    refused = officer.submit(page, page.form("/decide"), 409, standing="approved")
    assert "look at the page again" in refused.text
    assert house(app, firm).standing is Standing.PENDING


@pytest.mark.parametrize("values", [{}, {"standing": "pending"}, {"standing": "approved"}, {"standing": "x" * 99}])
def test_a_forged_decision_changes_nothing(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor, values: dict[str, str]
) -> None:
    path = f"/organisations/{firm.organisation_id}/decide"
    reads(chamber).post(path, 409 if values.get("standing") == "approved" else 400, **values)
    for role in (Role.ENTERPRISE, Role.ADMINISTRATOR, Role.ZONE, Role.GOVERNMENT):
        with app.app_context():
            other = factories.person(role)
        reads(other).post(path, 403, standing="approved", before="pending", licence=house(app, firm).licence)
    reads(firm).post(path, 403, standing="approved")
    reads(chamber).post("/organisations/999999/decide", 404, standing="approved")
    reads(chamber).post(f"/organisations/{firm.organisation_id}", 405, standing="approved")
    assert house(app, firm).standing is Standing.PENDING
    with app.app_context():
        assert queries.decisions(firm.organisation_id or 0) == []


@pytest.mark.parametrize("role", [Role.CHAMBER, Role.ADMINISTRATOR, Role.ZONE, Role.GOVERNMENT])
def test_the_contact_and_the_decisions_are_for_the_chamber_and_the_administrator(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor, role: Role
) -> None:
    decide(app, chamber, firm, Standing.REFUSED, "Nobody answers.")
    decide(app, chamber, firm, Standing.APPROVED, "Seen on the spot.")
    with app.app_context():
        someone = factories.person(role)
    page = reads(someone).get(f"/organisations/{firm.organisation_id}")
    whole = role in (Role.CHAMBER, Role.ADMINISTRATOR)
    assert house(app, firm).licence in page.text
    for text in (PERSONAL, "Nobody answers.", "Seen on the spot.", chamber.name):
        assert (text in page.text) is whole
    listed = reads(someone).get("/organisations")
    assert PERSONAL not in listed.text


def test_the_page_asks_as_often_for_many_decisions_as_for_one(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor
) -> None:
    officer, path = reads(chamber), f"/organisations/{firm.organisation_id}"

    def asked() -> int:
        with app.app_context(), counted() as statements:
            officer.get(path)
        return len(statements)

    decide(app, chamber, firm, Standing.APPROVED)
    one = asked()
    for _ in range(3):
        with app.app_context():
            another = factories.person(Role.CHAMBER)
        decide(app, another, firm, Standing.REFUSED, "It asked for fees.")
        decide(app, another, firm, Standing.APPROVED)
    assert asked() == one


def test_an_enterprise_reads_how_it_stands_and_asks_anew(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor
) -> None:
    someone = reads(firm)
    page = someone.get("/organisation")
    assert "Waiting for approval" in page.text
    assert page.form().select_one("input[name=licence]")["value"] == house(app, firm).licence  # type: ignore[index]
    decide(app, chamber, firm, Standing.REFUSED, "Nobody answers.")
    page = someone.get("/organisation")
    assert "Refused" in page.text
    assert "Nobody answers." in page.text
    same = someone.submit(page, page.form(), 400)
    assert "Nothing is different yet" in same.text
    wrong = someone.submit(same, same.form(), 400, licence="91511400MA6DJXW001")
    assert "The last sign does not fit" in wrong.text
    assert house(app, firm).standing is Standing.REFUSED
    with app.app_context():
        other = factories.licence()
    done = someone.submit(wrong, wrong.form(), licence=other)
    assert "the chamber will look at it" in done.text
    assert "Waiting for approval" in done.text
    assert "Nobody answers." in done.text
    assert house(app, firm).licence == other
    assert chamber.name not in done.text


def test_the_notice_leads_to_the_enterprises_own_page(app: Flask, reads: Reads, chamber: Actor, firm: Actor) -> None:
    decide(app, chamber, firm, Standing.APPROVED)
    someone = reads(firm)
    page = someone.get("/notices")
    assert "The chamber has looked at your enterprise: approved" in page.text
    [notice] = {link for link in page.links() if link.startswith("/notices/")}
    assert someone.get(notice).path == "/organisation"


def test_a_contact_changes_without_a_new_decision_and_a_licence_does_not(
    app: Flask, reads: Reads, chamber: Actor, firm: Actor
) -> None:
    decide(app, chamber, firm, Standing.APPROVED)
    someone = reads(firm)
    page = someone.get("/organisation")
    kept = someone.submit(page, page.form(), contact="Wang Fang, wang@firm.example")
    assert "It is stored." in kept.text
    assert house(app, firm).standing is Standing.APPROVED
    with app.app_context():
        licence = factories.licence()
    waits = someone.submit(kept, kept.form(), licence=licence)
    assert "the chamber will look at it" in waits.text
    assert house(app, firm).standing is Standing.PENDING


def test_a_forged_change_reaches_no_other_enterprise(app: Flask, reads: Reads, firm: Actor) -> None:
    with app.app_context():
        other = factories.person(Role.ENTERPRISE, factories.organisation(Role.ENTERPRISE, Standing.PENDING))
        licence = factories.licence()
    before = house(app, other).licence
    forged = {"organisation_id": str(other.organisation_id), "standing": "approved", "kind": "chamber"}
    reads(firm).post("/organisation", 200, licence=licence, contact=CONTACT, **forged)
    assert house(app, other).licence == before
    own = house(app, firm)
    assert (own.licence, own.standing, own.kind) == (licence, Standing.PENDING, Role.ENTERPRISE)
    taken = reads(firm).post("/organisation", 400, licence=before, contact=CONTACT)
    assert "Another enterprise in the bank has this unified social credit code" in taken.text


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ENTERPRISE, Role.STRANGER, Role.SYSTEM}))
def test_others_have_no_enterprise_of_their_own(app: Flask, reads: Reads, role: Role) -> None:
    with app.app_context():
        someone = factories.person(role)
    reads(someone).get("/organisation", 403)
    reads(someone).post("/organisation", 403, licence="", contact=CONTACT)


def test_who_is_suspended_changes_nothing(app: Flask, reads: Reads, firm: Actor) -> None:
    someone = reads(firm)
    page = someone.get("/organisation")
    with app.app_context():
        before = db.session.get_one(Organisation, firm.organisation_id).contact
        service.suspend(factories.person(Role.ADMINISTRATOR), firm.user_id or 0, False)
        trail = len(db.session.scalars(select(AuditEntry)).all())
        assert not db.session.get_one(User, firm.user_id).active
    someone.submit(page, page.form(), 403, contact="Wang Fang, wang@firm.example")
    assert house(app, firm).contact == before
    with app.app_context():
        assert len(db.session.scalars(select(AuditEntry)).all()) == trail
