"""Training on its pages: a host deposits, mends, funds and withdraws it; a student finds it, asks and leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from talentbank.accounts.models import User
from talentbank.deposits.resources.models import Admission, TrainingResource
from talentbank.extensions import db, today
from talentbank.ledger.models import LedgerEntry
from talentbank.permissions import Actor, Role
from talentbank.practice.models import EnrolmentState
from tests import factories
from tests.practice.world import World
from tests.web.reader import ORIGIN, Reader

DAY = timedelta(days=1)

TRAINING = {
    "title": "真实店铺上新",
    "title_en": "Listings of a real store",
    "kind": "internship",
    "category": "operations",
    "tier": "frontline",
    "admission": "chosen",
    "starts_on": str(today()),
    "ends_on": str(today() + 90 * DAY),
    "city": "meishan",
    "place": "2 号楼 301",
    "hours": "160",
    "seats": "4",
    "fee": "0",
    "credits": "40.5",
    "teaches-0-competency": "platform_ops",
    "teaches-0-level": "4",
    "teaches-1-competency": "teamwork",
    "teaches-1-level": "2",
}


class Bank(World):
    """A world whose rows are written in contexts of their own, so that each request of a reader has its own too."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            super().__init__()

    def resource(self, *args: Any, **values: Any) -> int:
        with self.app.app_context():
            return super().resource(*args, **values)

    def enrolment(self, *args: Any, **values: Any) -> int:
        with self.app.app_context():
            return super().enrolment(*args, **values)

    def another_student(self, *args: Any, **values: Any) -> tuple[Actor, int]:
        with self.app.app_context():
            return super().another_student(*args, **values)

    def person(self, role: Role) -> Actor:
        with self.app.app_context():
            return factories.person(role)

    def reader(self, actor: Actor, language: str = "en") -> Reader:
        """A reader who is signed in as an actor."""
        with self.app.app_context():
            return Reader(self.app, db.session.get_one(User, actor.user_id).get_id(), language)

    def stored(self) -> list[int]:
        """How many resources and entries of the ledger there are, and how long the trail is."""
        with self.app.app_context():
            return list(factories.stored(TrainingResource, LedgerEntry))


@pytest.fixture
def bank(app: Flask) -> Bank:
    return Bank(app)


def test_a_host_deposits_mends_funds_and_withdraws(bank: Bank) -> None:
    host = bank.reader(bank.host)
    page = host.get("/training/new")
    made = host.submit(page, page.form(), **TRAINING)
    assert "«Listings of a real store» is deposited." in made.text
    assert "a moment ago" in host.submit(page, page.form(), 409, **TRAINING).text
    for text in ("Internship", "40.50", "4 of 4", "4 leads", "2 assisted", "2 号楼 301", "160", "the host chooses"):
        assert text.lower() in made.text.lower()
    page = host.get(f"{made.path}/edit")
    assert page.soup.select_one("input[name=credits]") is None
    values = {"title_en": "A real store", "seats": "5", "city": "", "teaches-1-competency": ""}
    changed = host.submit(page, page.form(), **values)
    assert "«A real store» is changed." in changed.text
    assert "5 of 5" in changed.text and "Online" in changed.text and "2 assisted" not in changed.text
    funded = host.submit(changed, changed.form("/fund"), credits="0.25")
    assert "0.25 practice credits are put on it." in funded.text
    assert "40.75" in funded.text
    host.submit(changed, changed.form("/fund"), 409, credits="0.25")  # the button pressed again
    assert "40.75" in host.get(made.path).text
    done = host.submit(funded, funded.form("/withdraw"))
    assert "What was earned on it stays." in done.text
    assert not [form for form in done.soup.select("main form") if "withdraw" in str(form.get("action"))]
    assert "withdrawn" in host.get("/training").text
    bank.reader(bank.student).get(made.path, 404)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", " ", "A training resource needs a name."),
        ("kind", "holiday", "Choose a course, a real project, an internship or mentoring."),
        ("tier", "royal", "Choose a tier from the list."),
        ("admission", "lottery", "Choose how seats are given."),
        ("category", "sorcery", "Choose a category from the list."),
        ("city", "atlantis", "Choose a city from the list."),
        ("seats", "1.5", "Write a whole number, such as 3."),
        ("seats", "0", "Seats are a whole number from 1 to 1000."),
        ("hours", "", "Hours are a whole number from 1 to 2000."),
        ("fee", "-1", "A fee is a whole number of RMB from 0 to 1,000,000."),
        ("starts_on", "", "Say on which day."),
        ("starts_on", "soon", "Write a date as year-month-day"),
        ("ends_on", "2020-01-01", "This day is past"),
        ("ends_on", "2099-01-01", "runs for two years at most"),
        ("supervisor", "9" * 5000, "Choose a supervisor from your own organisation"),
        ("supervisor", "", "Choose a supervisor from your own organisation"),
        ("credits", "", "Write how many practice credits, above 0."),
        ("credits", "0", "Write how many practice credits, above 0."),
        ("credits", "-3", "Write how many practice credits, above 0."),
        ("credits", "100000.01", "holds at most 100,000.00 practice credits"),
        ("credits", "1.005", "Write credits with at most two decimals"),
        ("credits", "many", "Write credits with at most two decimals"),
        ("credits", "NaN", "Write credits with at most two decimals"),
        ("credits", "1e999999", "Write credits with at most two decimals"),
        ("teaches-0-competency", "Plattform Ops", "Nearest: Platform Ops, "),
        ("teaches-1-competency", "platform_ops", "This competency stands twice: keep one row."),
        ("teaches-1-level", "6", "A level that is taught is a whole number from 1 to 5."),
    ],
)
def test_a_resource_that_is_wrong_says_where_and_keeps_what_was_written(
    bank: Bank, field: str, value: str, sentence: str
) -> None:
    host = bank.reader(bank.host)
    page = host.get("/training/new")
    before = bank.stored()
    refused = host.submit(page, page.form(), 400, **{**TRAINING, field: value})
    assert sentence in refused.text
    assert bank.stored() == before
    kept = refused.soup.select_one("input[name=place]")
    assert kept and kept["value"] == TRAINING["place"]


def test_more_rows_are_asked_for_without_storing(bank: Bank) -> None:
    host = bank.reader(bank.host)
    page = host.get("/training/new")
    before = bank.stored()
    more = host.submit(page, page.form(), **{**TRAINING, "more": "1"})
    assert len(more.soup.select("select[name$=-competency]")) == 4
    assert bank.stored() == before
    many = {f"teaches-{row}-competency": "" for row in range(40)}
    host.submit(page, page.form(), 400, **{**TRAINING, **many})


def test_credits_that_can_not_be_added_are_refused_on_the_resources_page(bank: Bank) -> None:
    path = f"/training/{bank.resource(credits=500)}"
    host = bank.reader(bank.host)
    before = bank.stored()
    for amount, sentence in (("0", "above 0"), ("x", "two decimals"), ("99999", "holds at most 100,000.00")):
        page = host.get(path)
        refused = host.submit(page, page.form("/fund"), 400, credits=amount)
        assert sentence in refused.text and "5.00" in refused.text
    assert bank.stored() == before


def test_a_form_that_was_overtaken_is_refused(bank: Bank) -> None:
    path = f"/training/{bank.resource()}"
    host = bank.reader(bank.host)
    first, second, shown = host.get(f"{path}/edit"), host.get(f"{path}/edit"), host.get(path)
    host.submit(first, first.form(), title_en="First")
    before = bank.stored()
    assert "changed from another window" in host.submit(second, second.form(), 409, title_en="Second").text
    host.submit(shown, shown.form("/withdraw"), 409)
    assert bank.stored() == before
    assert "First" in host.get(path).text


def test_what_another_host_deposited_is_read_and_not_touched(bank: Bank) -> None:
    path = f"/training/{bank.resource()}"
    other = bank.reader(bank.person(Role.ENTERPRISE))
    page = other.get(path)
    assert not page.soup.select("main form") and f"{path}/edit" not in page.links()
    before = bank.stored()
    other.get(f"{path}/edit", 404)
    other.post(f"{path}/edit", 404, version="1", **TRAINING)
    other.post(f"{path}/fund", 404, credits="5")
    other.post(f"{path}/fund", 404, credits="x")
    other.post(f"{path}/withdraw", 404, version="1")
    bank.reader(bank.host).post(f"{path}/withdraw", 400, version="x")
    assert bank.stored() == before


def test_a_student_finds_a_resource_asks_for_a_seat_and_leaves(bank: Bank) -> None:
    resource_id = bank.resource({"visual_design": 3}, title_en="Pictures that sell", category="design")
    bank.resource(title_en="Another one")
    student = bank.reader(bank.student)
    page = student.get("/training?category=design&competency=visual_design&q=pictures&free=1&kind=project")
    assert "Pictures that sell" in page.text and "Another one" not in page.text
    page = student.get(f"/training/{resource_id}")
    assert f"/training/{resource_id}" in student.get("/training").links()
    assert "Ask for a seat" in page.text and "3 of 3" in page.text
    student.submit(page, page.form("/ask"))
    page = student.get(f"/training/{resource_id}")
    assert "My enrolment" in page.text and "Ask for a seat" not in page.text and "2 of 3" in page.text
    student.submit(page, page.form("/leave"))
    page = student.get(f"/training/{resource_id}")
    assert "Ask for a seat" in page.text and "3 of 3" in page.text


def test_a_student_joins_the_waiting_list_of_a_full_resource(bank: Bank) -> None:
    resource_id = bank.resource(seats=1)
    bank.enrolment(resource_id, bank.another_student()[1])
    student = bank.reader(bank.student)
    page = student.get(f"/training/{resource_id}")
    assert "All seats are taken." in page.text and "0 of 1" in page.text
    student.submit(page, page.form("/ask"))
    assert "1 waiting" in student.get("/training").text
    host = bank.reader(bank.host)
    edit = host.get(f"/training/{resource_id}/edit")
    assert "0 of 2" in host.submit(edit, edit.form(), seats="2").text


def test_where_the_host_chooses_a_student_says_why(bank: Bank) -> None:
    page = bank.reader(bank.student).get(f"/training/{bank.resource(admission=Admission.CHOSEN)}")
    assert page.form("/ask").select_one("textarea[name=message]")


def test_a_student_who_can_not_ask_reads_why(bank: Bank) -> None:
    student = bank.reader(bank.student)
    costly = student.get(f"/training/{bank.resource(fee=300)}")
    assert "300 RMB" in costly.text and "lets hosts ask no fees" in costly.text
    over = student.get(f"/training/{bank.resource(ends_on=today() - DAY)}")
    assert "Over: its last day has passed." in over.text
    mine = bank.resource(seats=1)
    bank.enrolment(mine, state=EnrolmentState.FINISHED)
    fresh = bank.reader(bank.person(Role.STUDENT)).get(f"/training/{bank.resource()}")
    assert "save your profile first" in fresh.text
    for page in (costly, over, student.get(f"/training/{mine}"), fresh):
        assert not [form for form in page.soup.select("main form") if str(form.get("action")).endswith("/ask")]


def test_the_account_is_linked_for_the_host_and_the_chamber_alone(bank: Bank) -> None:
    path = f"/training/{bank.resource(credits=1234)}"
    readers = {True: (bank.host, bank.chamber), False: (bank.student, bank.university)}
    for linked, actor in [(linked, actor) for linked, actors in readers.items() for actor in actors]:
        page = bank.reader(actor).get(path)
        assert "12.34" in page.text
        assert any(link.startswith("/ledger/accounts/") for link in page.links()) is linked


def test_whatever_stands_in_the_address_of_the_list_is_read_or_left_alone(bank: Bank) -> None:
    resource_id = bank.resource()
    student = bank.reader(bank.student)
    for query in ("owner=x&page=x", "kind=x&tier=x&category=x&state=x"):
        assert f"/training/{resource_id}" in student.get(f"/training?{query}").links()
    for query in ("owner=" + "9" * 40, "owner=9999999999", "city=x", "competency=x", "page=99999", "q=%25"):
        assert f"/training/{resource_id}" not in student.get(f"/training?{query}").links()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_bank_without_training_says_what_to_do(bank: Bank, language: str) -> None:
    assert "/training/new" in bank.reader(bank.host, language).get("/training").links()
    assert "/training/new" not in bank.reader(bank.student, language).get("/training").links()


def test_a_deposit_without_its_token_stores_nothing(bank: Bank) -> None:
    before = bank.stored()
    host = bank.reader(bank.host)
    assert host.client.post("/training/new", data=TRAINING, base_url=ORIGIN).status_code == 400
    assert bank.stored() == before
