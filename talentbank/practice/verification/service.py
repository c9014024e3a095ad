"""Verifying, confirming and taking back practice logs, many at once, and chasing those who keep them waiting.

Whoever decides about logs locks their students first, then the logs, then the ledger; so two at once wait for each
other, and what a decision rests on does not change under it. All of a batch is done, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum

from talentbank import audit, permissions
from talentbank.audit import command
from talentbank.engine.units import credits_text
from talentbank.errors import Conflict, Forbidden, Problems
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger import queries as accounts
from talentbank.ledger import service as ledger
from talentbank.permissions import Action, Actor
from talentbank.practice.logs import history
from talentbank.practice.models import PROVEN, Chase, LogState, PracticeLog
from talentbank.practice.queries import rules_of
from talentbank.practice.verification import queries
from talentbank.practice.verification.levels import raise_levels
from talentbank.practice.verification.paying import Payment, planned

MOST_AT_ONCE = 200
LONGEST_REASON = 1000


class Verdict(StrEnum):
    """What a supervisor says of a log."""

    VERIFY = "verify"
    SEND_BACK = "send_back"
    REJECT = "reject"


_STATES = {
    Verdict.VERIFY: LogState.VERIFIED,
    Verdict.SEND_BACK: LogState.SENT_BACK,
    Verdict.REJECT: LogState.REJECTED,
}

Reversal = Callable[[Actor, int, int, str], None]
_reversals: list[Reversal] = []


def on_reversal(function: Reversal) -> Reversal:
    """Register what follows when a log is taken back: called with the actor, the student's id, the enrolment's id and
    the reason, within the transaction, once levels and ledger are as they then are. Credentials stand above practice
    and know what rests on it."""
    _reversals.append(function)
    return function


@command(Action.VERIFY_LOG)
def decide(
    actor: Actor, log_ids: Collection[int], verdict: Verdict, reason: str, versions: Mapping[int, int]
) -> list[PracticeLog]:
    """Verify logs on resources that the actor supervises, or send them back or reject them for a reason.

    versions: of each log as it was shown. Raises Invalid, NotFound, or Conflict naming a log that was decided about
    or changed since; then none is decided.
    """
    reason = _checked(log_ids, reason, needed=verdict is not Verdict.VERIFY)
    logs = queries.locked(log_ids, queries.supervised_by(actor))
    if any(log.enrolment.student.user_id == actor.user_id for log in logs):
        raise Forbidden(_l("Nobody verifies their own practice."))
    for log in logs:
        _check_waits(log, LogState.SUBMITTED, versions)
    for log in logs:
        history.note(actor, log, _STATES[verdict], reason)
        if verdict is Verdict.VERIFY:
            log.verified_at, log.verified_by = now(), actor.user_id
        audit.record(actor, Action.VERIFY_LOG, log, verdict=verdict.value, minutes=log.minutes)
    if verdict is Verdict.VERIFY:
        for student_id in sorted({log.student_id for log in logs}):
            raise_levels(student_id)
    return logs


@command(Action.CONFIRM_LOG)
def confirm(actor: Actor, log_ids: Collection[int], versions: Mapping[int, int]) -> list[Payment]:
    """Count verified logs of the university's students as credit under its rules, and pay them by day and id.

    What pays nothing is confirmed all the same, with a note of why. Raises Invalid, NotFound, or Conflict: naming a
    log that was decided about or changed since, or a resource whose account can't pay; then none is confirmed.
    """
    _checked(log_ids, "", needed=False)
    logs = queries.locked(log_ids, queries.of_students_of(actor))
    for log in logs:
        _check_waits(log, LogState.VERIFIED, versions)
    rules = rules_of(actor.organisation_id or 0)
    payments = planned(logs, rules)
    for place, payment in enumerate(payments):
        log = payment.log
        log.entry_number = _paid(actor, payments[place:])
        log.credit, log.rate = payment.credit, rules.hours_per_credit
        log.confirmed_at, log.confirmed_by = now(), actor.user_id
        history.note(actor, log, LogState.CONFIRMED, str(payment.note))
        audit.record(
            actor,
            Action.CONFIRM_LOG,
            log,
            counted=True,
            minutes=log.minutes,
            rate=log.rate,
            credit=log.credit,
            entry=log.entry_number,
        )
    return payments


@command(Action.CONFIRM_LOG)
def decline(actor: Actor, log_ids: Collection[int], versions: Mapping[int, int], reason: str) -> list[PracticeLog]:
    """Say for a reason that verified logs of the university's students don't count as credit; levels stay.

    Raises Invalid, NotFound, or Conflict naming a log that was decided about or changed since; then none is declined.
    """
    reason = _checked(log_ids, reason, needed=True)
    logs = queries.locked(log_ids, queries.of_students_of(actor))
    for log in logs:
        _check_waits(log, LogState.VERIFIED, versions)
    for log in logs:
        history.note(actor, log, LogState.DECLINED, reason)
        audit.record(actor, Action.CONFIRM_LOG, log, counted=False, minutes=log.minutes)
    return logs


@command(Action.REVERSE_LOG)
def reverse(actor: Actor, log_id: int, reason: str, version: int) -> PracticeLog:
    """Take a verification back for a reason, with the credits that were paid, and what rests on it.

    The supervisor may until the university has decided, the student's university at any time. The log is with the
    student again. Raises Invalid, NotFound, or Conflict: it was decided about or changed since, or its credits have
    been withdrawn.
    """
    reason = _checked([log_id], reason, needed=True)
    (log,) = queries.locked([log_id], queries.reversible_by(actor))
    if log.state not in PROVEN:
        raise Conflict(_l("%(log)s is no longer verified: load the page again.", log=_name(log)))
    if not queries.may_reverse(actor, log):
        raise Conflict(_l("The student's university has decided already: only it can take this back now."))
    if log.version != version:
        raise _changed(log)
    credit, entry = log.credit, log.entry_number
    if entry is not None:
        entry = _taken_back(actor, log, entry, reason)
    history.note(actor, log, LogState.REVERSED, reason)
    log.verified_at = log.verified_by = log.confirmed_at = log.confirmed_by = None
    log.credit = log.rate = log.entry_number = None
    levels = raise_levels(log.student_id)
    for follow in _reversals:
        follow(actor, log.student_id, log.enrolment_id, reason)
    audit.record(actor, Action.REVERSE_LOG, log, credit=credit, entry=entry, levels=len(levels))
    return log


def chase(actor: Actor) -> int:
    """Remind the supervisors of logs that wait too long, each at most every three days; how many logs it was."""
    permissions.require(actor, Action.CHASE_LOGS)
    return _chase(actor) if queries.to_chase() else 0


@command(Action.CHASE_LOGS)
def _chase(actor: Actor) -> int:
    due = queries.to_chase(lock=True)
    db.session.add_all(Chase(log_id=log_id, user_id=user_id, at=now()) for log_id, user_id in due)
    audit.record(actor, Action.CHASE_LOGS, "chase", logs=len(due))
    return len(due)


def _checked(log_ids: Collection[int], reason: str, *, needed: bool) -> str:
    """The reason without blanks around it, once the batch can be looked at."""
    problems, reason = Problems(), reason.strip()
    if not log_ids:
        problems.add("log", _l("Tick at least one log."))
    if len(log_ids) > MOST_AT_ONCE:
        problems.add("log", _l("Decide about at most %(most)s logs at once.", most=MOST_AT_ONCE))
    if needed and not reason:
        problems.add("reason", _l("Write a reason: the student reads it."))
    if len(reason) > LONGEST_REASON:
        problems.add("reason", _l("Use at most %(most)s characters.", most=LONGEST_REASON))
    problems.check()
    return reason


def _check_waits(log: PracticeLog, state: LogState, versions: Mapping[int, int]) -> None:
    """Raise Conflict unless a log is in this state, as it was when it was shown."""
    if log.state is not state and log.state in PROVEN:
        name = _name(log)
        done = {
            LogState.VERIFIED: _l("%(log)s is verified already: nothing was done, load the page again.", log=name),
            LogState.CONFIRMED: _l("%(log)s is confirmed already: nothing was done, load the page again.", log=name),
            LogState.DECLINED: _l("%(log)s is declined already: nothing was done, load the page again.", log=name),
        }
        raise Conflict(done[log.state])
    if log.state is not state or log.version != versions.get(log.id):
        raise _changed(log)


def _changed(log: PracticeLog) -> Conflict:
    sentence = _l("%(log)s was changed meanwhile: nothing was done, look at it again.", log=_name(log))
    return Conflict(sentence)


def _name(log: PracticeLog) -> str:
    """A log as a sentence names it."""
    return f"{log.enrolment.student.user.shown_name}, {log.day.isoformat()}"


def _paid(actor: Actor, payments: Sequence[Payment]) -> int | None:
    """Pay the first of what is left of a batch: the entry's number, or None where nothing is to be paid."""
    log, amount = payments[0].log, payments[0].credit
    if not amount:
        return None
    resource = log.enrolment.resource
    try:
        entry = ledger.pay(actor, resource.account, f"student:{log.student_id}", amount, f"log:{log.id}")
    except Conflict:
        asked = sum(p.credit for p in payments if p.log.enrolment.resource_id == resource.id)
        held = accounts.balance(resource.account)
        if held >= asked:
            raise
        raise Conflict(
            _l(
                "Nothing was confirmed: the account of «%(resource)s» is short of %(missing)s."
                " Confirm fewer of its logs, or ask its owner for more.",
                resource=resource.shown_title,
                missing=credits_text(asked - held),
            )
        ) from None
    return entry.number


def _taken_back(actor: Actor, log: PracticeLog, entry: int, reason: str) -> int:
    """Reverse a log's payment; the number of the entry that does."""
    try:
        return ledger.reverse(actor, entry, reason).number
    except Conflict:
        held = accounts.balance(f"student:{log.student_id}")
        if held >= (log.credit or 0):
            raise
        raise Conflict(
            _l(
                "%(student)s holds only %(held)s of the %(credit)s that this log paid; the rest is withdrawn into the"
                " university's record. Cancel a withdrawal that was not exported yet, then take the log back.",
                student=log.enrolment.student.user.shown_name,
                held=credits_text(held),
                credit=credits_text(log.credit or 0),
            )
        ) from None
