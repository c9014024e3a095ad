"""Evidence through the pages: what is taken, what is refused with a sentence, and how it is sent to whom."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs

from talentbank.permissions import Actor, Role
from talentbank.practice.evidence import MOST_BYTES, Store
from talentbank.practice.models import Evidence, PracticeLog
from tests import factories
from tests.practice import samples
from tests.practice.world import World
from tests.web.reader import ORIGIN, Page, Reader
from tests.web.test_practice_pages import GOOD, WEEK, count, quick, send, the_log


class Desk:
    """A student with a seat, in front of the week."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            self.w = World()
            self.enrolment = self.w.enrolment(self.w.resource({"platform_ops": 3, "data_analysis": 2}))
        self.student = self.reader(self.w.student)
        self.store = Store(app.config["BANK_EVIDENCE"])

    def reader(self, actor: Actor) -> Reader:
        with self.app.app_context():
            return Reader(self.app, factories.user(actor).get_id(), "en")

    def log(self, files: dict[str, bytes], status: int = 200, act: str = "keep", **values: Any) -> Page:
        """Log a day with files from the week."""
        page = self.student.get(WEEK)
        return send(self.student, page, quick(page), status, files, **{**GOOD, **values}, act=act)

    @property
    def stored(self) -> tuple[int, int, int]:
        """How many logs, rows of evidence, and files there are."""
        return count(self.app, PracticeLog), count(self.app, Evidence), len(list(self.store.keys()))


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("report.pdf", b"<!DOCTYPE html><script>alert(document.cookie)</script>", "can't be kept as evidence"),
        ("report.pdf", samples.png(), "is not what its name says"),
        ("report.pdf", samples.pdf() + b"\0" * (MOST_BYTES + 1 - len(samples.pdf())), "larger than 10 MB"),
        ("report.html", b"<p>", "can't be kept as evidence"),
        ("report.pdf", b"", "is empty"),
    ],
    ids=["html", "png", "10MiB+1", "named html", "empty"],
)
def test_a_file_that_is_too_large_or_not_what_it_says_is_refused_with_a_sentence(
    desk: Desk, name: str, content: bytes, sentence: str
) -> None:
    assert sentence in desk.log({name: content, "good.png": samples.png()}, 400).text
    assert desk.stored == (0, 0, 0)


def test_more_than_all_files_may_weigh_is_refused_before_it_is_read(desk: Desk) -> None:
    assert "5 files of 10 MB" in desk.log({"big.zip": b"\0" * (52 * 1024 * 1024)}, 413).text
    assert desk.stored == (0, 0, 0)


def test_a_file_of_ten_mebibytes_is_taken(desk: Desk) -> None:
    pdf = samples.pdf()
    large = pdf[:15] + b"%" + b"\0" * (MOST_BYTES - len(pdf) - 2) + b"\n" + pdf[15:]
    assert len(large) == MOST_BYTES
    assert "The log is kept" in desk.log({"a.pdf": large}).text
    assert desk.stored == (1, 1, 1)


def test_evidence_is_sent_to_be_kept_and_never_to_be_shown_or_run(desk: Desk) -> None:
    desk.log({"周报.pdf": samples.pdf()}, act="send")
    for actor in (desk.w.student, desk.w.host, desk.w.university):
        answer = desk.reader(actor).client.get("/practice/evidence/1", base_url=ORIGIN)
        assert answer.status_code == 200
        assert answer.data == samples.pdf()
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_chamber_sees_the_log_but_does_not_open_its_files(desk: Desk) -> None:
    desk.log({"周报.pdf": samples.pdf()}, act="send")
    here = f"/practice/logs/{the_log(desk.app).id}"
    chamber, host = desk.reader(desk.w.chamber), desk.reader(desk.w.host)
    page = chamber.get(here)
    assert "Listed three products" in page.text and "1 file" in page.text and "周报.pdf" not in page.text
    assert "/practice/evidence/1" not in page.links() and "/practice/evidence/1" in host.get(here).links()
    chamber.get("/practice/evidence/1", 404)


def test_a_strangers_evidence_and_log_are_not_found(desk: Desk) -> None:
    desk.log({"a.pdf": samples.pdf()})
    log_id = the_log(desk.app).id
    with desk.app.app_context():
        stranger, firm = desk.w.another_student()[0], factories.person(Role.ENTERPRISE)
    for actor in (stranger, firm, desk.w.host, desk.w.university, desk.w.chamber):
        reader = desk.reader(actor)
        reader.get("/practice/evidence/1", 404)
        reader.get(f"/practice/logs/{log_id}", 404)
    other = desk.reader(stranger)
    other.get(f"/practice/logs/{log_id}/edit", 404)
    other.get(f"/practice/logs/new?enrolment={desk.enrolment}", 404)
    for path in (
        "/practice/evidence/1/remove",
        f"/practice/logs/{log_id}/edit",
        f"/practice/logs/{log_id}/send",
        f"/practice/logs/{log_id}/remove",
        f"/practice/logs/new?enrolment={desk.enrolment}",
    ):
        other.post(path, 404, version="1")
    desk.reader(desk.w.host).post("/practice/evidence/1/remove", 403)
    assert desk.stored == (1, 1, 1)


@pytest.mark.parametrize("change", [b"<script>alert(1)</script>", None], ids=["changed", "gone"])
def test_a_file_that_changed_on_the_disk_is_kept_back_with_a_sentence(desk: Desk, change: bytes | None) -> None:
    desk.log({"a.pdf": samples.pdf()})
    (key,) = desk.store.keys()
    path = desk.store.path(key)
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change)
    with capture_logs() as lines:
        assert "This file is" in desk.student.get("/practice/evidence/1", 409).text
    assert [(line["log_level"], line["evidence"]) for line in lines] == [("error", 1)]


def test_a_file_is_removed_from_the_form_of_its_log(desk: Desk) -> None:
    desk.log({"a.pdf": samples.pdf(), "b.png": samples.png()})
    edit = desk.student.get(f"/practice/logs/{the_log(desk.app).id}/edit")
    after = desk.student.submit(edit, edit.form("/practice/evidence/1/remove"))
    assert "The file is removed." in after.text
    assert "a.pdf" not in after.text and "b.png" in after.text
    assert desk.stored == (1, 1, 1)
