"""Two rounds after each other, as student, enterprise, university and chamber go through them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Locator

from talentbank.extensions import today
from tests.browser.conftest import Person
from tests.browser.test_line import deposit, freeze_and_run, look_and_ask_for_more, publish

Somebody = Callable[..., Person]
CHIEF = "首席平台运营"


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag_by_finger(person: Person, what: Locator, above: Locator) -> None:
    """Drag a choice by its number over another one, as a finger on a telephone does."""
    (x, y), (_, target) = middle(what), middle(above)
    touch = person.page.context.new_cdp_session(person.page)
    steps = [("touchStart", y), *(("touchMove", y + (target - 40 - y) * part / 8) for part in range(1, 9))]
    for kind, at in steps:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": at}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def rank(student: Person, round_id: int) -> None:
    """The student chooses by button, and drags the last choice to the top with a finger."""
    student.go(f"/market/{round_id}/positions")
    page = student.page
    chosen = page.locator("[data-list=ranked] [data-choice]")
    before = chosen.count()
    rest = page.locator("[data-list=rest] [data-choice]")
    rest.filter(has_not_text=CHIEF).first.locator("[data-do=add]").click()
    rest.filter(has_text=CHIEF).locator("[data-do=add]").click()
    last = chosen.nth(before + 1)
    last.scroll_into_view_if_needed()
    while chosen.first.get_attribute("data-title") != CHIEF:
        mine = page.locator("[data-list=ranked] [data-choice]", has_text=CHIEF)
        above = mine.locator("xpath=preceding-sibling::*[1]")
        drag_by_finger(student, mine.locator("[data-place]"), above)
    student.press("保存志愿")
    student.sees("志愿已保存")
    assert chosen.first.get_attribute("data-title") == CHIEF


def shortlist(enterprise: Person, round_id: int) -> None:
    """The enterprise puts two candidates of its position first, knowing only what they can do."""
    enterprise.go(f"/market/{round_id}/candidates")
    enterprise.follow(CHIEF)
    for _ in range(2):
        enterprise.page.locator("[data-list=rest] [data-do=add]").first.click()
    assert "符示澜" not in enterprise.page.content()
    enterprise.press("保存候选名单")
    enterprise.sees("候选名单已保存")


def decline(student: Person) -> None:
    student.go("/home")
    student.follow("查看并答复")
    student.sees(CHIEF, "为什么这样匹配")
    student.page.get_by_text("我想婉拒").click()
    student.page.locator("#declined_for").select_option("housing")
    student.press("婉拒")
    student.sees("已婉拒")


def begin(enterprise: Person, student: Person) -> None:
    """The student accepts, the enterprise records the first day, the student confirms it."""
    student.go("/home")
    student.follow("查看并答复")
    student.press("接受")
    student.sees("您已接受")
    enterprise.go("/offers?state=accepted")
    enterprise.page.locator("tr", has_text="符示澜").get_by_role("link", name="查看").click()
    enterprise.follow("登记入职日期")
    enterprise.page.locator("#started_on").fill((today() - timedelta(days=1)).isoformat())
    enterprise.press("登记")
    enterprise.sees("已登记")
    student.go("/placements")
    student.follow("查看")
    student.press("是的，这是我的入职日期")
    student.sees("您已确认")


def test_a_seat_that_was_declined_is_filled_in_the_next_round(somebody: Somebody) -> None:
    enterprise, chamber, university = somebody(), somebody(), somebody()
    student = somebody(390)
    for person, role in zip(
        (enterprise, chamber, university, student), ("enterprise", "chamber", "university", "student"), strict=True
    ):
        person.sign_in(f"{role}@demo.example")
    deposit(enterprise)
    look_and_ask_for_more(student)
    freeze_and_run(chamber)
    publish(chamber)
    decline(student)

    chamber.go("/rounds/3")
    chamber.press("开放下一轮")
    chamber.sees("志愿填报中")
    rank(student, 4)
    shortlist(enterprise, 4)
    university.go("/market")
    university.sees("志愿填报中", "名学生参加")
    freeze_and_run(chamber, 4)
    publish(chamber)
    begin(enterprise, student)
    for person in (university, chamber, enterprise):
        person.go("/placements?q=符示澜")
        person.sees(CHIEF, "符示澜", "在岗")
