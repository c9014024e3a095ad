"""Depositing, changing, funding and withdrawing training resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import City
from talentbank.competencies.service import known_code
from talentbank.deposits.resources import queries
from talentbank.deposits.resources.models import (
    Admission,
    ResourceKind,
    ResourceState,
    TaughtCompetency,
    Tier,
    TrainingResource,
)
from talentbank.deposits.service import LONGEST_DESCRIPTION, LONGEST_TITLE, MOST_SEATS
from talentbank.engine.competency import MAX_LEVEL
from talentbank.engine.units import credits_text
from talentbank.errors import Conflict, Forbidden, Problems
from talentbank.extensions import db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.permissions import Action, Actor

MOST_HOURS = 2000
MOST_FEE = 1_000_000
MOST_CREDITS = 100_000_00
"""What a resource's account may hold, in hundredths."""
LONGEST_RUN = timedelta(days=731)
"""Two years, a leap day among them."""
LONGEST_PLACE = 120


@dataclass(frozen=True, slots=True)
class TaughtDeposit:
    """One row: a competency by code or name, and the level that the resource can bring a person to.

    A row without a competency is a blank one of the form, and teaches nothing.
    """

    competency: str
    level: int | None


@dataclass(frozen=True, slots=True)
class ResourceDeposit:
    """What a host says of a resource: hours of the whole programme, fee in RMB, no city where it is online.

    supervisor: an account's id; None for the one who deposits, or for the one that it has. credits: hundredths that
    a deposit pays in; a change leaves the account alone, `fund` adds to it.
    """

    title: str
    kind: str
    category: str
    hours: int | None
    seats: int | None
    starts_on: date | None
    ends_on: date | None
    teaches: Sequence[TaughtDeposit]
    credits: int | None = None
    tier: str = Tier.FRONTLINE.value
    admission: str = Admission.OPEN.value
    fee: int | None = 0
    city: str = ""
    place: str = ""
    supervisor: int | None = None
    title_en: str = ""
    description: str = ""


Follow = Callable[[Actor, TrainingResource], None]
_seats_changed: list[Follow] = []
_withdrawn: list[Follow] = []


def on_seats_changed(function: Follow) -> Follow:
    """Register what follows, in the same transaction, when an open resource's seats or dates may have changed."""
    _seats_changed.append(function)
    return function


def on_withdrawn(function: Follow) -> Follow:
    """Register what follows, in the same transaction, when a resource is withdrawn: whoever waits is told."""
    _withdrawn.append(function)
    return function


@command(Action.DEPOSIT_RESOURCE)
def deposit(actor: Actor, values: ResourceDeposit) -> TrainingResource:
    """Store a new resource of the actor's organisation, open at once, with its ledger account and credits."""
    if actor.organisation_id is None:
        raise Forbidden(_l("Your account belongs to no organisation: ask an administrator to invite you again."))
    problems = Problems()
    _check_credits(values.credits, 0, problems)
    if values.ends_on and values.ends_on < today():
        problems.add("ends_on", _l("This day is past: nobody could practise here any more."))
    codes = _checked(actor, values, problems)
    days = values.starts_on, values.ends_on
    if queries.just_deposited(actor.organisation_id, values.title.strip(), values.kind, *days):
        raise Conflict(_l("This was deposited a moment ago: it is on the list of training already."))
    resource = TrainingResource(
        owner_id=actor.organisation_id,
        supervisor_id=actor.user_id,
        state=ResourceState.OPEN,
        created_at=now(),
        teaches=[],
    )
    _write(resource, values, codes)
    db.session.add(resource)
    db.session.flush()
    ledger.deposit(actor, actor.organisation_id, resource.account, values.credits or 0)
    audit.record(
        actor,
        Action.DEPOSIT_RESOURCE,
        resource,
        title=resource.title,
        seats=resource.seats,
        credits=values.credits,
    )
    return resource


@command(Action.CHANGE_RESOURCE)
def change(actor: Actor, resource_id: int, values: ResourceDeposit, version: int) -> TrainingResource:
    """Change a resource; what students hold, were promised and have earned on it stays."""
    resource = queries.own_resource(actor, resource_id, lock=True)
    codes = _checked(actor, values, Problems())
    _check_version(resource, version)
    problems = Problems()
    _check_promises(resource, values, problems)
    _check_practised(resource, values, codes, problems)
    problems.check()
    _write(resource, values, codes)
    resource.version += 1
    db.session.flush()
    audit.record(actor, Action.CHANGE_RESOURCE, resource, title=resource.title, seats=resource.seats)
    if resource.state is ResourceState.OPEN:
        for follow in _seats_changed:
            follow(actor, resource)
    return resource


@command(Action.FUND_RESOURCE)
def fund(actor: Actor, resource_id: int, amount_hundredths: int | None, seen: int) -> TrainingResource:
    """Put more credits on a resource's account; on a withdrawn one too, as earlier practice is still to be paid.

    seen: what the account held, in hundredths, as it was shown; Conflict where it holds something else by now, so
    that what is sent twice is added once.
    """
    resource = queries.own_resource(actor, resource_id, lock=True)
    balance = accounts.balance(resource.account)
    problems = Problems()
    _check_credits(amount_hundredths, balance, problems)
    problems.check()
    if balance != seen:
        raise Conflict(
            _l(
                "The account has changed meanwhile: it holds %(balance)s now. Load the page again, then add to it.",
                balance=credits_text(balance),
            )
        )
    ledger.deposit(actor, resource.owner_id, resource.account, amount_hundredths or 0)
    audit.record(actor, Action.FUND_RESOURCE, resource, credits=amount_hundredths)
    return resource


@command(Action.WITHDRAW_RESOURCE)
def withdraw(actor: Actor, resource_id: int, version: int) -> TrainingResource:
    """Take a resource off the list: nobody new, and no practice after today; what was earned stays."""
    resource = queries.own_resource(actor, resource_id, lock=True)
    if resource.state is ResourceState.WITHDRAWN:
        raise Conflict(_l("Somebody has withdrawn this already: look at it again."))
    _check_version(resource, version)
    resource.state, resource.withdrawn_on = ResourceState.WITHDRAWN, today()
    resource.changed_at = now()
    resource.version += 1
    db.session.flush()
    audit.record(actor, Action.WITHDRAW_RESOURCE, resource, title=resource.title)
    for follow in _withdrawn:
        follow(actor, resource)
    return resource


def _check_version(resource: TrainingResource, version: int) -> None:
    if resource.version != version:
        raise Conflict(_l("This was changed from another window meanwhile: load the page again, then do it."))


def _write(resource: TrainingResource, values: ResourceDeposit, codes: list[str]) -> None:
    """Write checked values; rows of what is taught that stay are changed in place, others come and go."""
    resource.title, resource.title_en = values.title.strip(), values.title_en.strip()
    resource.description, resource.place = values.description.strip(), values.place.strip()
    resource.kind, resource.category = ResourceKind(values.kind), Category(values.category)
    resource.tier, resource.admission = Tier(values.tier), Admission(values.admission)
    resource.hours, resource.seats, resource.fee = values.hours or 0, values.seats or 0, values.fee or 0
    resource.starts_on, resource.ends_on = values.starts_on or today(), values.ends_on or today()
    resource.city_code = values.city or None
    resource.supervisor_id = values.supervisor or resource.supervisor_id
    resource.changed_at = now()
    ids = {c.code: c.id for c in catalogue.competencies()}
    kept = {row.competency_id: row for row in resource.teaches}
    rows = []
    for place, (code, taught) in enumerate(zip(codes, _meant(values.teaches), strict=True)):
        row = kept.get(ids[code]) or TaughtCompetency(competency_id=ids[code])
        row.level, row.place = taught.level or 0, place
        rows.append(row)
    resource.teaches = rows


def _meant(rows: Sequence[TaughtDeposit]) -> list[TaughtDeposit]:
    return [row for row in rows if row.competency.strip()]


def _checked(actor: Actor, values: ResourceDeposit, problems: Problems) -> list[str]:
    """Check all values together; returns the codes of the competencies taught, in their order."""
    _check_words(values, problems)
    _check_numbers(values, problems)
    _check_dates(values, problems)
    supervisors = {user.id for user in queries.supervisors(actor)}
    if values.supervisor is not None and values.supervisor not in supervisors:
        problems.add("supervisor", _l("Choose a supervisor from your own organisation, with an active account."))
    codes = _checked_rows(values.teaches, problems)
    problems.check()
    return codes


def _check_words(values: ResourceDeposit, problems: Problems) -> None:
    if not values.title.strip():
        problems.add("title", _l("A training resource needs a name."))
    for field, text, most in (
        ("title", values.title, LONGEST_TITLE),
        ("title_en", values.title_en, LONGEST_TITLE),
        ("place", values.place, LONGEST_PLACE),
        ("description", values.description, LONGEST_DESCRIPTION),
    ):
        if len(text) > most:
            problems.add(field, _l("Use at most %(most)s characters.", most=most))
    if values.kind not in set(ResourceKind):
        problems.add("kind", _l("Choose a course, a real project, an internship or mentoring."))
    if values.category not in set(Category):
        problems.add("category", _l("Choose a category from the list."))
    if values.tier not in set(Tier):
        problems.add("tier", _l("Choose a tier from the list."))
    if values.admission not in set(Admission):
        problems.add("admission", _l("Choose how seats are given."))
    if values.city and db.session.get(City, values.city) is None:
        problems.add("city", _l("Choose a city from the list."))


def _check_numbers(values: ResourceDeposit, problems: Problems) -> None:
    if values.seats is None or not 1 <= values.seats <= MOST_SEATS:
        problems.add("seats", _l("Seats are a whole number from 1 to %(most)s.", most=MOST_SEATS))
    if values.hours is None or not 1 <= values.hours <= MOST_HOURS:
        problems.add("hours", _l("Hours are a whole number from 1 to %(most)s.", most=MOST_HOURS))
    if values.fee is not None and not 0 <= values.fee <= MOST_FEE:
        problems.add("fee", _l("A fee is a whole number of RMB from 0 to 1,000,000."))


def _check_dates(values: ResourceDeposit, problems: Problems) -> None:
    for field, day in (("starts_on", values.starts_on), ("ends_on", values.ends_on)):
        if day is None:
            problems.add(field, _l("Say on which day."))
    if values.starts_on is None or values.ends_on is None:
        return
    if values.ends_on < values.starts_on:
        problems.add("ends_on", _l("It ends before it begins: correct one of the days."))
    elif values.ends_on - values.starts_on > LONGEST_RUN:
        problems.add("ends_on", _l("A training resource runs for two years at most: choose an earlier last day."))


def _check_credits(amount: int | None, before: int, problems: Problems) -> None:
    if amount is None or amount <= 0:
        problems.add("credits", _l("Write how many practice credits, above 0."))
    elif before + amount > MOST_CREDITS:
        problems.add("credits", _l("A training resource holds at most %(most)s practice credits.", most="100,000.00"))


def _checked_rows(rows: Sequence[TaughtDeposit], problems: Problems) -> list[str]:
    if not _meant(rows):
        problems.add("teaches", _l("Say what it teaches: choose at least one competency."))
    names = catalogue.lexicon(catalogue.competencies())
    codes: list[str] = []
    for index, row in enumerate(rows):
        if not row.competency.strip():
            continue
        at = f"teaches-{index}"
        code = known_code(names, row.competency, f"{at}-competency", problems)
        if code is not None and code in codes:
            problems.add(f"{at}-competency", _l("This competency stands twice: keep one row."))
        if row.level is None or not 1 <= row.level <= MAX_LEVEL:
            problems.add(f"{at}-level", _l("A level that is taught is a whole number from 1 to 5."))
        codes.append(code or "")
    return codes


def _check_promises(resource: TrainingResource, values: ResourceDeposit, problems: Problems) -> None:
    """Who holds a seat or waits for one came for this kind of resource, at this fee."""
    found = queries.tally(resource.id)
    if (values.seats or 0) < found.held:
        problems.add("seats", _l("%(seats)s seats are held by students: there can't be fewer.", seats=found.held))
    if found.held or found.waiting:
        if values.kind != resource.kind.value:
            problems.add("kind", _l("Students hold a seat or wait for one: the kind can't change any more."))
        if (values.fee or 0) > resource.fee:
            problems.add("fee", _l("Students hold a seat or wait for one: the fee can fall, but not rise."))


def _check_practised(
    resource: TrainingResource, values: ResourceDeposit, codes: list[str], problems: Problems
) -> None:
    """Practice stays within the dates; levels follow from what is taught in how many hours, so both stay."""
    days = queries.practised_days(resource.id)
    if days is None:
        return
    first, last = days
    if values.starts_on and values.starts_on > first:
        problems.add("starts_on", _l("Students have practised since %(day)s: begin no later.", day=first.isoformat()))
    if values.ends_on and values.ends_on < last:
        problems.add("ends_on", _l("Students have practised until %(day)s: end no earlier.", day=last.isoformat()))
    if values.hours != resource.hours:
        problems.add("hours", _l("Students have practised here, and their levels rest on these hours: they stay."))
    before = {row.competency.code: row.level for row in resource.teaches}
    after = {code: row.level for code, row in zip(codes, _meant(values.teaches), strict=True)}
    if before != after:
        problems.add(
            "teaches", _l("Students have practised here, and their levels rest on what it teaches: that stays.")
        )
    if values.kind != resource.kind.value:
        problems.add("kind", _l("Students have practised here: the kind can't change any more."))
