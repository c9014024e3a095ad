"""An enterprise edits and closes its positions on their pages, and sees there who was matched."""

from __future__ import annotations

from collections.abc import Callable

from talentbank.permissions import Role
from tests.web.reader import Reader

MakeReader = Callable[..., Reader]


def test_a_position_is_edited_closed_and_opened_again(reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    link = next(
        li
        for li in someone.get("/positions?state=open").links()
        if li.startswith("/positions/") and li[-1].isdecimal()
    )
    page = someone.get(f"{link}/edit")
    changed = someone.submit(page, page.form(), headcount="9", title_en="Chief copywriter")
    assert "«Chief copywriter» is changed." in changed.text
    assert changed.path == link
    assert "Chief copywriter" in reader(Role.STUDENT).get(link).text
    closed = someone.submit(changed, changed.form("/state"))
    assert "takes part in no further round" in closed.text
    reader(Role.STUDENT).get(link, 404)
    again = someone.submit(closed, closed.form("/state"))
    assert "The position is open again." in again.text
    reader(Role.STUDENT).get(link)


def test_who_was_matched_is_listed_with_the_reason_and_no_other_enterprises_prices(reader: MakeReader) -> None:
    someone = reader(Role.ENTERPRISE)
    offers = [link for link in someone.get("/offers").links() if link.startswith("/offers/")]
    assert offers
    page = someone.get(offers[0])
    assert "Why this match" in page.text
    assert "The next best" not in page.text
    assert "The next best" in reader(Role.CHAMBER).get(offers[0]).text
