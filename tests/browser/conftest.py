"""A real server on this machine, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from talentbank.config import ROOT
from talentbank.demo import service as demo
from tests.conftest import copy, free_port

CHROMIUM = shutil.which("chromium")
REASON = "Chromium is not on the PATH: `apt-get install chromium` brings it"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium these tests are left out and say so; under CI they fail instead."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    assert CHROMIUM, REASON
    return {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-gpu"]}


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers; a server that has ended never will."""
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{address}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server does not answer: {process.poll()}")


@pytest.fixture
def server(demo_database: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of gunicorn, as `make run` serves, on a copy of the demo bank.

    The jobs run beside it, unless the test's module says with JOBS = False that nothing waits for them.
    """
    path = copy(demo_database, tmp_path)
    address = f"127.0.0.1:{free_port()}"
    own = {
        "BANK_MODE": "demo",
        "BANK_INSTANCE": str(tmp_path / "instance"),
        "BANK_EVIDENCE": str(tmp_path / "evidence"),
        "BANK_ISSUER_KEY": str(tmp_path / "issuer_key.pem"),
        "BANK_URL": "https://bank.example",
        "DATABASE_URL": f"sqlite:///{path}",
    }
    gunicorn = ["gunicorn", "--bind", address, "--threads", "8", "--log-level", "warning", "wsgi:app"]
    processes = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **own})
        for command in (gunicorn, ["flask", "--app", "wsgi", "jobs"])[: 1 + getattr(request.module, "JOBS", True)]
    ]
    try:
        wait_for(f"http://{address}", processes[0])
        yield f"http://{address}"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


class Person:
    """Somebody in front of a browser window of their own, who notices what goes wrong in it."""

    def __init__(self, page: Page, server: str) -> None:
        self.page = page
        self.server = server
        self.wrong: list[str] = []
        page.on("console", lambda said: self._hears(said.type, said.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda asked: self._stays_here(asked.url))
        page.on("dialog", lambda dialog: dialog.accept())

    def _hears(self, kind: str, text: str) -> None:
        """What a page complains of; that a form was refused with 400 is no complaint of ours."""
        if kind in ("error", "warning") and "400 (BAD REQUEST)" not in text:
            self.wrong.append(text)

    def _stays_here(self, url: str) -> None:
        if not url.startswith((self.server, "data:")):
            self.wrong.append(f"asked another host: {url}")

    def go(self, path: str) -> None:
        self.page.goto(self.server + path)

    def sign_in(self, email: str, password: str = demo.PASSWORD) -> None:
        self.go("/sign-in")
        self.page.locator("#email").fill(email)
        self.page.locator("#password").fill(password)
        self.page.locator("main").get_by_role("button", name="登录", exact=True).click()

    def press(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def sees(self, *texts: str) -> None:
        """Each text stands on the page, where it can be seen."""
        for text in texts:
            self.page.locator("main").get_by_text(text).first.wait_for(state="visible", timeout=10_000)

    def fits_the_window(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        return wide


@pytest.fixture
def somebody(browser: Browser, server: str) -> Iterator[Callable[..., Person]]:
    """Make a person with a fresh window; afterwards nothing may have gone wrong in any."""
    people: list[Person] = []

    def make(width: int = 1280, language: str = "zh-CN") -> Person:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale=language,
            reduced_motion="reduce",  # what still slides when it is clicked is missed on a busy machine
        )
        people.append(Person(context.new_page(), server))
        return people[-1]

    yield make
    for person in people:
        assert person.wrong == []
        person.page.context.close()
