"""What both sides prefer: the student's ranking, the enterprise's shortlist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import format_timedelta

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.deposits.models import Position
from talentbank.engine.scoring import Fit, Part
from talentbank.errors import Invalid
from talentbank.extensions import ListPagination, now
from talentbank.extensions import gettext as _
from talentbank.permissions import Action, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import Round
from talentbank.rounds.preferences import queries, service
from talentbank.rounds.preferences.forms import OTHERS_LABELS, ChoicesForm, chosen
from talentbank.rounds.preferences.queries import Candidacy
from talentbank.rounds.runs import drafts
from talentbank.web import Page, actor, answer, asks, attempt, page_number, whole

bp = Blueprint("preferences", __name__)

bp.app_template_global("others_label")(lambda others: OTHERS_LABELS[others])

PER_PAGE = 20
T = TypeVar("T")


@bp.app_template_global("time_left")
def time_left(until: datetime) -> str:
    """How long it is until a moment, in the reader's words: «3 days»."""
    return str(format_timedelta(until - now(), threshold=1))


@dataclass(frozen=True, slots=True)
class Offered:
    """A position of the round beside the student's fit; free: still open, with a free seat."""

    position: Position
    fit: Fit
    free: bool


@dataclass(frozen=True, slots=True)
class Lists(Generic[T]):
    """Everything that can be chosen, by what was said of it; the rest a page at a time."""

    ranked: list[T]
    ruled_out: list[T]
    rest: ListPagination


def split(
    rows: dict[int, T], ranked: Sequence[int], ruled_out: Sequence[int], shown: Callable[[T], bool]
) -> Lists[T]:
    """Sort rows, keyed as the form keys them, by what was said; only the rest is narrowed to what is shown."""
    first = [key for key in ranked if key in rows]
    out = [key for key in ruled_out if key in rows and key not in first]
    rest = [row for key, row in rows.items() if key not in first and key not in out and shown(row)]
    page = ListPagination(rest, page_number(), PER_PAGE)
    return Lists([rows[key] for key in first], [rows[key] for key in out], page)


def short(fit: Fit, round_: Round) -> list[Part]:
    """The requirements that the student does not reach on the level that the round tests them on."""
    verified = round_.must_have_on.value == "verified"
    return [
        part for part in fit.parts if (part.verified if verified and part.must_have else part.claimed) < part.required
    ]


@bp.get("/market")
@asks(Action.READ_OWN_ROUNDS)
def market() -> Page:
    student = catalogue.own_profile(actor()) if actor().role is Role.STUDENT else None
    if actor().role is Role.STUDENT:
        standings = queries.student_standings(student) if student else []
    elif actor().role is Role.UNIVERSITY:
        standings = queries.university_standings(actor())
    else:
        standings = queries.enterprise_standings(actor())
    current = [s for s in standings if queries.is_live(s)]
    return answer(
        "preferences/market.html",
        student=student,
        current=current,
        drafts=drafts.shown_in([s.round.id for s in current]),
        earlier=[s for s in standings if not queries.is_live(s)],
    )


@bp.route("/market/<int:round_id>/positions", methods=["GET", "POST"])
@asks(Action.RANK_POSITIONS)
def rank(round_id: int) -> Page:
    form = ChoicesForm()
    saved = attempt(
        form,
        lambda: service.rank(
            actor(), round_id, whole("version"), *chosen(request.form.items()), form.others.data or ""
        ),
    )
    if saved is not None:
        flash(_("Your choices are saved. You can change them until the deadline."), "success")
        return redirect(url_for("preferences.rank", round_id=round_id))
    student = queries.profile(actor())
    round_, own = queries.round_of_student(student, round_id)
    ranked, ruled_out = queries.preferences(student.id, round_id)
    if request.method == "POST":
        ranked, ruled_out = _sent(ranked, ruled_out)
    elif own is not None:
        form.version.data, form.others.data = str(own.version), own.others.value
    scoring, free = queries.Scoring.of(round_), rounds.joining_positions(round_id)
    found = [Offered(p, scoring.fit(student, p.opening()), p.id in free) for p in queries.positions(round_id)]
    found.sort(key=lambda row: (not row.fit.eligible, -row.fit.value, row.position.id))
    category, eligible = request.args.get("category", ""), bool(request.args.get("eligible"))
    return answer(
        "preferences/rank.html",
        form,
        round=round_,
        own=own,
        lists=split(
            {row.position.id: row for row in found},
            ranked,
            ruled_out,
            lambda row: (
                row.free and category in ("", row.position.category.value) and (row.fit.eligible or not eligible)
            ),
        ),
        short=short,
        names=catalogue.names(),
        categories=list(Category),
    )


@bp.get("/market/<int:round_id>/candidates")
@asks(Action.READ_CANDIDATES)
def candidates(round_id: int) -> Page:
    round_, found = queries.offerings(actor(), round_id)
    return answer("preferences/candidates.html", round=round_, rows=found)


@bp.route("/market/<int:round_id>/candidates/<int:position_id>", methods=["GET", "POST"])
@asks(Action.SHORTLIST_CANDIDATES)
def shortlist(round_id: int, position_id: int) -> Page:
    form = ChoicesForm()
    saved = attempt(
        form,
        lambda: service.shortlist(actor(), round_id, position_id, whole("version"), *chosen(request.form.items())),
    )
    if saved is not None:
        flash(_("Your shortlist is saved. You can change it until the deadline."), "success")
        return redirect(url_for("preferences.shortlist", round_id=round_id, position_id=position_id))
    own, position = queries.own_positions(actor(), round_id, position_id)[0]
    round_ = rounds.round_(round_id)
    ranked, ruled_out = queries.shortlisted(round_id, position_id)
    if request.method == "POST":
        ranked, ruled_out = _sent(ranked, ruled_out)
    else:
        form.version.data = str(own.version)
    reach = bool(request.args.get("reach"))
    rows: dict[int, Candidacy] = {row.number: row for row in queries.candidacies(round_, position)}
    return answer(
        "preferences/shortlist.html",
        form,
        round=round_,
        position=position,
        own=own,
        lists=split(rows, ranked, ruled_out, lambda row: not reach or not any(p.missing for p in row.fit.parts)),
        names=catalogue.names(),
        cities={city.code: city.name for city in catalogue.cities()},
    )


def _sent(ranked: list[int], ruled_out: list[int]) -> tuple[list[int], list[int]]:
    """What a refused form held, to be mended; what is stored where it can't be read."""
    try:
        return chosen(request.form.items())
    except Invalid:
        return ranked, ruled_out
