"""Credits to have: logs that were verified and confirmed by the services, and a bank that signs."""

from __future__ import annotations

from datetime import date
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import select

from talentbank.accounts.models import User
from talentbank.competencies.models import Competency
from talentbank.credentials import badges, wording
from talentbank.credentials.bank import Bank
from talentbank.extensions import db
from talentbank.permissions import Actor
from talentbank.practice.models import LogState, PracticeLog
from talentbank.practice.verification import service as verification
from talentbank.practice.verification.service import Verdict
from tests.practice.world import World
from tests.web.reader import Reader

BANK = Bank(
    badges.Issuer("https://bank.example", wording.BANK), Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
)


class Earning(World):
    """A student with an enrolment on a project that teaches platform operations up to level 3 in 40 hours."""

    def __init__(self) -> None:
        super().__init__()
        self.project = self.resource(credits=5000)
        self.enrolled = self.enrolment(self.project)

    def verified(self, hours: float = 8, enrolment: int | None = None, **values: Any) -> int:
        """A log that its supervisor has verified."""
        log_id = self.log(enrolment or self.enrolled, hours=hours, **values)
        self.step(log_id, self.host, Verdict.VERIFY)
        return log_id

    def earned(self, hours: float = 8, enrolment: int | None = None, **values: Any) -> int:
        """A log that is confirmed as well: 16 hours are a credit."""
        log_id = self.verified(hours, enrolment, **values)
        self.step(log_id, self.university, None)
        return log_id

    def step(self, log_id: int, actor: Actor, verdict: Verdict | None) -> None:
        """Decide about a log, or confirm it."""
        versions = {log_id: stored_log(log_id).version}
        if verdict is None:
            verification.confirm(actor, [log_id], versions)
        else:
            verification.decide(actor, [log_id], verdict, "", versions)

    def reverse(self, log_id: int, reason: str = "Counted by mistake.") -> None:
        """Let the university take a log back."""
        verification.reverse(self.university, log_id, reason, stored_log(log_id).version)
        assert stored_log(log_id).state is LogState.REVERSED

    def another_enrolment(self, student_id: int | None = None, **values: Any) -> int:
        """An enrolment on another resource of the same host, with credits."""
        return self.enrolment(self.resource(**{"credits": 5000, **values}), student_id)


def stored_log(log_id: int) -> PracticeLog:
    """A log as it is stored now."""
    db.session.rollback()
    return db.session.get_one(PracticeLog, log_id, populate_existing=True)


def competency_id(code: str = "platform_ops") -> int:
    """A competency's id."""
    return db.session.scalars(select(Competency.id).where(Competency.code == code)).one()


def reader(app: Flask, actor: Actor | None = None, language: str = "en") -> Reader:
    """Somebody in front of a browser: signed in as an actor, or a stranger."""
    with app.app_context():
        return Reader(app, db.session.get_one(User, actor.user_id).get_id() if actor else None, language)


def day(text: str) -> date:
    """A day, as people write it."""
    return date.fromisoformat(text)
