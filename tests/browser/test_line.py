"""The line through the rooms, as its people walk it: from a new enterprise to an accepted offer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.browser.conftest import Person

Somebody = Callable[..., Person]
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


def test_from_a_deposit_to_an_accepted_offer(somebody: Somebody) -> None:
    enterprise, chamber, student, university = somebody(), somebody(), somebody(), somebody()
    register_and_deposit(enterprise)

    student.sign_in("student@demo.example")
    student.go("/positions?q=首席平台运营")
    student.sees("没有符合条件的内容")
    approve(chamber)
    look_and_ask_for_more(student)

    freeze_and_run(chamber)
    look_at_the_result(chamber)
    publish(chamber)

    student.go("/home")
    student.follow("查看并答复")
    student.sees("首席平台运营", "示例长江出海", "为什么这样匹配")
    student.press("接受")
    student.sees("您已接受", "已接受")

    enterprise.follow("录用意向")
    enterprise.follow("查看")
    enterprise.sees("符示澜", "student@demo.example", "已接受")
    enterprise.follow("登记入职日期")

    university.sign_in("university@demo.example")
    university.sees("本校学生去向", "已接受录用", "尚未落实")
    university.page.locator("a[href*='where=accepted']").first.click()
    university.page.locator("#list").get_by_text("符示澜").wait_for()


def test_the_pages_of_each_role_fit_a_telephone(somebody: Somebody) -> None:
    pages = {
        "student": ("/home", "/positions", "/profile"),
        "enterprise": ("/home", "/positions", "/positions/new"),
        "university": ("/home", "/students", "/students/1"),
        "chamber": ("/home", "/rounds/new", "/organisations"),
        "government": ("/home", "/gap/outcomes"),
        "administrator": ("/home", "/people", "/audit", "/competencies"),
    }
    for role, paths in pages.items():
        person = somebody(390, "zh-CN")
        person.sign_in(f"{role}@demo.example")
        for path in paths:
            person.go(path)
            assert person.fits_the_window(), f"{path} is too wide for {role}'s telephone"
        person.page.get_by_role("button", name="菜单", exact=True).click()
        person.page.get_by_role("link", name="能力目录").click()
        person.page.wait_for_url(re.compile("/competencies"))


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_signing_in_and_out_and_being_locked_out(somebody: Somebody, language: str) -> None:
    person = somebody(language="zh-CN")
    person.go("/sign-in")
    person.page.get_by_role("button", name="商会").click()
    person.page.locator("main").get_by_role("button", name="登录", exact=True).click()
    person.sees("今日概况")
    person.page.get_by_role("button", name="账号菜单").click()
    person.page.get_by_role("button", name="退出登录").click()
    person.sees("您已退出登录")
    person.go("/home")
    person.sees("请先登录")
    other = somebody(language=language)
    for _ in range(5):
        other.go("/sign-in")
        other.page.locator("#email").fill("student@demo.example")
        other.page.locator("#password").fill("wrong")
        other.page.locator("main form button").first.click()
    other.page.locator("#email").fill("student@demo.example")
    other.page.locator("#password").fill("show-me-the-bank")
    other.page.locator("main form button").first.click()
    other.sees("分钟后再试" if language == "zh-CN" else "Too many failed attempts")


def test_an_enterprise_sees_no_address_before_the_student_has_accepted(somebody: Somebody) -> None:
    chamber, enterprise = somebody(), somebody()
    chamber.sign_in("chamber@demo.example")
    freeze_and_run(chamber)
    enterprise.sign_in("enterprise@demo.example")
    enterprise.go("/offers?state=open")
    enterprise.sees("这里没有录用意向")
    publish(chamber)
    enterprise.page.reload()
    enterprise.follow("查看")
    enterprise.sees("学生接受后显示", "为什么这样匹配")
    assert "@demo.example" not in enterprise.page.content()
    assert enterprise.page.get_by_text("次优选择").count() == 0
