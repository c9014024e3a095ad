"""Two rounds after each other, as a new enterprise, a student, the university and the chamber go through them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Locator

from talentbank.extensions import today
from tests.browser.conftest import Person

Somebody = Callable[..., Person]
CHIEF = "首席平台运营"
PASSWORD = "eine lange Reise nach Meishan"


def register_and_deposit(enterprise: Person) -> None:
    enterprise.go("/")
    enterprise.follow("注册企业")
    fields = {
        "name_zh": "示例长江出海",
        "licence": "91511400MA6000001M",
        "contact": "长示江 028-3812 0000",
        "person": "长示江",
        "email": "jiang@changjiang.example",
        "password": PASSWORD,
    }
    for name, value in fields.items():
        enterprise.page.locator(f"#{name}").fill(value)
    enterprise.press("注册")
    enterprise.sees("商会尚未审核贵企业")
    deposit(enterprise)
    enterprise.sees("未对外展示")


def deposit(enterprise: Person) -> None:
    """A position that asks for much and pays well; its salary is mistyped first."""
    enterprise.follow("发布岗位")
    page = enterprise.page
    page.locator("#title").fill("首席平台运营")
    page.locator("#headcount").fill("1")
    page.locator("#min_salary").fill("12")
    page.locator("#max_salary").fill("9")
    page.locator("#requirements-0-competency").select_option("platform_ops")
    page.locator("#requirements-0-level").select_option("4")
    page.locator("#requirements-0-weight").fill("3")
    page.locator("#requirements-0-must_have").check()
    page.locator("#requirements-1-competency").select_option("data_analysis")
    enterprise.press("发布岗位")
    enterprise.sees("年薪上限低于下限")
    page.locator("#max_salary").fill("13.5")
    enterprise.press("发布岗位")
    enterprise.sees("“首席平台运营”已发布", "12–13.5 万元/年", "75%")


def approve(chamber: Person) -> None:
    chamber.sign_in("chamber@demo.example")
    chamber.follow("2 家企业等待您的审核")
    chamber.follow("示例长江出海")
    chamber.press("通过")
    chamber.sees("示例长江出海：已通过")


def look_and_ask_for_more(student: Person) -> None:
    """The student finds the position, looks at the fit, and raises the floor so that little else will do."""
    student.go("/positions?q=首席平台运营")
    student.follow("首席平台运营")
    student.sees("轮次可能把这个岗位发给您", "平台运营", "必备", "4 带领他人")
    student.follow("我的档案")
    student.page.locator("#min_salary").fill("13")
    student.press("保存档案")
    student.sees("档案已保存")


def freeze_and_run(chamber: Person, round_id: int = 3) -> None:
    """The round that is open in the demo takes the new position in when it is frozen."""
    chamber.follow("匹配轮次")
    chamber.follow("2026 年冬季匹配轮次")
    chamber.go(f"/rounds/{round_id}")
    chamber.sees("志愿填报中")
    chamber.press("立即冻结")
    chamber.sees("已冻结")
    chamber.page.locator("main").get_by_role("link", name="运行").first.click()
    chamber.page.locator("main form button.btn-primary").first.click()
    chamber.sees("已求解并验证")
    chamber.press("选定此方案")
    chamber.go(f"/rounds/{round_id}")
    chamber.sees("未填补的名额", "供应链", "没有得分更高的配对方案")


def publish(chamber: Person) -> None:
    chamber.press("告知未获录用意向者")
    chamber.press("公布")
    chamber.sees("待答复")


def look_at_the_result(chamber: Person) -> None:
    rows = chamber.page.locator("#list tbody tr")
    chamber.page.locator("input[name=q]").fill("首席平台运营")
    chamber.page.wait_for_url(re.compile("q="))
    rows.get_by_text("首席平台运营").wait_for()
    assert rows.count() == 1
    rows.get_by_text("符示澜").wait_for()
    chamber.follow("为什么")
    chamber.sees("为什么这样匹配", "契合度")
    chamber.follow("返回结果")


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
    enterprise.sees("符示澜", "student@demo.example", "已接受")
    enterprise.follow("登记入职日期")
    enterprise.page.locator("#started_on").fill((today() - timedelta(days=1)).isoformat())
    enterprise.press("登记")
    enterprise.sees("已登记")
    student.go("/placements")
    student.follow("查看")
    student.press("是的，这是我的入职日期")
    student.sees("您已确认")


def look_at_a_blind_offer(enterprise: Person) -> None:
    """An enterprise sees no name and no address before the student has accepted."""
    enterprise.go("/offers?state=open")
    enterprise.follow("查看")
    enterprise.sees("学生接受后显示", "为什么这样匹配")
    assert "@demo.example" not in enterprise.page.content()
    assert enterprise.page.get_by_text("次优选择").count() == 0


def test_a_seat_that_was_declined_is_filled_in_the_next_round(somebody: Somebody) -> None:
    enterprise, chamber, university, student = somebody(), somebody(), somebody(), somebody(390)
    register_and_deposit(enterprise)
    for person, role in ((university, "university"), (student, "student")):
        person.sign_in(f"{role}@demo.example")
    student.go("/positions?q=首席平台运营")
    student.sees("没有符合条件的内容")
    approve(chamber)
    look_and_ask_for_more(student)
    freeze_and_run(chamber)
    look_at_the_result(chamber)
    enterprise.go("/offers?state=open")
    enterprise.sees("这里没有录用意向")
    publish(chamber)
    look_at_a_blind_offer(enterprise)
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
    university.go("/students?where=placed")
    university.page.locator("#list").get_by_text("符示澜").wait_for()
