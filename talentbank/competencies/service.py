"""The catalogue's loading and the student's own profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from talentbank import audit
from talentbank.accounts.models import User
from talentbank.audit import command
from talentbank.competencies import catalogue, queries
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import City, Competency, Student, StudentLevel
from talentbank.engine.competency import MAX_LEVEL
from talentbank.engine.wording import Lexicon
from talentbank.errors import Conflict, Forbidden, Problems
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor

TOP_SALARY = 10_000_000
"""More RMB a year than any floor or salary that is meant."""


@dataclass(frozen=True, slots=True)
class ClaimedLevel:
    """A competency, by code or name, and the level that the student claims."""

    competency: str
    level: int | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a student says: accepted categories and cities (none: any), floor in RMB a year, levels."""

    categories: Sequence[str] = ()
    cities: Sequence[str] = ()
    min_salary: int = 0
    available: bool = True
    cohort: int | None = None
    major: str = ""
    levels: Sequence[ClaimedLevel] = field(default_factory=tuple)


@command(Action.LOAD_SEEDS)
def load_seeds(actor: Actor) -> tuple[int, int]:
    """Bring seeds/ into the catalogue; what is there already is brought up to date. Returns the two counts."""
    known = {c.code: c for c in db.session.scalars(select(Competency))}
    for place, seed in enumerate(catalogue.competencies()):
        entry = known.get(seed.code) or Competency(code=seed.code)
        entry.category, entry.name_zh, entry.name_en = seed.category, seed.name_zh, seed.name_en
        entry.aliases, entry.place = list(seed.aliases), place
        db.session.add(entry)
    towns = {c.code: c for c in db.session.scalars(select(City))}
    for place, city in enumerate(catalogue.cities()):
        town = towns.get(city.code) or City(code=city.code)
        town.name_zh, town.name_en, town.place = city.name_zh, city.name_en, place
        db.session.add(town)
    counts = len(catalogue.competencies()), len(catalogue.cities())
    audit.record(actor, Action.LOAD_SEEDS, "catalogue", competencies=counts[0], cities=counts[1])
    return counts


@command(Action.CHANGE_PROFILE)
def save_profile(actor: Actor, profile: Profile, version: int) -> Student:
    """Store the actor's own profile. Verified levels stay as they are: only evidence changes them.

    version: of the profile that the form showed, 0 for a new one. Raises Conflict if it was saved since.
    """
    problems = Problems()
    codes = _checked_levels(profile.levels, problems)
    _check_choices(profile, problems)
    problems.check()
    student = db.session.scalar(
        select(Student).where(Student.user_id == actor.user_id).options(queries.with_levels()).with_for_update()
    )
    if (student.version if student else 0) != version:
        raise Conflict(_l("This profile was saved from another window meanwhile: load it again, then change it."))
    student = student or _new_student(actor)
    student.categories, student.cities = sorted(set(profile.categories)), sorted(set(profile.cities))
    student.min_salary, student.available = profile.min_salary, profile.available
    student.cohort = profile.cohort
    if student.major != profile.major.strip():
        student.major_zh, student.major_en = profile.major.strip(), ""
    _claim(student, codes)
    student.version = version + 1
    db.session.flush()
    audit.record(actor, Action.CHANGE_PROFILE, student, levels=codes, available=student.available)
    return student


def _new_student(actor: Actor) -> Student:
    user = db.session.get_one(User, actor.user_id)
    if user.organisation_id is None:
        raise Forbidden(_l("Your account has no university yet: ask your university to invite you."))
    student = Student(user_id=user.id, university_id=user.organisation_id, levels=[])
    db.session.add(student)
    return student


def _claim(student: Student, claimed: dict[str, int]) -> None:
    """Set the claimed levels; a row without anything claimed or verified goes."""
    ids = {c.code: c.id for c in queries.competencies()}
    rows = {row.competency_id: row for row in student.levels}
    for code, level in claimed.items():
        row = rows.get(ids[code])
        if row is None:
            row = StudentLevel(competency_id=ids[code], verified=0)
            student.levels.append(row)
            rows[ids[code]] = row
        row.claimed = level
    named = {ids[code] for code in claimed}
    for row in list(student.levels):
        if row.competency_id not in named:
            row.claimed = 0
        if not row.claimed and not row.verified:
            student.levels.remove(row)


def known_code(names: Lexicon, text: str, field: str, problems: Problems) -> str | None:
    """The code of a competency by code, name or alias; an unknown one is noted at the field, with the nearest."""
    code = names.find(text)
    if code is None:
        nearest = ", ".join(names.nearest(text))
        sentence = _l("«%(name)s» is not in the catalogue. Nearest: %(nearest)s.", name=text, nearest=nearest)
        problems.add(field, sentence)
    return code


def _checked_levels(levels: Sequence[ClaimedLevel], problems: Problems) -> dict[str, int]:
    names = queries.lexicon(queries.competencies())
    codes: dict[str, int] = {}
    for row, claimed in enumerate(levels):
        code = known_code(names, claimed.competency, f"levels-{row}-level", problems)
        if code is None:
            continue
        if claimed.level is None or not 0 <= claimed.level <= MAX_LEVEL:
            problems.add(f"levels-{row}-level", _l("A level is a whole number from 0 to 5."))
        elif code in codes:
            problems.add(f"levels-{row}-level", _l("This competency stands twice: keep one row."))
        else:
            codes[code] = claimed.level
    return {code: level for code, level in codes.items() if level}


def _check_choices(profile: Profile, problems: Problems) -> None:
    if not set(profile.categories) <= set(Category):
        problems.add("categories", _l("Choose categories from the list."))
    if not set(profile.cities) <= {city.code for city in queries.cities()}:
        problems.add("cities", _l("Choose cities from the list."))
    if not 0 <= profile.min_salary <= TOP_SALARY:
        problems.add("min_salary", _l("A salary floor is between 0 and 1000 (10k RMB a year)."))
    if profile.cohort is not None and not 2000 <= profile.cohort <= 2100:
        problems.add("cohort", _l("Write the year of graduation, such as 2027."))
    if len(profile.major) > 100:
        problems.add("major", _l("Use at most %(most)s characters.", most=100))
