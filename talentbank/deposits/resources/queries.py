"""Reads of training resources, within what the actor may see.

What happens on a resource belongs to practice, which stands above deposits. It registers here what a deposit has to
know of it: seats held, who waits, days practised on, a student's own enrolment, who else may look.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from sqlalchemy import ColumnElement, String, and_, false, func, literal, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from talentbank.accounts.models import Organisation, Standing, User
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Competency
from talentbank.deposits.resources.models import (
    ResourceKind,
    ResourceState,
    TaughtCompetency,
    Tier,
    TrainingResource,
)
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger.models import LedgerAccount
from talentbank.permissions import Actor, Role

PER_PAGE = 20
HOSTS = (Role.ENTERPRISE, Role.ZONE, Role.UNIVERSITY)
TWICE = timedelta(minutes=1)
"""Who deposits the same again sooner pressed the button twice."""
ONLINE = "online"
"""What a list is narrowed to instead of a city for resources without one."""


@dataclass(frozen=True, slots=True)
class ResourceFilter:
    """What a list of resources is narrowed to; empty fields narrow nothing.

    city: a city's code or ONLINE; competency: a code of the catalogue; state: «open» (on show, its last day
    not past), «over» or «withdrawn»; free: only with a free seat.
    """

    text: str = ""
    kind: str = ""
    category: str = ""
    tier: str = ""
    city: str = ""
    competency: str = ""
    state: str = ""
    owner: int | None = None
    free: bool = False


@dataclass(frozen=True, slots=True)
class OwnEnrolment:
    """A student's enrolment on a resource, as practice words it: the standing one, else the last.

    label and tone: of its state, for a badge. stands: neither refused nor left, so there is nothing to ask for.
    leaves: the student can leave. note: a sentence below, such as the place on the waiting list or why refused.
    """

    id: int
    label: object
    tone: str
    stands: bool
    leaves: bool
    note: object = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Seats held, people who asked or wait for one, and the ledger account with its balance in hundredths."""

    held: int
    waiting: int
    account_id: int | None
    balance: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource, whole, with its tally and the reader's own enrolment."""

    resource: TrainingResource
    tally: Tally
    own: OwnEnrolment | None

    @property
    def free(self) -> int:
        """Seats that nobody holds."""
        return max(0, self.resource.seats - self.tally.held)

    @property
    def takes_people(self) -> bool:
        """Whether students can ask for it: on show, and its last day not past."""
        resource = self.resource
        approved = resource.owner.standing is Standing.APPROVED
        return resource.state is ResourceState.OPEN and approved and resource.last_day >= today()


CountOnResource = Callable[[], ColumnElement[int]]
PractisedDays = Callable[[int], tuple[date, date] | None]
OwnEnrolments = Callable[[Actor, Collection[int]], Mapping[int, OwnEnrolment]]
WhyNot = Callable[[Actor, TrainingResource], object | None]
AlsoSeen = Callable[[Actor], ColumnElement[bool]]

_held: list[CountOnResource] = []
_waiting: list[CountOnResource] = []
_practised: list[PractisedDays] = []
_own: list[OwnEnrolments] = []
_why_not: list[WhyNot] = []
_also_seen: list[AlsoSeen] = []


def counts_held_seats(function: CountOnResource) -> CountOnResource:
    """Register a correlated expression that counts a resource's held seats, as a column beside TrainingResource."""
    _held.append(function)
    return function


def counts_waiting(function: CountOnResource) -> CountOnResource:
    """Register a correlated expression that counts who asked for a resource or waits, and holds no seat yet."""
    _waiting.append(function)
    return function


def tells_practised_days(function: PractisedDays) -> PractisedDays:
    """Register what tells, of a resource's id, the first and the last day of practice that was sent, or None."""
    _practised.append(function)
    return function


def tells_own_enrolments(function: OwnEnrolments) -> OwnEnrolments:
    """Register what tells, of a student and resources' ids, the student's own enrolments by the resource's id."""
    _own.append(function)
    return function


def tells_why_not(function: WhyNot) -> WhyNot:
    """Register what tells why a student can't ask for a resource (a sentence), or None; full is no reason."""
    _why_not.append(function)
    return function


def shows_also(function: AlsoSeen) -> AlsoSeen:
    """Register a condition on TrainingResource: what an actor sees besides what is on show, as where enrolled."""
    _also_seen.append(function)
    return function


def held() -> ColumnElement[int]:
    """Seats of a resource that are held, as a column beside TrainingResource."""
    return sum((count() for count in _held), start=cast(ColumnElement[int], literal(0)))


def waiting() -> ColumnElement[int]:
    """People who asked for a resource and hold no seat of it yet, as a column beside TrainingResource."""
    return sum((count() for count in _waiting), start=cast(ColumnElement[int], literal(0)))


def free() -> ColumnElement[int]:
    """Seats that nobody holds, as a column beside TrainingResource."""
    return TrainingResource.seats - held()


def practised_days(resource_id: int) -> tuple[date, date] | None:
    """The first and the last day of practice that was sent on a resource; None where there is none."""
    spans = [span for span in (tell(resource_id) for tell in _practised) if span]
    return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None


def own_enrolments(actor: Actor, resource_ids: Collection[int]) -> dict[int, OwnEnrolment]:
    """The student's own enrolments on these resources; nothing for other roles."""
    if actor.role is not Role.STUDENT or not resource_ids:
        return {}
    return {id_: own for tell in _own for id_, own in tell(actor, resource_ids).items()}


def why_not(actor: Actor, resource: TrainingResource) -> object | None:
    """Why a student can't ask for a resource, if there is a reason."""
    return next((reason for tell in _why_not if (reason := tell(actor, resource))), None)


def whole_resource() -> tuple[ORMOption, ...]:
    """Load a resource with all that a page needs of it, in the same few queries for any number."""
    return (
        joinedload(TrainingResource.owner),
        joinedload(TrainingResource.supervisor),
        joinedload(TrainingResource.city),
        selectinload(TrainingResource.teaches).joinedload(TaughtCompetency.competency),
    )


def approved() -> ColumnElement[bool]:
    """Resources whose owner the chamber has approved."""
    return TrainingResource.owner.has(Organisation.standing == Standing.APPROVED)


def on_show() -> ColumnElement[bool]:
    """Open, and of an approved owner; over or not, so that what somebody read yesterday is there today."""
    return and_(TrainingResource.state == ResourceState.OPEN, approved())


def teaching() -> dict[str, list[tuple[int, int]]]:
    """Level and free seats of each open resource that teaches a competency, by the competency's code."""
    rows = db.session.execute(
        select(Competency.code, TaughtCompetency.level, free())
        .select_from(TrainingResource)
        .join(TaughtCompetency, TaughtCompetency.resource_id == TrainingResource.id)
        .join(Competency, Competency.id == TaughtCompetency.competency_id)
        .where(on_show(), ~_over())
    )
    found: dict[str, list[tuple[int, int]]] = {}
    for code, level, seats in rows:
        found.setdefault(code, []).append((level, max(0, seats)))
    return found


def seen_by(actor: Actor) -> ColumnElement[bool] | None:
    """The resources that an actor may see at all; None where it is every one."""
    if actor.role in (Role.CHAMBER, Role.ADMINISTRATOR):
        return None
    return or_(on_show(), owned_by(actor), *(condition(actor) for condition in _also_seen))


def owned_by(actor: Actor) -> ColumnElement[bool]:
    """The resources that the actor's organisation deposited; a student's is the university, whose they are not."""
    if actor.role not in HOSTS:
        return false()
    return TrainingResource.owner_id == actor.organisation_id


def owns(actor: Actor, resource: TrainingResource) -> bool:
    """Whether a resource is of the actor's organisation: `owned_by`, of one that is loaded."""
    return actor.role in HOSTS and resource.owner_id == actor.organisation_id


def resource(actor: Actor, resource_id: int, *, lock: bool = False) -> TrainingResource:
    """One resource, whole; locked against whoever else changes it, or its seats, if asked.

    Raises NotFound unless it is there and the actor may see it.
    """
    return _one(resource_id, seen_by(actor), lock)


def own_resource(actor: Actor, resource_id: int, *, lock: bool = False) -> TrainingResource:
    """One resource of the actor's organisation, whole. Raises NotFound where it is another's, on show or not."""
    return _one(resource_id, owned_by(actor), lock)


def _one(resource_id: int, condition: ColumnElement[bool] | None, lock: bool) -> TrainingResource:
    query = select(TrainingResource).where(TrainingResource.id == resource_id).options(*whole_resource())
    if condition is not None:
        query = query.where(condition)
    found = db.session.scalar(query.with_for_update(of=TrainingResource) if lock else query)
    if found is None:
        raise NotFound(_l("There is no such training resource, or it is not on show."))
    return found


def shown(actor: Actor, found: Sequence[TrainingResource]) -> list[Shown]:
    """Whole resources with their tallies and the reader's enrolments, in the same few queries for any number."""
    ids = [resource.id for resource in found]
    tallies, own = _tallies(ids), own_enrolments(actor, ids)
    return [Shown(resource, tallies[resource.id], own.get(resource.id)) for resource in found]


def tally(resource_id: int) -> Tally:
    """One resource's seats, who waits, and its account."""
    return _tallies([resource_id])[resource_id]


def _tallies(resource_ids: Collection[int]) -> dict[int, Tally]:
    account = literal("resource:") + sql_cast(TrainingResource.id, String)
    rows = db.session.execute(
        select(
            TrainingResource.id,
            held(),
            waiting(),
            LedgerAccount.id,
            func.coalesce(LedgerAccount.balance, 0),
        )
        .outerjoin(LedgerAccount, LedgerAccount.owner == account)
        .where(TrainingResource.id.in_(resource_ids))
    )
    return {id_: Tally(*numbers) for id_, *numbers in rows}


def resources(actor: Actor, wanted: ResourceFilter, page: int) -> tuple[Pagination, list[Shown]]:
    """A page of the resources that the actor may see: the organisation's own first, those that are over last."""
    query = select(TrainingResource).where(*_narrowed(wanted)).options(*whole_resource())
    condition = seen_by(actor)
    if condition is not None:
        query = query.where(condition)
    if actor.role in HOSTS:
        query = query.order_by(~owned_by(actor))
    query = query.order_by(_over(), TrainingResource.starts_on, TrainingResource.id)
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    return found, shown(actor, found.items)


def supervisors(actor: Actor) -> list[User]:
    """Who can supervise what the actor's organisation deposits: its active people, not a university's students."""
    query = select(User).where(
        User.organisation_id == actor.organisation_id, User.role == actor.role, User.active.is_(True)
    )
    return list(db.session.scalars(query.order_by(User.id)))


def just_deposited(owner_id: int, title: str, kind: str, starts_on: date | None, ends_on: date | None) -> bool:
    """Whether an owner deposited the same within the last minute; whoever else deposits for it waits meanwhile."""
    owner = select(Organisation.id).where(Organisation.id == owner_id)
    db.session.execute(owner.with_for_update(key_share=True))
    query = select(TrainingResource.id).where(
        TrainingResource.owner_id == owner_id,
        TrainingResource.title == title,
        TrainingResource.kind == ResourceKind(kind),
        TrainingResource.starts_on == starts_on,
        TrainingResource.ends_on == ends_on,
        TrainingResource.state == ResourceState.OPEN,
        TrainingResource.created_at > now() - TWICE,
    )
    return db.session.scalar(query.limit(1)) is not None


def _over() -> ColumnElement[bool]:
    """There is nothing to come: its last day has passed, or it was withdrawn."""
    return or_(TrainingResource.ends_on < today(), TrainingResource.state == ResourceState.WITHDRAWN)


def _narrowed(wanted: ResourceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.kind in set(ResourceKind):
        conditions.append(TrainingResource.kind == ResourceKind(wanted.kind))
    if wanted.category in set(Category):
        conditions.append(TrainingResource.category == Category(wanted.category))
    if wanted.tier in set(Tier):
        conditions.append(TrainingResource.tier == Tier(wanted.tier))
    if wanted.city:
        city = None if wanted.city == ONLINE else wanted.city
        conditions.append(TrainingResource.city_code == city)
    if wanted.competency:
        taught = TaughtCompetency.competency.has(Competency.code == wanted.competency)
        conditions.append(TrainingResource.teaches.any(taught))
    if wanted.owner is not None:
        conditions.append(TrainingResource.owner_id == wanted.owner)
    if wanted.free:
        conditions.append(and_(~_over(), free() > 0))
    if wanted.state in _STATES:
        conditions.append(_STATES[wanted.state]())
    if wanted.text:
        conditions.append(_says(wanted.text))
    return conditions


_STATES: Mapping[str, Callable[[], ColumnElement[bool]]] = {
    "open": lambda: and_(on_show(), ~_over()),
    "over": lambda: and_(TrainingResource.state == ResourceState.OPEN, _over()),
    "withdrawn": lambda: TrainingResource.state == ResourceState.WITHDRAWN,
}


def _says(text: str) -> ColumnElement[bool]:
    """The title or the owner's name has this in it, in either language."""
    owner = [name.icontains(text, autoescape=True) for name in (Organisation.name_zh, Organisation.name_en)]
    titles = [title.icontains(text, autoescape=True) for title in (TrainingResource.title, TrainingResource.title_en)]
    return or_(*titles, TrainingResource.owner.has(or_(*owner)))
