"""Depositing, changing and closing positions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from talentbank import audit
from talentbank.accounts import queries as accounts
from talentbank.accounts.models import Organisation, Vetting
from talentbank.accounts.service import after_vetting
from talentbank.audit import command
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import City
from talentbank.competencies.service import TOP_SALARY, known_code
from talentbank.deposits import queries
from talentbank.deposits.models import Contract, Position, PositionRequirement, PositionState
from talentbank.engine.competency import MAX_LEVEL
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound, Problems
from talentbank.extensions import db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices import service as notices
from talentbank.permissions import Action, Actor

MOST_SEATS = 1000
MOST_WEIGHT = 1000
LONGEST_TITLE = 120
LONGEST_DESCRIPTION = 4000


@dataclass(frozen=True, slots=True)
class RequirementDeposit:
    """One row: a competency by code or name, the level asked for, its relative weight, must-have or not.

    A row without a competency is a blank one of the form, and asks for nothing.
    """

    competency: str
    level: int | None
    weight: float | None = 1.0
    must_have: bool = False


@dataclass(frozen=True, slots=True)
class PositionDeposit:
    """What an enterprise says of a position; salaries in RMB a year."""

    title: str
    category: str
    city: str
    headcount: int | None
    min_salary: int | None
    max_salary: int | None
    requirements: Sequence[RequirementDeposit]
    contract: str = Contract.EMPLOYMENT.value
    title_en: str = ""
    description: str = ""
    opens_on: date | None = None
    closes_on: date | None = None


@command(Action.DEPOSIT_POSITION)
def deposit(actor: Actor, values: PositionDeposit) -> Position:
    """Store a new position of the actor's enterprise, open at once."""
    if actor.organisation_id is None:
        raise Forbidden(_l("Your account belongs to no enterprise: ask an administrator to invite you again."))
    codes = _checked(values, today())
    position = Position(
        enterprise_id=actor.organisation_id, state=PositionState.OPEN, created_at=now(), requirements=[]
    )
    _write(position, values, codes)
    db.session.add(position)
    db.session.flush()
    audit.record(actor, Action.DEPOSIT_POSITION, position, title=position.title, headcount=position.headcount)
    return position


@command(Action.CHANGE_POSITION)
def change(actor: Actor, position_id: int, values: PositionDeposit, version: int) -> Position:
    """Change a position; what offers were made on can't get worse for those who hold them."""
    position = _own(actor, position_id)
    refuse_blocked(position)
    codes = _checked(values, position.opens_on)
    if position.version != version:
        raise Conflict(_l("This position was changed from another window meanwhile: load it again, then change it."))
    _check_promises(position, values)
    _write(position, values, codes)
    position.version += 1
    db.session.flush()
    audit.record(actor, Action.CHANGE_POSITION, position, title=position.title, headcount=position.headcount)
    return position


@command(Action.CLOSE_POSITION)
def set_state(actor: Actor, position_id: int, state: PositionState) -> Position:
    """Close a position to further rounds, or open it again; offers already made stand. The chamber alone blocks."""
    if state is PositionState.BLOCKED:
        raise Invalid(_l("A position is opened or closed: use the page's own buttons."))
    position = _own(actor, position_id)
    refuse_blocked(position)
    if position.state is state:
        raise Conflict(_l("Somebody has done this already: look at the position again."))
    position.state = state
    position.version += 1
    position.changed_at = now()
    audit.record(actor, Action.CLOSE_POSITION, position, state=state.value)
    return position


def refuse_blocked(position: Position) -> None:
    """Raise Conflict if the chamber has blocked a position: its enterprise can do nothing with it."""
    if position.state is PositionState.BLOCKED:
        raise Conflict(
            _l("The chamber has blocked this position: it can't be changed, opened or closed. Its page says why.")
        )


@after_vetting
def _tell(enterprise: Organisation, vetting: Vetting) -> None:
    """Tell an enterprise's people that what they deposit shows from now on, or no longer."""
    notices.tell(
        accounts.people_of(enterprise.id),
        "vetting",
        f"vetting:{vetting.id}",
        standing=vetting.standing.value,
        reason=vetting.reason,
    )


def _own(actor: Actor, position_id: int) -> Position:
    found = db.session.scalar(
        select(Position)
        .where(Position.id == position_id, Position.enterprise_id == actor.organisation_id)
        .options(*queries.whole_position())
        .with_for_update(of=Position)
    )
    if found is None:
        raise NotFound(_l("There is no such position, or it is not on show."))
    return found


def _write(position: Position, values: PositionDeposit, codes: list[str]) -> None:
    """Write checked values; requirement rows that stay are changed in place, others come and go."""
    ids = {c.code: c.id for c in catalogue.competencies()}
    position.title, position.title_en = values.title.strip(), values.title_en.strip()
    position.description = values.description.strip()
    position.category, position.city_code = Category(values.category), values.city
    position.contract, position.headcount = Contract(values.contract), values.headcount or 0
    position.min_salary, position.max_salary = values.min_salary or 0, values.max_salary or 0
    position.opens_on = values.opens_on or position.opens_on or today()
    position.closes_on = values.closes_on
    position.changed_at = now()
    kept = {row.competency_id: row for row in position.requirements}
    rows = []
    asked_rows = [row for row in values.requirements if row.competency.strip()]
    for place, (code, asked) in enumerate(zip(codes, asked_rows, strict=True)):
        row = kept.get(ids[code]) or PositionRequirement(competency_id=ids[code])
        row.level, row.weight = asked.level or 0, asked.weight or 0
        row.must_have, row.place = asked.must_have, place
        rows.append(row)
    position.requirements = rows


def _checked(values: PositionDeposit, first_day: date) -> list[str]:
    """Check all values together; returns the requirements' competency codes in their order.

    first_day: the one that stands where the values name none.
    """
    problems = Problems()
    _check_words(values, problems)
    _check_numbers(values, values.opens_on or first_day, problems)
    codes = _checked_requirements(values.requirements, problems)
    problems.check()
    return codes


def _check_words(values: PositionDeposit, problems: Problems) -> None:
    if not values.title.strip():
        problems.add("title", _l("A position needs a title."))
    for field, text, most in (
        ("title", values.title, LONGEST_TITLE),
        ("title_en", values.title_en, LONGEST_TITLE),
        ("description", values.description, LONGEST_DESCRIPTION),
    ):
        if len(text) > most:
            problems.add(field, _l("Use at most %(most)s characters.", most=most))
    if values.category not in set(Category):
        problems.add("category", _l("Choose a category from the list."))
    if values.contract not in set(Contract):
        problems.add("contract", _l("Choose employment or internship."))
    if db.session.get(City, values.city) is None:
        problems.add("city", _l("Choose a city from the list."))


def _check_numbers(values: PositionDeposit, first_day: date, problems: Problems) -> None:
    if values.headcount is None or not 1 <= values.headcount <= MOST_SEATS:
        problems.add("headcount", _l("Headcount is a whole number from 1 to %(most)s.", most=MOST_SEATS))
    for field, salary in (("min_salary", values.min_salary), ("max_salary", values.max_salary)):
        if salary is None or not 0 < salary <= TOP_SALARY:
            problems.add(field, _l("A salary is above 0 and at most 1000 (10k RMB a year)."))
    if values.min_salary is not None and values.max_salary is not None and values.min_salary > values.max_salary:
        problems.add("max_salary", _l("The top salary is below the lowest: swap them or correct one."))
    if values.closes_on and values.closes_on < first_day:
        problems.add("closes_on", _l("The last day is before the first: correct one of them."))


def _checked_requirements(rows: Sequence[RequirementDeposit], problems: Problems) -> list[str]:
    if not any(row.competency.strip() for row in rows):
        problems.add("requirements", _l("A position needs at least one requirement: choose a competency."))
    names = catalogue.lexicon(catalogue.competencies())
    codes: list[str] = []
    for index, row in enumerate(rows):
        if not row.competency.strip():
            continue
        at = f"requirements-{index}"
        code = known_code(names, row.competency, f"{at}-competency", problems)
        if code is not None and code in codes:
            problems.add(f"{at}-competency", _l("This competency stands twice: keep one row."))
        if row.level is None or not 1 <= row.level <= MAX_LEVEL:
            problems.add(f"{at}-level", _l("A required level is a whole number from 1 to 5."))
        if row.weight is None or not math.isfinite(row.weight) or not 0 < row.weight <= MOST_WEIGHT:
            problems.add(f"{at}-weight", _l("A weight is above 0 and at most %(most)s.", most=MOST_WEIGHT))
        codes.append(code or "")
    return codes


def _check_promises(position: Position, values: PositionDeposit) -> None:
    promised = queries.promised_seats(position.id)
    if not promised:
        return
    problems = Problems()
    if (values.headcount or 0) < promised:
        problems.add(
            "headcount", _l("%(seats)s seats are promised by offers: headcount can't be less.", seats=promised)
        )
    fixed = _l("Offers are out for this position: this can't change any more.")
    for field, before, after in (
        ("category", position.category.value, values.category),
        ("city", position.city_code, values.city),
        ("contract", position.contract.value, values.contract),
    ):
        if before != after:
            problems.add(field, fixed)
    for field, paid, offered in (
        ("min_salary", position.min_salary, values.min_salary),
        ("max_salary", position.max_salary, values.max_salary),
    ):
        if (offered or 0) < paid:
            problems.add(field, _l("Offers are out for this position: the salary can rise, but not fall."))
    problems.check()
