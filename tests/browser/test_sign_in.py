"""Signing in and out, and being locked out, in either language."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.conftest import Person

Somebody = Callable[..., Person]
JOBS = False


def fail(person: Person, email: str) -> None:
    """Five wrong passwords, then the right one."""
    for attempt in range(6):
        person.go("/sign-in")
        person.page.locator("#email").fill(email)
        person.page.locator("#password").fill("wrong" if attempt < 5 else "show-me-the-bank")
        person.page.locator("main form button").first.click()


def test_signing_in_and_out_and_being_locked_out(somebody: Somebody) -> None:
    person = somebody()
    person.go("/sign-in")
    person.page.get_by_role("button", name="商会").click()
    person.page.locator("main").get_by_role("button", name="登录", exact=True).click()
    person.sees("今日概况")
    person.page.get_by_role("button", name="账号菜单").click()
    person.page.get_by_role("button", name="退出登录").click()
    person.sees("您已退出登录")
    person.go("/home")
    person.sees("请先登录")
    fail(person, "zone@demo.example")
    person.sees("分钟后再试")
    other = somebody(language="en-US")
    fail(other, "student@demo.example")
    other.sees("Too many failed attempts")
