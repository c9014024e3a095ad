"""The demo bank: built from its recipe, taken out whole, and kept away from production."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, inspect, or_, select

from talentbank import audit
from talentbank.accounts import passwords
from talentbank.accounts.models import Organisation, User
from talentbank.audit import command
from talentbank.competencies.models import City, Competency, Student
from talentbank.config import SettingError
from talentbank.credentials import queries as practised
from talentbank.credentials import service as credentials
from talentbank.credentials.bank import Bank
from talentbank.demo import destinations, recipe, talk, training
from talentbank.demo.builder import DOMAIN, NEWCOMERS, Builder, address
from talentbank.demo.market import MarketBuilder
from talentbank.demo.models import DemoBank
from talentbank.demo.term import TermBuilder
from talentbank.errors import Conflict
from talentbank.extensions import changed_rows, db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor, Role
from talentbank.practice.evidence import Store
from talentbank.practice.models import Enrolment, EnrolmentState, Evidence

PASSWORD = "show-me-the-bank"  # noqa: S105  (known to everybody: it opens made-up data only)

KEPT = (Competency, City)
"""The catalogue, which is no demo."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A demo account that anybody may try."""

    email: str
    role: Role


def present() -> bool:
    """Whether the bank holds demo data."""
    return bool(db.session.scalar(select(exists().where(DemoBank.id.is_not(None)))))


def vacant() -> bool:
    """Whether there is nobody and nothing in the bank yet but the catalogue."""
    return not db.session.scalar(select(or_(exists().where(User.id > 0), exists().where(Organisation.id > 0))))


def sign_ins() -> list[SignIn]:
    """The demo accounts that are in the bank, a role each."""
    order = list(Role)
    query = select(User.email, User.role).where(User.email.in_([address(role) for role in order]))
    found = [SignIn(email, role) for email, role in db.session.execute(query)]
    return sorted(found, key=lambda person: order.index(person.role))


def refuse_in_production() -> None:
    """Raise SettingError if the database holds the demo bank, whose sign-ins everybody knows."""
    if inspect(db.engine).has_table(DemoBank.__tablename__) and present():
        raise SettingError(
            "The database holds the demo bank, whose sign-ins are public: take it out with "
            "`flask --app wsgi demo remove`, or give production a database of its own (DATABASE_URL)."
        )


@command(Action.KEEP_DEMO)
def build(actor: Actor, store: Store | None = None) -> None:
    """Build the demo bank in a bank that is vacant; evidence goes into the store, and is left out without one."""
    if not vacant():
        raise Conflict(_l("The bank is not empty: the demo is built only where nothing else is."))
    contents = recipe.compose()
    made = Builder(now(), passwords.hashed(PASSWORD))
    everyone = made.organisations(Role.ENTERPRISE, (*contents.enterprises, *NEWCOMERS))
    enterprises = everyone[: -len(NEWCOMERS)]
    universities = made.organisations(Role.UNIVERSITY, contents.universities)
    others = made.people(everyone, universities)
    made.vet(everyone)
    ids = [enterprise.id for enterprise in enterprises]
    made.deposit(contents.positions, ids, today())
    students = made.students(contents.students, universities)
    term = training.compose(contents.students, len(enterprises), recipe.SEED)
    hosts = {"enterprise": enterprises, "university": universities, "zone": [others[Role.ZONE]]}
    TermBuilder(made, hosts, students).build(term, store)
    MarketBuilder(made, recipe.SEED).build(contents.positions, ids)
    destinations.record(recipe.SEED, made.at)
    talk.write(recipe.SEED, made.at)
    mark = DemoBank(seed=recipe.SEED, digest=contents.digest, built_at=made.at)
    db.session.add(mark)
    db.session.flush()
    audit.record(actor, Action.KEEP_DEMO, mark, built=True, digest=contents.digest, training=term.digest)


def take_out(bank: Bank) -> None:
    """Let the demo's student take out a transcript and two credentials, so that there is something to check."""
    student = db.session.scalars(select(User).where(User.email == address(Role.STUDENT))).one().actor
    student_id = db.session.scalars(select(Student.id).where(Student.user_id == student.user_id)).one()
    finished = Enrolment.student_id == student_id, Enrolment.state == EnrolmentState.FINISHED
    enrolment_id = db.session.scalars(select(Enrolment.id).where(*finished)).one()
    credentials.issue_transcript(student, bank)
    credentials.attest_credit(student, bank, enrolment_id)
    credentials.attest_competency(student, bank, practised.reached(student_id)[0].competency.id)


@command(Action.KEEP_DEMO)
def remove(actor: Actor, *, everything: bool = False) -> int:
    """Empty the bank of all but its catalogue; returns the number of rows that went.

    What people of the demo did with it goes too. Where somebody who is not of the demo has joined,
    Conflict says so, unless everything is to go.
    """
    built_at = db.session.scalar(select(DemoBank.built_at))
    if built_at is None:
        raise Conflict(_l("The demo bank is not in this database: there is nothing to take out."))
    strangers = _strangers(built_at)
    if strangers and not everything:
        raise Conflict(
            _l(
                "%(count)s accounts and organisations are in the bank that are not of the demo. "
                "To take them out too, say --everything.",
                count=strangers,
            )
        )
    kept = {model.__table__ for model in KEPT}
    mark = DemoBank.__table__
    # The mark goes last: while it stands the database lets append-only rows be deleted.
    tables = [t for t in reversed(db.metadata.sorted_tables) if t not in kept and t is not mark]
    removed = 0
    for table in [*tables, mark]:
        removed += changed_rows(delete(table))
    audit.record(actor, Action.KEEP_DEMO, "demobank", built=False, rows=removed)
    return removed


def sweep(store: Store) -> None:
    """Take out the files that no evidence in the bank speaks of, as when the demo is out."""
    kept = set(db.session.scalars(select(Evidence.key)))
    for key in list(store.keys()):
        if key not in kept:
            store.remove(key)


def _strangers(built_at: datetime) -> int:
    """How many organisations and accounts are in the bank that are not of the demo built at this moment.

    The demo's organisations are those that came with its mark, to the microsecond, and not those of today's
    word lists: a bank built by an earlier version is the demo as well. Whoever joined one of them is of the demo.
    """
    organisations = select(func.count()).select_from(Organisation).where(Organisation.created_at != built_at)
    people = (
        select(func.count())
        .select_from(User)
        .outerjoin(User.organisation)
        .where(
            User.email.not_like(f"%@{DOMAIN}"),
            or_(Organisation.id.is_(None), Organisation.created_at != built_at),
        )
    )
    return (db.session.scalar(organisations) or 0) + (db.session.scalar(people) or 0)
