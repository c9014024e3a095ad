"""From a deposited training to a credential that anybody can check, as its people walk it; and back again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from openbadgeslib.ob3.contexts import bundled_contexts
from playwright.sync_api import Page

from talentbank.extensions import today
from tests.browser.conftest import Person
from tests.credentials import second
from tests.practice import samples

Somebody = Callable[..., Person]
TITLE = "真实项目：旺季选品"
CONTEXTS = bundled_contexts()
DONE = "用三个平台的销量数据选出五款旺季商品，并写了选品理由"


def deposit(enterprise: Person) -> None:
    """An enterprise deposits a project with one seat and two credits; the form says what is wrong first."""
    enterprise.sign_in("enterprise@demo.example")
    enterprise.go("/training/new")
    page = enterprise.page
    fields = {
        "title": TITLE,
        "starts_on": (today() - timedelta(days=30)).isoformat(),
        "ends_on": (today() + timedelta(days=30)).isoformat(),
        "hours": "8",
        "seats": "0",
        "credits": "2",
    }
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#kind").select_option("project")
    page.locator("#teaches-0-competency").select_option("international_market_analysis")
    page.locator("#teaches-0-level").select_option("4")
    enterprise.press("发布")
    page.locator(".is-invalid#seats").wait_for()
    page.locator("#seats").fill("1")
    enterprise.press("发布")
    enterprise.sees(TITLE, "2.00")


def enrol(student: Person) -> None:
    student.sign_in("student@demo.example")
    student.go(f"/training?q={TITLE}")
    student.follow(TITLE)
    student.page.locator("form[action$='/ask'] button").click()
    student.go(f"/training?q={TITLE}")
    student.sees("已录取")


def log_four_hours(student: Person) -> None:
    """A file that is not what its name says is refused; then the log goes to the supervisor."""
    day = today() - timedelta(days=4)
    student.go("/practice/logs/new")
    student.follow(TITLE)
    page = student.page
    page.locator("#day").fill(day.isoformat())
    page.locator("#starts").fill("18:00")
    page.locator("#ends").fill("21:30")
    page.locator("#done").fill(DONE)
    page.locator("input[name=competencies]").first.check()
    page.locator("input[type=file]").set_input_files(
        {"name": "报表.pdf", "mimeType": "application/pdf", "buffer": b"<html><script>alert(1)</script></html>"}
    )
    page.locator("button[value=send]").click()
    student.sees("报表.pdf")
    assert page.locator(".invalid-feedback, .alert-danger").count()
    page.locator("input[type=file]").set_input_files(
        {"name": "报表.png", "mimeType": "image/png", "buffer": samples.png()}
    )
    page.locator("button[value=send]").click()
    student.sees(DONE, "人示事")
    open_the_log(student)
    student.sees("报表.png")


def open_the_log(person: Person) -> None:
    person.go(f"/practice/logs?q={DONE}")
    person.page.locator("#list a[href^='/practice/logs/']").first.click()


def tick(page: Page) -> None:
    """The box of the log that says what was done."""
    page.locator("tr", has_text=DONE).locator("input[type=checkbox]").check()


def check_as_a_stranger(stranger: Person, address: str, sentence: str) -> None:
    stranger.page.goto(address)
    stranger.sees(sentence)


def read(stranger: Person, path: str) -> dict[str, Any]:
    """What the bank publishes at a path, as JSON."""
    return stranger.page.request.get(stranger.server + path).json()  # type: ignore[no-any-return]


def is_revoked(stranger: Person, document: dict[str, Any]) -> bool:
    """Whether a second implementation sees a credential revoked, by what the bank publishes; it must be genuine."""
    did, status_list = read(stranger, "/.well-known/did.json"), read(stranger, "/credentials/status/1")
    for genuine in (document, status_list):
        second.verify(genuine, did, CONTEXTS)
    with pytest.raises(second.NotGenuineError):
        second.verify({**document, "name": "Another name"}, did, CONTEXTS)
    return second.is_revoked(document, status_list)


def test_from_a_deposited_training_to_a_checked_credential_and_back(somebody: Somebody) -> None:
    enterprise, student, university, stranger = (
        somebody(),
        somebody(width=390),
        somebody(),
        somebody(language="en-US"),
    )
    deposit(enterprise)
    enrol(student)
    log_four_hours(student)
    assert student.fits_the_window()

    enterprise.go("/practice/waiting")
    tick(enterprise.page)
    enterprise.page.locator("button[value=verify]").click()
    enterprise.sees("已核验")

    university.sign_in("university@demo.example")
    university.go("/practice/confirming")
    tick(university.page)
    university.press("认定所选")
    university.sees("已认定")

    student.go("/credits")
    student.page.locator("tr", has_text=TITLE).get_by_text("0.21").first.wait_for(state="visible")
    row = student.page.locator("tr", has_text=TITLE).filter(has=student.page.locator("form[action$='/credentials']"))
    row.get_by_role("button").click()
    link = student.page.locator("a[href*='/check/']", has_text=TITLE)
    address = student.server + str(link.first.get_attribute("href"))
    check_as_a_stranger(stranger, address, "Valid.")
    document = read(stranger, f"/credentials/{address.rsplit('/', 1)[1]}")
    assert not is_revoked(stranger, document)
    assert "student@demo.example" not in stranger.page.content()

    student.go("/credits")
    student.press("出具成绩单")
    transcript = student.server + str(
        student.page.locator("a[href*='/check/']", has_text=re.compile("/check/")).first.get_attribute("href")
    )
    check_as_a_stranger(stranger, transcript, TITLE)
    with student.page.expect_download() as pdf:
        student.page.get_by_role("link", name="PDF").first.click()
    assert pdf.value.path().read_bytes().startswith(b"%PDF-")

    open_the_log(university)
    university.page.locator("#take-back-reason").fill("与另一份日志重复")
    university.page.locator("#take-back button").click()
    university.sees("与另一份日志重复")
    check_as_a_stranger(stranger, address, "Revoked.")
    assert is_revoked(stranger, document)
    student.go("/enrolments?state=turn")
    student.sees(TITLE)
