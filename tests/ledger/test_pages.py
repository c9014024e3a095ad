"""The ledger's pages: all of it for the chamber and the administrator, an account for those whose it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from talentbank.credentials import withdrawals
from talentbank.engine.ledger import AccountKind, EntryKind
from talentbank.errors import NotFound
from talentbank.extensions import db, transaction
from talentbank.ledger import queries, service
from talentbank.ledger.models import LedgerAccount, LedgerHead
from talentbank.ledger.queries import PostingFilter
from talentbank.permissions import Actor, Role
from tests import factories
from tests.credentials.earning import Earning, day, reader
from tests.test_queries import counted


@pytest.fixture
def w(app_context: None) -> Earning:
    world = Earning()
    world.earned(16)
    withdrawals.withdraw(world.student, 40)
    return world


def account(owner: str) -> int:
    db.session.rollback()
    return db.session.scalars(select(LedgerAccount.id).where(LedgerAccount.owner == owner)).one()


def accounts(w: Earning) -> dict[str, int]:
    """An account of each kind, of those who take part."""
    return {
        "issuer": account(f"organisation:{w.host.organisation_id}"),
        "resource": account(f"resource:{w.project}"),
        "student": account(f"student:{w.student_id}"),
        "record": account(f"record:{w.university.organisation_id}"),
    }


def test_each_sees_the_accounts_that_are_theirs(w: Earning) -> None:
    other, _ = w.another_student()
    seen: dict[str, tuple[Actor, set[str]]] = {
        "student": (w.student, {"student"}),
        "host": (w.host, {"issuer", "resource"}),
        "university": (w.university, {"student", "record"}),
        "chamber": (w.chamber, {"issuer", "resource", "student", "record"}),
        "administrator": (factories.person(Role.ADMINISTRATOR), {"issuer", "resource", "student", "record"}),
        "another student": (other, set()),
        "another university": (factories.person(Role.UNIVERSITY), set()),
        "another enterprise": (factories.person(Role.ENTERPRISE), set()),
        "government": (factories.person(Role.GOVERNMENT), set()),
    }
    known = accounts(w)
    for who, (actor, theirs) in seen.items():
        assert queries.seen_among(actor, known.values()) == {known[name] for name in theirs}, who
        for name, account_id in known.items():
            if name in theirs:
                assert queries.account(actor, account_id).id == account_id
            else:
                with pytest.raises(NotFound):
                    queries.account(actor, account_id)
    with pytest.raises(NotFound):
        queries.account(w.chamber, 999)


def test_a_university_that_hosts_sees_its_resources_accounts(w: Earning) -> None:
    own = w.resource(host=w.university)
    assert queries.seen_among(w.university, [account(f"resource:{own}")])
    assert not queries.seen_among(
        w.student, [account(f"resource:{own}"), account(f"record:{w.student.organisation_id}")]
    )


def test_the_balance_runs_from_page_to_page(w: Earning, monkeypatch: pytest.MonkeyPatch) -> None:
    w.earned(8)
    w.earned(8)
    monkeypatch.setattr(queries, "PER_PAGE", 3)
    shown = [
        (row.amount, row.balance)
        for page in (1, 2)
        for row in queries.postings(account(f"student:{w.student_id}"), PostingFilter(), page)[1]
    ]
    assert shown == [(50, 160), (50, 110), (-40, 60), (100, 100)]


def test_a_kind_takes_its_reversals_along(w: Earning) -> None:
    gone = w.earned(8)
    w.reverse(gone)
    mine = account(f"student:{w.student_id}")
    page, rows = queries.postings(mine, PostingFilter(EntryKind.PAYMENT), 1)
    assert [row.amount for row in rows] == [-50, 50, 100]
    assert queries.posted(mine, PostingFilter(EntryKind.PAYMENT)) == 100
    assert queries.posted(mine, PostingFilter(EntryKind.WITHDRAWAL)) == -40
    assert queries.posted(mine, PostingFilter(EntryKind.DEPOSIT)) == 0
    assert queries.posted(mine, PostingFilter()) == queries.balance(f"student:{w.student_id}") == 60
    assert page.total == 3


def test_a_day_is_one_in_meishan(app_context: None) -> None:
    actor = Actor(Role.ENTERPRISE, 7, 1)
    for moment in ("2026-03-01T15:59:59", "2026-03-01T16:00:00", "2026-03-02T15:59:59", "2026-03-02T16:00:00"):
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        with time_machine.travel(at, tick=False), transaction():
            service.deposit(actor, 1, "resource:1", 100)
    mine = account("resource:1")
    sums = [queries.posted(mine, PostingFilter(day=day(text))) for text in ("2026-03-01", "2026-03-02", "2026-03-03")]
    assert sums == [100, 200, 100]


def test_sums_go_beyond_what_four_bytes_hold(app_context: None) -> None:
    with transaction():
        service.deposit(Actor(Role.ENTERPRISE, 7, 1), 1, "resource:1", 3 * 2**31)
    mine = account("resource:1")
    assert queries.posted(mine, PostingFilter()) == queries.balance("resource:1") == 3 * 2**31
    assert queries.totals()[AccountKind.ISSUER].balance == -3 * 2**31
    assert [row.balance for row in queries.postings(mine, PostingFilter(), 1)[1]] == [3 * 2**31]


def test_totals_come_to_nothing(w: Earning) -> None:
    totals = queries.totals()
    assert {kind.value: (total.accounts, total.balance) for kind, total in totals.items()} == {
        "issuer": (1, -5000),
        "resource": (1, 4900),
        "student": (1, 60),
        "record": (1, 40),
    }
    assert sum(total.balance for total in totals.values()) == 0


def test_the_pages_before_the_first_entry(app: Flask) -> None:
    with app.app_context():
        chamber = factories.person(Role.CHAMBER)
        assert queries.head() is None
        assert queries.totals()[AccountKind.STUDENT].accounts == 0
    page = reader(app, chamber).get("/ledger")
    assert "There is no entry yet." in page.text
    assert "None yet" in reader(app, chamber).get("/ledger?kind=student").text


def test_the_ledger_shows_its_head_its_entries_and_how_to_verify_it(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        log_id = w.earned(16)
        w.reverse(log_id, "Counted twice.")
        head = db.session.get_one(LedgerHead, 1)
        digest = head.digest
        name = factories.user(w.student).name
    for actor in (w.chamber, _administrator(app)):
        page = reader(app, actor).get("/ledger")
        for said in (
            digest,
            "flask --app wsgi ledger verify",
            "0.00 as it must be",
            "Takes entry 2 back: log taken back",
        ):
            assert said in page.text
        assert "Counted twice." not in page.text
        assert not page.soup.select("main form[method=post]")
        (students,) = {link for link in page.links() if link == "/ledger?kind=student"}
        assert name in reader(app, actor).get(students).text
    links = reader(app, w.chamber).get("/ledger").links()
    assert f"/practice/logs/{log_id}" in links
    assert f"/practice/logs/{log_id}" not in reader(app, _administrator(app)).get("/ledger").links()
    for actor in (w.student, w.host, w.university):
        reader(app, actor).get("/ledger", 403)


def _administrator(app: Flask) -> Actor:
    with app.app_context():
        return factories.person(Role.ADMINISTRATOR)


def test_an_accounts_page_links_to_what_each_posting_is_for(app: Flask) -> None:
    with app.app_context():
        w = Earning()
        log_id = w.earned(16)
        withdrawals.withdraw(w.student, 40)
        known = accounts(w)
    page = reader(app, w.student).get(f"/ledger/accounts/{known['student']}")
    assert f"/practice/logs/{log_id}" in page.links()
    assert "/credits" in page.links()
    assert f"/ledger/accounts/{known['resource']}" not in page.links()
    host = reader(app, w.host).get(f"/ledger/accounts/{known['resource']}")
    assert f"/training/{w.project}" in host.links()
    assert f"/ledger/accounts/{known['issuer']}" in host.links()
    assert f"/ledger/accounts/{known['student']}" not in host.links()
    assert "/credits/record" in reader(app, w.university).get(f"/ledger/accounts/{known['record']}").links()
    reader(app, w.chamber).get(f"/ledger/accounts/{known['issuer']}")
    reader(app, w.host).get(f"/ledger/accounts/{known['student']}", 404)
    for query in ("?kind=nonsense", "?day=nonsense", "?day=9999-12-31", "?day=0001-01-01", "?page=99999"):
        reader(app, w.student).get(f"/ledger/accounts/{known['student']}{query}")


def test_lists_ask_as_often_for_many_rows_as_for_few(w: Earning) -> None:
    def ask() -> list[int]:
        asked = []
        mine = account(f"resource:{w.project}")
        for read in (
            lambda: queries.names(queries.accounts_in(queries.newest(1).items)),
            lambda: [row.other.owner for row in queries.postings(mine, PostingFilter(), 1)[1]],
            lambda: queries.names(queries.accounts(AccountKind.RESOURCE, 1).items),
        ):
            db.session.rollback()
            db.session.expunge_all()
            with counted() as statements:
                assert read()
            asked.append(len(statements))
        return asked

    few = ask()
    for _ in range(4):
        _, student_id = w.another_student()
        w.earned(8, w.another_enrolment(student_id))
        w.earned(8, w.enrolment(w.project, student_id))
    assert ask() == few
