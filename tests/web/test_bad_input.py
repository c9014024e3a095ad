"""What can't be stored gets a sentence at its field and status 400, 404 or 409, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from talentbank.audit import AuditEntry
from talentbank.deposits.models import Position
from talentbank.extensions import SHANGHAI, db, now
from talentbank.permissions import Role
from talentbank.rounds.models import Round
from talentbank.rounds.offers.models import Offer
from tests.web.reader import ORIGIN, Reader

MakeReader = Callable[..., Reader]

POSITION = {
    "title": "平台运营专员",
    "category": "operations",
    "city": "meishan",
    "contract": "employment",
    "headcount": "2",
    "min_salary": "8",
    "max_salary": "10.5",
    "requirements-0-competency": "platform_ops",
    "requirements-0-level": "3",
    "requirements-0-weight": "2",
    "requirements-1-competency": "teamwork",
    "requirements-1-level": "2",
    "requirements-1-weight": "1",
}


def trail_length(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def first_of(app: Flask, column: object, *conditions: object) -> int:
    with app.app_context():
        return db.session.scalars(select(column).where(*conditions).limit(1)).one()  # type: ignore[call-overload]


def test_a_position_that_is_right_is_stored(bank: Flask, reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    stored = someone.submit(page, page.form(), **POSITION)
    assert "«平台运营专员» is deposited." in stored.text
    assert "8–10.5 ×10k RMB a year" in stored.text
    assert "67%" in stored.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title", " ", "A position needs a title."),
        ("category", "cooking", "Choose a category from the list."),
        ("city", "atlantis", "Choose a city from the list."),
        ("contract", "slavery", "Choose employment or internship."),
        ("headcount", "0", "Headcount is a whole number from 1 to 1000."),
        ("headcount", "1.5", "Write a whole number, such as 3."),
        ("headcount", "", "Headcount is a whole number from 1 to 1000."),
        ("max_salary", "7", "The top salary is below the lowest"),
        ("min_salary", "much", "Write 10k RMB a year, such as 8.5"),
        ("max_salary", "NaN", "Write 10k RMB a year, such as 8.5"),
        ("closes_on", "2020-01-01", "The last day is before the first"),
        ("closes_on", "tomorrow", "Write a date as year-month-day"),
        ("requirements-0-competency", "Plattform Ops", "Nearest: Platform Ops, "),
        ("requirements-1-competency", "platform_ops", "This competency stands twice: keep one row."),
        ("requirements-0-level", "6", "A required level is a whole number from 1 to 5."),
        ("requirements-0-level", "0", "A required level is a whole number from 1 to 5."),
        ("requirements-0-weight", "0", "A weight is above 0 and at most 1000."),
        ("requirements-0-weight", "-2", "A weight is above 0 and at most 1000."),
        ("requirements-0-weight", "inf", "Write a number, such as 1.5."),
    ],
)
def test_a_position_that_is_wrong_says_where(
    bank: Flask, reader: MakeReader, field: str, value: str, sentence: str
) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    before = trail_length(bank)
    refused = someone.submit(page, page.form(), 400, **{**POSITION, field: value})
    assert sentence in refused.text
    assert trail_length(bank) == before
    kept = refused.soup.select_one("input[name=title]")
    assert kept and kept["value"] == (value if field == "title" else POSITION["title"])


def test_an_unknown_competency_comes_with_the_nearest_three(reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    refused = someone.submit(page, page.form(), 400, **{**POSITION, "requirements-0-competency": "Copywritting"})
    sentence = next(t for t in refused.soup.stripped_strings if "is not in the catalogue" in t)
    nearest = sentence.split("Nearest: ")[1].rstrip(".").split(", ")
    assert nearest[0] == "Copywriting"
    assert len(nearest) == 3


def test_a_position_without_requirements_is_refused_above_the_rows(reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    none = {**POSITION, "requirements-0-competency": "", "requirements-1-competency": ""}
    assert "needs at least one requirement" in someone.submit(page, page.form(), 400, **none).text


def test_more_rows_keep_what_was_typed_and_store_nothing(bank: Flask, reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    before = trail_length(bank)
    more = someone.submit(page, page.form(), 200, **{**POSITION, "more": "1"})
    rows = len(more.soup.select("select[name$=competency]"))
    assert rows > len(page.soup.select("select[name$=competency]"))
    assert trail_length(bank) == before


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("levels-0-level", "6", "A level is a whole number from 0 to 5."),
        ("levels-0-level", "-1", "A level is a whole number from 0 to 5."),
        ("levels-0-level", "x", "Write a whole number, such as 3."),
        ("levels-0-competency", "Data Analysys", "Nearest: Data Analysis, "),
        ("levels-0-competency", "data_analysis", "This competency stands twice: keep one row."),
        ("categories", "cooking", "Choose categories from the list."),
        ("cities", "atlantis", "Choose cities from the list."),
        ("min_salary", "-1", "A salary floor is between 0 and 1000 (10k RMB a year)."),
        ("cohort", "1850", "Write the year of graduation, such as 2027."),
    ],
)
def test_a_profile_that_is_wrong_says_where(
    bank: Flask, reader: MakeReader, field: str, value: str, sentence: str
) -> None:
    someone = reader(Role.STUDENT)
    page = someone.get("/profile")
    before = trail_length(bank)
    assert sentence in someone.submit(page, page.form(), 400, **{field: value}).text
    assert trail_length(bank) == before


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "A round needs a name of at most 120 characters."),
        ("trust", "1.2", "Trust in verification is a number from 0 to 1."),
        ("min_score", "-0.1", "The lowest score is a number from 0 to 1."),
        ("objective", "luck", "Choose what the round maximises."),
        ("must_have_on", "luck", "Choose the level on which must-haves are tested."),
        ("offer_days", "0", "Days to answer are a whole number from 1 to 60."),
        ("weight_fit", "0.5", "The three weights must be 1 together."),
        ("weight_student", "2", "A weight is a number from 0 to 1."),
        ("most_ranked", "0", "A student may rank from 1 to 50 positions: a whole number."),
        ("officer", "999999", "Name somebody of the chamber who answers appeals."),
    ],
)
def test_a_policy_that_is_wrong_says_where(
    bank: Flask, reader: MakeReader, field: str, value: str, sentence: str
) -> None:
    someone = reader(Role.CHAMBER)
    page = someone.get("/rounds/new")
    before = trail_length(bank)
    values = {"name": "Winter", field: value}
    assert sentence in someone.submit(page, page.form(), 400, **values).text
    assert trail_length(bank) == before


def test_fields_that_a_form_does_not_have_change_nothing(bank: Flask, reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    other = first_of(bank, Position.enterprise_id, Position.enterprise_id != 1)
    forged = {"enterprise_id": str(other), "state": "closed", "id": "1"}
    stored = someone.submit(page, page.form(), **{**POSITION, **forged})
    with bank.app_context():
        newest = db.session.scalars(select(Position).order_by(Position.id.desc()).limit(1)).one()
        assert newest.enterprise_id != other
        assert newest.state.value == "open"
        assert str(newest.id) in stored.path


@pytest.mark.parametrize("version", ["", "one", "-1", "9" * 40])
def test_a_forged_version_is_refused_by_name(reader: MakeReader, version: str) -> None:
    someone = reader(Role.STUDENT)
    page = someone.get("/profile")
    assert "version must be a whole number" in someone.submit(page, page.form(), 400, version=version).text


def test_a_page_that_is_older_than_what_is_stored_gets_409(reader: MakeReader) -> None:
    someone = reader(Role.STUDENT)
    page = someone.get("/profile")
    someone.submit(page, page.form())
    assert "saved from another window" in someone.submit(page, page.form(), 409).text


@pytest.mark.parametrize("token", ["", "forged"])
def test_a_form_without_a_good_token_stores_nothing(bank: Flask, reader: MakeReader, token: str) -> None:
    someone = reader(Role.ENTERPRISE)
    page = someone.get("/positions/new")
    before = trail_length(bank)
    refused = someone.submit(page, page.form(), 400, **{**POSITION, "csrf_token": token})
    assert "This form is older than your session" in refused.text
    assert trail_length(bank) == before


def test_a_form_of_an_earlier_session_is_refused(bank: Flask, reader: MakeReader) -> None:
    earlier, later = reader(Role.ENTERPRISE), reader(Role.ENTERPRISE)
    page = earlier.get("/positions/new")
    later.get("/positions/new")
    before = trail_length(bank)
    refused = later.submit(page, page.form(), 400, **POSITION)
    assert "This form is older than your session" in refused.text
    assert trail_length(bank) == before


def test_ids_of_others_are_not_found(bank: Flask, reader: MakeReader) -> None:
    enterprise, student, university = reader(Role.ENTERPRISE), reader(Role.STUDENT), reader(Role.UNIVERSITY)
    with bank.app_context():
        own = db.session.scalars(select(Position.enterprise_id).where(Position.id.in_(_seen(enterprise)))).first()
    position = first_of(bank, Position.id, Position.enterprise_id != own)
    mine = _seen(enterprise)
    offer = first_of(bank, Offer.id, Offer.position_id.not_in(mine), Offer.student_id != 1)
    for path in (
        f"/positions/{position}",
        f"/positions/{position}/edit",
        f"/offers/{offer}",
        f"/offers/{offer}/start",
    ):
        enterprise.get(path, 404)
    enterprise.post(f"/positions/{position}/state", 404, state="closed")
    enterprise.post(f"/positions/{position}/edit", 404, version="1", **POSITION)
    student.get(f"/offers/{offer}", 404)
    student.post(f"/offers/{offer}/answer", 404, answer="accept")
    university.get("/students/2", 404)
    university.get("/students/1")


def _seen(enterprise: Reader) -> list[int]:
    links = [link for link in enterprise.get("/positions").links() if link.startswith("/positions/")]
    return [int(link.rsplit("/", 1)[1]) for link in links if link.rsplit("/", 1)[1].isdecimal()]


def test_answers_that_are_no_answers_are_refused(reader: MakeReader) -> None:
    someone = reader(Role.STUDENT)
    offer = next(link for link in someone.get("/offers").links() if link.startswith("/offers/"))
    assert "Answer with accept or decline." in someone.post(f"{offer}/answer", 400, answer="perhaps").text


def _in_a_week() -> str:
    """A moment a week from now, as a browser sends it, in Meishan's time."""
    return (now() + timedelta(days=7)).astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize("closes_at", ["", "tomorrow", "2020-01-01T10:00", "2026-02-30T10:00", "9999-12-31T23:59"])
def test_a_deadline_that_is_none_is_refused(bank: Flask, reader: MakeReader, closes_at: str) -> None:
    chamber = reader(Role.CHAMBER)
    for name, verb in (("Round Draft", "open"), ("Round Open", "deadline")):
        found = first_of(bank, Round.id, Round.name == name)
        before = trail_length(bank)
        version = str(first_of(bank, Round.version, Round.id == found))
        page = chamber.post(f"/rounds/{found}/{verb}", 400, version=version, closes_at=closes_at)
        assert "The deadline is a moment within the next 180 days" in page.text
        assert trail_length(bank) == before


def test_what_others_have_done_meanwhile_is_said_with_409(bank: Flask, reader: MakeReader) -> None:
    chamber = reader(Role.CHAMBER)
    solved = first_of(bank, Round.id, Round.name == "Round Solved")
    version = str(first_of(bank, Round.version, Round.id == solved) - 1)
    assert "meanwhile" in chamber.post(f"/rounds/{solved}/cancel", 409, version=version).text
    published = first_of(bank, Round.id, Round.name == "Round Published")
    version = str(first_of(bank, Round.version, Round.id == published))
    for verb in ("freeze", "cancel"):
        chamber.post(f"/rounds/{published}/{verb}", 409, version=version)
    chamber.post(f"/rounds/{published}/open", 409, version=version, closes_at=_in_a_week())


def test_an_upload_that_is_too_large_is_refused(reader: MakeReader) -> None:
    someone = reader(Role.STUDENT)
    page = someone.get("/profile")
    assert "at most 2 MB" in someone.submit(page, page.form(), 413, major="x" * (3 * 1024 * 1024)).text


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-3", "page=x", "page=99999999", "position=99999999999999999999", "q=%25%5F%5C", "cohort=a"],
)
def test_a_list_bears_any_query(reader: MakeReader, query: str) -> None:
    someone = reader(Role.CHAMBER)
    for path in ("/positions", "/students", "/organisations", "/offers", "/rounds/1", "/rounds/1/students"):
        someone.get(f"{path}?{query}")


@pytest.mark.parametrize("path", ["/positions?q=%00", "/check/a%00b", "/organisations?kind=%00"])
def test_a_character_that_no_text_can_hold_is_refused(reader: MakeReader, path: str) -> None:
    assert "a character that can't be stored" in reader(Role.CHAMBER).get(path, 400).text


def test_a_field_that_no_form_has_is_refused(reader: MakeReader) -> None:
    page = reader(Role.ENTERPRISE).post("/positions/new", 400, **{"requirements-²-competency": "platform_ops"})
    assert "not one of the bank" in page.text


@pytest.mark.parametrize("path", ["/positions/9999999999", "/training/99999999999999999999", "/rounds/2147483648"])
def test_an_id_beyond_all_ids_is_not_found(reader: MakeReader, path: str) -> None:
    reader(Role.CHAMBER).get(path, 404)


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_this_site_only(reader: MakeReader, target: str) -> None:
    someone = reader()
    page = someone.get(f"/sign-in?next={target}")
    data = {"email": "student@demo.example", "password": "show-me-the-bank", "next": target}
    token = page.form().select_one("input[name=csrf_token]")
    assert token
    answer = someone.client.post("/sign-in", data={**data, "csrf_token": str(token["value"])}, base_url=ORIGIN)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/home"


def test_a_refusal_leads_back_to_the_page_of_this_site_that_one_came_from(reader: MakeReader) -> None:
    someone = reader(Role.CHAMBER)
    for referrer, back in (
        ("http://bank.example/rounds/1?page=2", "/rounds/1?page=2"),
        ("https://evil.example/rounds/1", None),
        (None, None),
    ):
        headers = {"Referer": referrer} if referrer else {}
        answer = someone.client.get("/rounds/999", base_url=ORIGIN, headers=headers)
        assert (f'href="{back}"' in answer.text) is (back is not None)
        assert "evil" not in answer.text
