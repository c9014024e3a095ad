"""Practice to act in: an enterprise with a supervisor, a university, its student, and a resource with credits.

Rows are written straight into the tables here, in whatever state a test wants to begin with; what leads there is for
the tests of the services.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from typing import Any

from talentbank.accounts.models import Organisation
from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Student
from talentbank.deposits.resources.models import (
    Admission,
    ResourceKind,
    ResourceState,
    TaughtCompetency,
    Tier,
    TrainingResource,
)
from talentbank.extensions import db, now, today, transaction
from talentbank.ledger import service as ledger
from talentbank.permissions import Actor, Role
from talentbank.practice.models import Enrolment, EnrolmentState, LogState, PracticeLog
from tests import factories

_numbers = count(1)


class World:
    """One of each who takes part in practice: host (its person supervises), university, student, chamber."""

    def __init__(self) -> None:
        self.host = factories.person(Role.ENTERPRISE)
        self.university = factories.person(Role.UNIVERSITY)
        self.chamber = factories.person(Role.CHAMBER)
        self.student, self.student_id = self.another_student()

    def another_student(self, university: Actor | None = None, **values: Any) -> tuple[Actor, int]:
        """A student with a profile: who acts, and the profile's id."""
        of = university or self.university
        actor = factories.person(Role.STUDENT, db.session.get(Organisation, of.organisation_id))
        return actor, factories.student(actor, **{"cohort": 2027, **values}).id

    def resource(
        self,
        teaches: dict[str, int] | None = None,
        *,
        credits: int = 500,
        host: Actor | None = None,
        **values: Any,
    ) -> int:
        """A deposited resource's id, on since 60 days and for 60 more; credits in hundredths on its account."""
        host = host or self.host
        number = next(_numbers)
        good: dict[str, Any] = {
            "owner_id": host.organisation_id,
            "supervisor_id": host.user_id,
            "kind": ResourceKind.PROJECT,
            "title": f"真实项目{number}",
            "title_en": f"Real project {number}",
            "category": "operations",
            "tier": Tier.FRONTLINE,
            "admission": Admission.OPEN,
            "hours": 40,
            "seats": 3,
            "starts_on": today() - timedelta(days=60),
            "ends_on": today() + timedelta(days=60),
            "city_code": "meishan",
            "place": "1 号楼",
            "state": ResourceState.OPEN,
            "created_at": now(),
            "changed_at": now(),
        }
        codes = {entry.code: entry.id for entry in catalogue.competencies()}
        with transaction():
            made = TrainingResource(
                **{**good, **values},
                teaches=[
                    TaughtCompetency(competency_id=codes[code], level=level, place=place)
                    for place, (code, level) in enumerate((teaches or {"platform_ops": 3}).items())
                ],
            )
            db.session.add(made)
            db.session.flush()
            if credits:
                ledger.deposit(host, host.organisation_id or 0, made.account, credits)
        return made.id

    def enrolment(
        self,
        resource_id: int,
        student_id: int | None = None,
        state: EnrolmentState = EnrolmentState.ACCEPTED,
        **values: Any,
    ) -> int:
        """An enrolment's id."""
        with transaction():
            made = Enrolment(
                resource_id=resource_id,
                student_id=student_id or self.student_id,
                state=state,
                **{"asked_at": now(), "decided_at": now(), **values},
            )
            db.session.add(made)
        return made.id

    def log(
        self,
        enrolment_id: int,
        day: date | None = None,
        *,
        hours: float = 4,
        starts: int | None = None,
        state: LogState = LogState.SUBMITTED,
        competencies: tuple[str, ...] = ("platform_ops",),
        **values: Any,
    ) -> int:
        """A log's id, yesterday's unless said; starts in minutes after midnight."""
        minutes = round(60 * hours)
        with transaction():
            enrolment = db.session.get_one(Enrolment, enrolment_id)
            made = PracticeLog(
                enrolment_id=enrolment_id,
                student_id=enrolment.student_id,
                day=day or today() - timedelta(days=1),
                starts=starts,
                ends=None if starts is None else starts + minutes,
                minutes=minutes,
                state=state,
                competencies=[c for c in catalogue.competencies() if c.code in competencies],
                **{
                    "done": "整理商品信息并上架",
                    "submitted_at": None if state is LogState.DRAFT else now(),
                    "created_at": now(),
                    "changed_at": now(),
                    **values,
                },
            )
            db.session.add(made)
        return made.id


def profile(student_id: int) -> Student:
    """A student's profile as it is stored now, with its levels."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Student, student_id, options=[catalogue.with_levels()])


def verified(student_id: int) -> dict[str, int]:
    """A student's verified levels by the competency's code, those above 0."""
    return {level.competency.code: level.verified for level in profile(student_id).levels if level.verified}
