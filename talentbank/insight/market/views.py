"""The market in figures, and what one more seat, course or subsidy would bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import limiter, today
from talentbank.insight import downloads
from talentbank.insight.market import figures, queries
from talentbank.insight.market.queries import Held
from talentbank.insight.market.trying import (
    MOST_COURSE,
    MOST_PAIRS,
    MOST_RMB,
    MOST_SEATS,
    Change,
    Course,
    Seats,
    Subsidy,
    Trial,
    by_price,
    too_large,
    trial,
)
from talentbank.insight.tables import FEW
from talentbank.permissions import Action
from talentbank.rounds import explaining
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs.models import Method
from talentbank.web import Page, actor, answer, asks, id_asked

bp = Blueprint("market", __name__)

TRIES = "20/minute"
"""How often an address may have a round solved again."""
DEAREST = 10


@bp.get("/market-figures")
@asks(Action.READ_MARKET)
def market() -> Page:
    asking, names = actor(), catalogue.names()
    sees, every = queries.sees_people(asking), queries.held(asking)
    held = queries.chosen(every, id_asked("round"))
    made, parts = [], {}
    if held is not None:
        run_ids = [one.run.id for one in every]
        cases, seats = queries.cases(run_ids), queries.seats(run_ids)
        scarce = explaining.scarce(queries.snapshot(held.run), held.run.scarcity)
        if held.run.method is Method.OPTIMUM:
            parts = {row.competency: row.share for row in scarce}
        made = [
            figures.fill(held, seats, cases, today(), sees=sees),
            figures.compared(every, cases, sees=sees),
            figures.time_to_fill(held, cases, sees=sees),
            figures.scarcity(held, scarce, names, sees=sees),
        ]
    made.append(figures.training(queries.needs(), parts, names, sees=sees))
    return downloads.page("market/market.html", made, rounds=every, held=held)


@bp.get("/market-figures/try")
@asks(Action.READ_MARKET)
@limiter.limit(TRIES, exempt_when=lambda: "kind" not in request.args)
def trying() -> Page:
    asking = actor()
    every = queries.held(asking, unpublished=True)
    held = queries.chosen(every, id_asked("round"))
    values: dict[str, Any] = {"rounds": every, "held": held, "sees": queries.sees_people(asking), "few": FEW}
    if held is None or held.run.method is not Method.OPTIMUM:
        return answer("market/trying.html", **values)
    outcomes = queries.openings(held.run)
    asked = _change() if "kind" in request.args else None
    named = asked.position if isinstance(asked, Seats) else None
    scarcity = held.run.scarcity
    return answer(
        "market/trying.html",
        asked=asked,
        trial=_tried(held, asked) if asked is not None else None,
        position=next((outcome.position for outcome in outcomes if outcome.position_id == named), None),
        outcomes=outcomes,
        dearest=[(o, *by_price(o.price, held.run.bonus)) for o in outcomes if o.price > 0][:DEAREST],
        names=catalogue.names(),
        competencies=sorted(scarcity, key=lambda code: (-scarcity[code], code)),
        cities={outcome.position.city_code: outcome.position.city.name for outcome in outcomes},
        categories=list(Category),
        most={"seats": MOST_SEATS, "course": MOST_COURSE, "rmb": MOST_RMB},
        **values,
    )


def _tried(held: Held, asked: Change) -> Trial:
    if held.run.students * held.run.positions > MOST_PAIRS:
        raise too_large()
    return trial(queries.snapshot(held.run), RunPolicy.load(held.run.policy), asked)


def _change() -> Change:
    """What the address asks to try. Raises Invalid naming the argument."""
    readers: dict[str, Callable[[], Change]] = {"seat": _seats, "course": _course, "subsidy": _subsidy}
    read = readers.get(request.args["kind"])
    if read is None:
        raise _wrong("kind")
    return read()


def _seats() -> Seats:
    place, seats = request.args.get("position", ""), _number("seats", 1, MOST_SEATS)
    if place in set(Category):
        return Seats(seats, category=place)
    position = id_asked("position")
    if not position:
        raise _wrong("position")
    return Seats(seats, position)


def _course() -> Course:
    level = request.args.get("level", "")
    if level not in ("verified", "claimed"):
        raise _wrong("level")
    seats = _number("seats", 1, MOST_COURSE)
    return Course(seats, request.args.get("competency", ""), level == "verified")


def _subsidy() -> Subsidy:
    category = request.args.get("category", "")
    if category and category not in set(Category):
        raise _wrong("category")
    return Subsidy(_number("rmb", 1, MOST_RMB), request.args.get("city", ""), category)


def _number(name: str, least: int, most: int) -> int:
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most):
        raise Invalid(
            _l(
                "%(name)s must be a whole number from %(least)s to %(most)s: go back, and change it.",
                name=name,
                least=f"{least:,}",
                most=f"{most:,}",
            )
        )
    return int(text)


def _wrong(name: str) -> Invalid:
    return Invalid(_l("%(name)s in this address is none that can be tried: use the page's own forms.", name=name))
