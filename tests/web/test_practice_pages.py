"""The pages of practice logs: a week is logged, sent, mended and read, with files, on any browser without scripts."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from talentbank.deposits.resources.models import ResourceKind
from talentbank.extensions import db, today
from talentbank.permissions import Role
from talentbank.practice.evidence import Store
from talentbank.practice.logs.views import FIELD_LABELS
from talentbank.practice.models import Enrolment, EnrolmentState, LogState, PracticeLog
from talentbank.practice.verification import service as verification
from talentbank.practice.verification.service import Verdict
from tests import factories
from tests.practice import samples
from tests.practice.test_logs import BAD, MISSING
from tests.practice.world import World
from tests.web.reader import ORIGIN, Page, Reader, Reads, filled

MONDAY = today() - timedelta(days=today().weekday() + 7)
WEEK = f"/practice?week={MONDAY.isocalendar().year}-W{MONDAY.isocalendar().week:02d}"
GOOD = {"starts": "09:00", "ends": "12:00", "done": "Listed three products", "competencies": ["platform_ops"]}


@pytest.fixture
def w(app: Flask) -> World:
    with app.app_context():
        return World()


@pytest.fixture
def enrolment(app: Flask, w: World) -> int:
    with app.app_context():
        return w.enrolment(w.resource({"platform_ops": 3, "data_analysis": 2}))


def quick(page: Page, day: Any = MONDAY) -> Tag:
    """The form of a day in the week."""
    forms = page.soup.select(f"#day-{day.isoformat()} form[enctype]")
    assert forms, f"nothing can be logged on {day}"
    return forms[0]


def send(someone: Reader, page: Page, form: Tag, status: int, uploads: dict[str, bytes], **values: Any) -> Page:
    """Send a form with files as a browser would; encoded here, as the client leaves its temporary files open."""
    data: dict[str, Any] = {**filled(form), **values}
    data["files"] = [FileStorage(BytesIO(content), name) for name, content in uploads.items()]
    boundary, body = encode_multipart(data)
    answer = someone.client.post(
        str(form["action"]),
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        base_url=ORIGIN,
        follow_redirects=True,
    )
    return someone._page(str(form["action"]), answer, status)


def count(app: Flask, model: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def the_log(app: Flask) -> PracticeLog:
    with app.app_context():
        return db.session.scalars(select(PracticeLog)).one()


def store(app: Flask) -> Store:
    return Store(app.config["BANK_EVIDENCE"])


def decide(app: Flask, w: World, verdict: Verdict, reason: str = "") -> None:
    with app.app_context():
        log = db.session.scalars(select(PracticeLog)).one()
        verification.decide(w.host, [log.id], verdict, reason, {log.id: log.version})


# From a draft to the supervisor and back


def test_a_day_is_logged_from_the_week_and_the_week_is_sent(
    app: Flask, w: World, enrolment: int, reads: Reads
) -> None:
    someone = reads(w.student)
    page = someone.get(WEEK)
    assert "0 of 40 h this week" in page.text
    assert len(page.soup.select("section[id^=day-]")) == 7
    kept = send(someone, page, quick(page), 200, {"report.pdf": samples.pdf()}, **GOOD, act="keep")
    assert kept.path == WEEK
    assert "The log is kept, not sent yet." in kept.text
    assert "09:00–12:00 · 3 h" in kept.text and "and 3 h in drafts" in kept.text and "1 file" in kept.text
    after = someone.submit(kept, kept.form("/practice/send"))
    assert "1 log is sent." in after.text
    assert "3 of 40 h this week" in after.text and "3 of 8 h" in after.text
    assert "With 某人" in after.text
    assert the_log(app).state is LogState.SUBMITTED
    assert not after.soup.select("form[action='/practice/send']")


def test_a_day_is_logged_and_sent_at_once(app: Flask, w: World, enrolment: int, reads: Reads) -> None:
    someone = reads(w.student)
    page = someone.get(WEEK)
    hours = {**GOOD, "starts": "", "ends": "", "hours": "1:30"}
    assert "The log is sent" in send(someone, page, quick(page), 200, {}, **hours, act="send").text
    log = the_log(app)
    assert (log.state, log.minutes, log.starts, log.day) == (LogState.SUBMITTED, 90, None, MONDAY)


def test_a_log_goes_back_and_forth_and_each_sees_who_has_it(
    app: Flask, w: World, enrolment: int, reads: Reads
) -> None:
    student, host, university = reads(w.student), reads(w.host), reads(w.university)
    page = student.get(WEEK)
    send(student, page, quick(page), 200, {}, **GOOD, act="send")
    here = f"/practice/logs/{the_log(app).id}"
    assert "With you since" in host.get(here).text
    assert "With 某人" in student.get(here).text
    decide(app, w, Verdict.SEND_BACK, "Say which products.")
    back = student.get(here)
    assert "Say which products." in back.text and "With you" in back.text
    assert "With the student" in host.get(here).text
    assert "Say which products." in student.get(WEEK).text
    edit = student.get(f"{here}/edit")
    assert "Say which products." in edit.text
    sent = student.submit(edit, edit.form("/edit"), done="Listed A, B and C", act="send")
    assert "The log is sent" in sent.text
    decide(app, w, Verdict.VERIFY)
    read = student.get(here)
    assert "Listed A, B and C" in read.text and "Say which products." in read.text
    steps = [tag.get_text() for tag in read.soup.select("ol .badge")]
    assert steps == [
        "Begun as a draft",
        "Sent to the supervisor",
        "Sent back to the student",
        "Sent to the supervisor",
        "Verified by the supervisor",
    ]
    assert "With you since" in university.get(here).text
    with app.app_context():
        log = db.session.scalars(select(PracticeLog)).one()
        verification.confirm(w.university, [log.id], {log.id: log.version})
    done = student.get(here)
    assert "Done" in done.text and "0.18" in done.text and "at 16 hours a credit" in done.text
    moved = student.get(f"{here}/edit")
    assert moved.path == here and "with somebody else" in moved.text


def test_a_draft_is_changed_sent_and_removed_from_the_week(
    app: Flask, w: World, enrolment: int, reads: Reads
) -> None:
    someone = reads(w.student)
    page = someone.get(WEEK)
    bare = send(someone, page, quick(page), 200, {"a.pdf": samples.pdf()}, **{**GOOD, "done": ""}, act="keep")
    assert "Before it can be sent:" in bare.text
    log_id = the_log(app).id
    assert not bare.soup.select(f"form[action$='/{log_id}/send']")
    edit = someone.get(f"/practice/logs/{log_id}/edit")
    assert edit.soup.select_one("input[name=starts]")["value"] == "09:00"  # type: ignore[index]
    refused = someone.submit(edit, edit.form("/edit"), 400, act="send")
    assert "Write what you did" in refused.text
    week = someone.submit(refused, refused.form("/edit"), done="Listed products", act="keep")
    assert "Before it can be sent:" not in week.text
    sent = someone.submit(week, week.form(f"/{log_id}/send"))
    assert "The log is sent" in sent.text
    early = {**GOOD, "starts": "08:00", "ends": "09:00"}
    assert "The log is kept" in send(someone, page, quick(page), 200, {}, **early, act="keep").text
    week = someone.get(WEEK)
    gone = someone.submit(week, week.form("/remove"))
    assert "The draft is removed" in gone.text
    assert count(app, PracticeLog) == 1


def test_a_draft_that_cant_be_sent_any_more_says_why_in_its_form(
    app: Flask, w: World, enrolment: int, reads: Reads
) -> None:
    someone = reads(w.student)
    with app.app_context():
        log_id = w.log(enrolment, MONDAY, starts=540, hours=2, state=LogState.DRAFT)
    page = someone.get(f"/practice/logs/{log_id}")
    form = page.form("/send")
    with app.app_context():
        w.log(enrolment, MONDAY, starts=600, hours=2)
    refused = someone.submit(page, form, 400)
    assert "You have logged 10:00–12:00" in refused.text
    assert refused.form("/edit")
    assert "changed from another window" in someone.submit(page, form, 409, version="7").text


# What is refused


def said(changes: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends of an entry of the services' tests."""
    values: dict[str, Any] = {**GOOD, "day": MONDAY.isoformat()}
    for name, value in changes.items():
        if value is None:
            values[name] = ""
        elif name in ("starts", "ends"):
            values[name] = f"{value // 60:02d}:{value % 60:02d}"
        elif name == "minutes":
            values["hours"] = f"{value // 60}:{value % 60:02d}" if value >= 0 else "-1"
        else:
            values[name] = list(value) if name == "competencies" else str(value)
    return values


WRITABLE = [case for case in BAD if case[0].get("starts") != -1]
"""What a form could send; a time before midnight it can't even read."""


@pytest.mark.parametrize(("changes", "field"), [*WRITABLE, *MISSING])
def test_what_is_wrong_stands_at_its_field_and_nothing_is_stored(
    app: Flask, w: World, enrolment: int, reads: Reads, changes: dict[str, Any], field: str
) -> None:
    someone = reads(w.student)
    page = someone.get(f"/practice/logs/new?enrolment={enrolment}")
    refused = send(someone, page, page.form(f"enrolment={enrolment}"), 400, {}, **said(changes), act="send")
    near = refused.soup.select_one(f"#{field}") or refused.soup.select_one(f"#{field}-0")
    if field == "competencies":
        assert "Tick" in refused.text
    else:
        assert near is not None, field
        assert refused.soup.select_one(f"#{field}-error-1"), refused.text
    assert count(app, PracticeLog) == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"starts": "nine"}, "Write a time of day"),
        ({"starts": "-1:00"}, "Write a time of day"),
        ({"ends": "24:01"}, "Write a time of day"),
        ({"hours": "many"}, "Write hours, such as"),
        ({"hours": "1e9"}, "Write hours, such as"),
        ({"hours": "NaN"}, "Write hours, such as"),
        ({"day": "soon"}, "Write a date as"),
        ({"day": "1999-01-01"}, "The year must be"),
    ],
)
def test_what_cant_be_read_is_said_at_its_field(
    app: Flask, w: World, enrolment: int, reads: Reads, changes: dict[str, str], sentence: str
) -> None:
    someone = reads(w.student)
    page = someone.get(f"/practice/logs/new?enrolment={enrolment}")
    form = page.form(f"enrolment={enrolment}")
    values = {**GOOD, "day": MONDAY.isoformat(), **changes}
    assert sentence in send(someone, page, form, 400, {}, **values, act="keep").text
    assert count(app, PracticeLog) == 0


def test_a_refused_quick_form_comes_back_as_it_was_typed(w: World, enrolment: int, reads: Reads) -> None:
    someone = reads(w.student)
    page = someone.get(WEEK)
    files = {"report.pdf": samples.pdf()}
    refused = send(someone, page, quick(page), 400, files, **{**GOOD, "ends": "23:00"}, act="send")
    form = refused.form(f"enrolment={enrolment}")
    typed = filled(form)
    assert (typed["starts"], typed["ends"]) == ("09:00", "23:00")
    assert str(typed["done"]).strip() == "Listed three products"
    assert (typed["day"], typed["competencies"]) == (MONDAY.isoformat(), ["platform_ops"])
    assert "Choose the files again" in refused.text
    assert "The log is sent" in send(someone, refused, form, 200, files, ends="12:00", act="send").text


def test_every_field_that_a_refusal_names_has_a_name_on_the_page() -> None:
    assert {field for _, field in (*BAD, *MISSING)} | {"enrolment", "files"} == FIELD_LABELS.keys()


def test_a_late_log_is_asked_why_and_taken(app: Flask, w: World, enrolment: int, reads: Reads) -> None:
    someone = reads(w.student)
    day = (today() - timedelta(days=20)).isoformat()
    page = someone.get(f"/practice/logs/new?enrolment={enrolment}&day={day}")
    form = page.form(f"enrolment={enrolment}")
    refused = send(someone, page, form, 400, {}, **GOOD, act="send")
    assert "say why it comes late" in refused.text
    form = refused.form(f"enrolment={enrolment}")
    assert "The log is sent" in send(someone, refused, form, 200, {}, late_reason="I was ill", act="send").text
    with app.app_context():
        log_id = db.session.scalars(select(PracticeLog.id)).one()
    assert "Sent late: I was ill" in reads(w.host).get(f"/practice/logs/{log_id}").text


# What stands on the pages


def test_a_week_says_what_is_missing_before_anything_can_be_logged(app: Flask, w: World, reads: Reads) -> None:
    with app.app_context():
        nobody = factories.person(Role.STUDENT)
    assert "/profile" in reads(nobody).get("/practice").links()
    someone = reads(w.student)
    page = someone.get("/practice")
    assert "You have no seat on any training yet" in page.text and "/training" in page.links()
    assert "You have no seat on any training yet" in someone.get("/practice/logs/new").text
    with app.app_context():
        internship = w.enrolment(w.resource(kind=ResourceKind.INTERNSHIP))
        coming = w.enrolment(w.resource(starts_on=today() + timedelta(days=3)))
    page = someone.get("/practice")
    assert "The three-party agreement is not in force yet" in page.text
    assert "This training begins on" in page.text
    assert {f"/enrolments/{internship}", f"/enrolments/{coming}"} <= set(page.links())
    assert not page.soup.select("form[enctype]")


def test_who_has_several_seats_chooses_the_training_first(app: Flask, w: World, reads: Reads) -> None:
    with app.app_context():
        seats = [w.enrolment(w.resource()) for _ in range(2)]
        w.enrolment(w.resource(), state=EnrolmentState.WAITING)
    someone = reads(w.student)
    page = someone.get(f"/practice/logs/new?day={MONDAY.isoformat()}")
    links = [link for link in page.links() if "enrolment=" in link]
    assert sorted(int(link.split("enrolment=")[1].split("&")[0]) for link in links) == seats
    assert (
        filled(someone.get(links[0]).form("new?enrolment=" + links[0].split("enrolment=")[1].split("&")[0]))["day"]
        == MONDAY.isoformat()
    )
    assert len(someone.get(WEEK).soup.select(f"#day-{MONDAY.isoformat()} form[enctype]")) == 2


@pytest.mark.parametrize("asked", ["9" * 10, "9" * 40, str(2**31), "0"])
def test_an_id_that_no_enrolment_has_is_not_found(app: Flask, w: World, reads: Reads, asked: str) -> None:
    someone = reads(w.student)
    someone.get(f"/practice/logs/new?enrolment={asked}", 404)
    for name in ("enrolment", "resource", "student"):
        someone.get(f"/practice/logs?{name}={asked}")


@pytest.mark.parametrize(
    "asked", ["", "x", "2026-W60", "0-W1", "9999-W52", "2026-W", "-W-", "１-W１", "9" * 30 + "-W1"]
)
def test_a_week_that_there_is_not_is_this_one(w: World, reads: Reads, asked: str) -> None:
    page = reads(w.student).get(f"/practice?week={asked}")
    iso = today().isocalendar()
    assert f"Week {iso.year}-W{iso.week:02d}" in page.text


def test_weeks_lead_to_each_other_over_the_turn_of_a_year(w: World, reads: Reads) -> None:
    someone = reads(w.student)
    page = someone.get("/practice?week=2026-W01")
    assert "Week 2026-W01: 2025-12-29 to 2026-01-04" in page.text
    before = page.soup.select_one("a[rel=prev]")
    after = page.soup.select_one("a[rel=next]")
    assert before and after
    assert (before["href"], after["href"]) == ("/practice?week=2025-W52", "/practice?week=2026-W02")


def test_numbers_open_the_lists_that_they_count(app: Flask, w: World, enrolment: int, reads: Reads) -> None:
    with app.app_context():
        for state, number in ((LogState.DRAFT, 3), (LogState.SENT_BACK, 1), (LogState.REJECTED, 1)):
            for _ in range(number):
                w.log(enrolment, MONDAY, state=state)
        w.log(enrolment, MONDAY, hours=2.5, state=LogState.CONFIRMED, credit=15, rate=16)
    someone = reads(w.student)
    for path in ("/practice", "/practice/logs"):
        page = someone.get(path)
        for number in page.soup.select(".stat-value a"):
            rows = someone.get(str(number["href"]))
            if "proven" in str(number["href"]):
                assert f"1 log · {number.get_text(strip=True)} h" in rows.text
            else:
                assert len(rows.soup.select("#list tbody tr")) == int(number.get_text(strip=True)), number["href"]


def test_the_list_leads_each_role_to_a_log_and_narrows(app: Flask, w: World, enrolment: int, reads: Reads) -> None:
    with app.app_context():
        log_id = w.log(enrolment, MONDAY, starts=540, competencies=("data_analysis",))
        w.log(enrolment, MONDAY, starts=900, hours=1, done="Packed parcels")
        resource = db.session.get_one(Enrolment, enrolment).resource_id
    for actor in (w.student, w.host, w.university, w.chamber):
        someone = reads(actor)
        page = someone.get("/practice/logs")
        assert f"/practice/logs/{log_id}" in page.links()
        assert "2 logs · 5 h" in page.text
        one = someone.get(f"/practice/logs?competency=data_analysis&enrolment={enrolment}")
        assert "1 log · 4 h" in one.text
        assert "1 log · 1 h" in someone.get("/practice/logs?q=parcels").text
        assert "2 logs" in someone.get(f"/practice/logs?resource={resource}&student={w.student_id}").text
        assert "Nothing fits this search" in someone.get("/practice/logs?state=declined").text
        someone.get(f"/practice/logs/{log_id}")
    for query in ("state=%25", "enrolment=x", "resource=9999999999999", "q=%25%5F", "page=999"):
        reads(w.student).get(f"/practice/logs?{query}")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_sound_in_both_languages(app: Flask, w: World, enrolment: int, reads: Reads, language: str) -> None:
    with app.app_context():
        logs = [w.log(enrolment, MONDAY, starts=60 * (8 + n), hours=1, state=s) for n, s in enumerate(LogState)]
    for actor in (w.student, w.host, w.university, w.chamber):
        someone = reads(actor, language)
        someone.get("/practice/logs")
        for log_id in logs[1:]:
            someone.get(f"/practice/logs/{log_id}")
    student = reads(w.student, language)
    student.get(WEEK)
    student.get("/practice")
    student.get(f"/practice/logs/{logs[0]}/edit")
    student.get(f"/practice/logs/new?enrolment={enrolment}")
