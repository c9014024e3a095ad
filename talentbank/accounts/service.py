"""Sign-in, registration, invitations, and who stands where."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.accounts import passwords
from talentbank.accounts.licence import check_contact, check_licence, normal_licence
from talentbank.accounts.models import Invitation, Organisation, SignInGuard, Standing, User, Vetting
from talentbank.audit import command
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound, Problems
from talentbank.extensions import changed_rows, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import STRANGER, Action, Actor, Role

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
INVITATION_LASTS = timedelta(days=14)
LONGEST_NAME = 120
LONGEST_REASON = 500
LONGEST_ADDRESS = 254
"""No e-mail address is longer (RFC 5321)."""
SHORTEST_GUESSABLE = 4
"""A name shorter than this before the @ of an address gives nothing away inside a password."""

ORGANISED = (Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY, Role.CHAMBER, Role.ZONE, Role.GOVERNMENT)
"""Roles whose people belong to an organisation; a student's is the university."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new enterprise says of itself and of its first person; licence: its unified social credit code."""

    name_zh: str
    name_en: str
    licence: str
    contact: str
    person: str
    email: str
    password: str


AfterVetting = Callable[[Organisation, Vetting], None]
_after_vetting: list[AfterVetting] = []


def after_vetting(function: AfterVetting) -> AfterVetting:
    """Register what follows a decision, within its transaction: whoever tells people stands above accounts."""
    _after_vetting.append(function)
    return function


def normal_email(text: str) -> str:
    """An address as it is stored: lower case, without surrounding space."""
    return text.strip().lower()


def sign_in(email: str, password: str) -> User | None:
    """The person with this address and password, else None. Raises Conflict while the address is locked.

    After FAILURES_ALLOWED failures in a row the address is locked for LOCKED_FOR, whether or not it has an
    account. The slow comparison is done outside of any transaction.
    """
    address = normal_email(email)[:LONGEST_ADDRESS]
    _refuse_while_locked(db.session.get(SignInGuard, address))
    user = db.session.scalar(select(User).where(User.email == address))
    password = password[: passwords.LONGEST]
    right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or not user.active:
        _note_failure(STRANGER, address, user.id if user else None)
        return None
    _note_success(user.actor, address, password)
    return user


@command(Action.SIGN_IN)
def _note_failure(actor: Actor, address: str, user_id: int | None) -> None:
    guard = db.session.get(SignInGuard, address, with_for_update=True)
    _refuse_while_locked(guard)
    if guard is None:
        guard = SignInGuard(email=address, failures=0)
        db.session.add(guard)
    guard.failures += 1
    guard.updated_at = now()
    if guard.failures >= FAILURES_ALLOWED:
        guard.failures, guard.locked_until = 0, now() + LOCKED_FOR
    locked = guard.locked_until is not None and guard.locked_until > now()
    audit.record(actor, Action.SIGN_IN, f"user:{user_id}" if user_id else "user:none", failed=True, locked=locked)


@command(Action.SIGN_IN)
def _note_success(actor: Actor, address: str, password: str) -> None:
    guard = db.session.get(SignInGuard, address, with_for_update=True)
    _refuse_while_locked(guard)
    if guard is not None:
        db.session.delete(guard)
    user = db.session.get_one(User, actor.user_id)
    user.last_sign_in_at = now()
    if user.password_hash and passwords.outdated(user.password_hash):
        user.password_hash = passwords.hashed(password)
    audit.record(actor, Action.SIGN_IN, user)


def _refuse_while_locked(guard: SignInGuard | None) -> None:
    if guard is not None and guard.locked_until is not None and guard.locked_until > now():
        minutes = int((guard.locked_until - now()).total_seconds() // 60) + 1
        raise Conflict(
            _l("Too many failed attempts for this address. Try again in %(minutes)s minutes.", minutes=minutes)
        )


@command(Action.REGISTER_ENTERPRISE)
def register_enterprise(actor: Actor, registration: Registration) -> User:
    """Open a pending enterprise with its first person; its deposits show once the chamber approved it."""
    problems = Problems()
    email = _checked_email(registration.email, problems)
    _check_new_person(email, registration.person, registration.password, problems)
    names = _checked_names(registration.name_zh, registration.name_en, problems)
    licence = _checked_licence(registration.licence, problems)
    _check_contact(registration.contact, problems)
    problems.check()
    enterprise = _new_organisation(Role.ENTERPRISE, names, Standing.PENDING, registration.contact.strip(), licence)
    user = _new_user(email, registration.person, Role.ENTERPRISE, enterprise.id, registration.password)
    audit.record(actor, Action.REGISTER_ENTERPRISE, enterprise, name=enterprise.name_zh, user=user.id)
    return user


@command(Action.ADD_ORGANISATION)
def add_organisation(actor: Actor, kind: Role, name_zh: str, name_en: str) -> Organisation:
    """Add an organisation that needs no approval, as the administrator vouches for it."""
    problems = Problems()
    if kind not in ORGANISED or kind is Role.STUDENT:
        problems.add("kind", _l("Choose what kind of organisation it is."))
    names = _checked_names(name_zh, name_en, problems)
    problems.check()
    organisation = _new_organisation(kind, names, Standing.APPROVED)
    audit.record(actor, Action.ADD_ORGANISATION, organisation, kind=kind.value, name=organisation.name_zh)
    return organisation


@command(Action.CHANGE_ORGANISATION)
def change_organisation(actor: Actor, licence: str, contact: str) -> Organisation:
    """Change the licence and the contact of the actor's own enterprise.

    A refused one asks anew by any change; an approved one whose licence changes waits again, as nobody has looked at
    the new number yet.
    """
    enterprise = _enterprise(actor.organisation_id)
    before = enterprise.standing
    values = {"licence": normal_licence(licence), "contact": contact.strip()}
    changed = sorted(name for name, value in values.items() if value != getattr(enterprise, name))
    if not changed:
        raise Invalid(_l("Nothing is different yet: change the licence number or the contact, then send it."))
    problems = Problems()
    # One approved before licences were asked for may go on without, but what is to be decided on has one.
    if "licence" in changed or before is not Standing.APPROVED:
        check_licence(values["licence"], problems)
    _check_contact(contact, problems)
    problems.check()
    try:
        with db.session.begin_nested():  # the sentence's language is read from the database
            enterprise.licence, enterprise.contact = values["licence"], values["contact"]
            if before is Standing.REFUSED or "licence" in changed:
                enterprise.standing, enterprise.reason, enterprise.decided_at = Standing.PENDING, "", None
    except IntegrityError as error:
        raise Invalid(errors=_taken(error)) from None
    audit.record(
        actor,
        Action.CHANGE_ORGANISATION,
        enterprise,
        changed=changed,
        licence=enterprise.licence,
        before=before.value,
        after=enterprise.standing.value,
    )
    return enterprise


@command(Action.DECIDE_ORGANISATION)
def decide_organisation(
    actor: Actor, organisation_id: int, standing: Standing, reason: str = "", seen: tuple[str, str] | None = None
) -> Organisation:
    """Approve an enterprise, refuse it, or take an approval back; refusing says why. What is shown follows at once.

    Each decision is kept with its reason and the licence that it was about. seen: standing and licence as the
    decider's page showed them.
    """
    enterprise = _enterprise(organisation_id)
    reason = reason.strip()
    if standing is Standing.PENDING:
        raise Invalid(_l("Choose to approve or to refuse."))
    if standing is Standing.REFUSED and not reason:
        raise Invalid(errors={"reason": _l("Say why the enterprise is refused: it will read this.")})
    if len(reason) > LONGEST_REASON:
        raise Invalid(errors={"reason": _l("Use at most %(most)s characters.", most=LONGEST_REASON)})
    if enterprise.standing is standing:
        raise Conflict(_l("Somebody has decided this already: look at the page again."))
    if seen is not None and seen != (enterprise.standing.value, enterprise.licence):
        raise Conflict(
            _l("Somebody has decided on it meanwhile, or it has changed its licence number: look at the page again.")
        )
    if standing is Standing.APPROVED and not enterprise.licence:
        raise Conflict(_l("The enterprise has not given its unified social credit code yet: ask it to do so first."))
    before, at = enterprise.standing, now()
    enterprise.standing, enterprise.reason, enterprise.decided_at = standing, reason, at
    vetting = Vetting(
        organisation_id=enterprise.id,
        standing=standing,
        reason=reason,
        licence=enterprise.licence,
        user_id=actor.user_id,
        at=at,
    )
    db.session.add(vetting)
    try:
        db.session.flush()
    except IntegrityError:  # while it was refused, another one has come with its licence
        raise Conflict(_LICENCE_TAKEN) from None
    for follow in _after_vetting:
        follow(enterprise, vetting)
    audit.record(
        actor, Action.DECIDE_ORGANISATION, enterprise, before=before.value, after=standing.value, reason=reason
    )
    return enterprise


@command(Action.INVITE_PERSON)
def invite(actor: Actor, email: str, name: str, role: Role, organisation_id: int | None) -> str:
    """Invite a person, or give one who has an account a new password; the token in the link is said only once.

    An administrator invites anybody; a university its own students and colleagues.
    """
    problems = Problems()
    address = _checked_email(email, problems)
    _check_text("name", name, problems)
    organisation = db.session.get(Organisation, organisation_id) if organisation_id else None
    expected = Role.UNIVERSITY if role is Role.STUDENT else role
    if role in ORGANISED and (organisation is None or organisation.kind is not expected):
        problems.add("organisation", _l("Choose an organisation that fits the role."))
    if role not in ORGANISED and role is not Role.ADMINISTRATOR:
        problems.add("role", _l("Choose a role."))
    if actor.role is Role.UNIVERSITY and (
        role not in (Role.STUDENT, Role.UNIVERSITY) or organisation_id != actor.organisation_id
    ):
        raise Forbidden(_l("A university invites its own students and colleagues only."))
    existing = db.session.scalar(select(User).where(User.email == address))
    if existing and (existing.role is not role or existing.organisation_id != organisation_id):
        problems.add("email", _ACCOUNT_DIFFERS)
    problems.check()
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        digest=_digest(token),
        email=address,
        name=name.strip(),
        role=role,
        organisation_id=organisation_id if role in ORGANISED else None,
        invited_by=actor.user_id,
        created_at=now(),
        expires_at=now() + INVITATION_LASTS,
    )
    db.session.add(invitation)
    db.session.flush()
    audit.record(actor, Action.INVITE_PERSON, invitation, role=role.value, organisation=organisation_id)
    return token


@command(Action.ACCEPT_INVITATION)
def accept_invitation(actor: Actor, token: str, name: str, password: str) -> User:
    """Open the account that an invitation promises, or set a new password; a link works once.

    A student is called as the university has written: transcripts and credentials bear that name.
    """
    problems = Problems()
    invitation = open_invitation(token)
    name = invitation.name if invitation.role is Role.STUDENT else name
    _check_text("name", name, problems)
    _check_password("password", password, invitation.email, problems)
    problems.check()
    taken = changed_rows(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.accepted_at.is_(None))
        .values(accepted_at=now())
    )
    if taken != 1:
        raise NotFound(_l("This invitation was used already. Ask for a new one."))
    user = db.session.scalar(select(User).where(User.email == invitation.email))
    if user is None:
        user = _new_user(invitation.email, name, invitation.role, invitation.organisation_id, password)
    elif (user.role, user.organisation_id) != (invitation.role, invitation.organisation_id):
        raise Conflict(_ACCOUNT_DIFFERS)  # opened since by another way: whoever invited has no say over it
    else:
        user.name, user.password_hash = name.strip(), passwords.hashed(password)
        user.session_version += 1
    # Who is in needs no other link that is still about: none of them may set the password again.
    others = update(Invitation).where(Invitation.email == invitation.email, Invitation.accepted_at.is_(None))
    db.session.execute(others.values(expires_at=now()))
    audit.record(actor, Action.ACCEPT_INVITATION, invitation, user=user.id)
    return user


def open_invitation(token: str) -> Invitation:
    """The invitation that this token opens. Raises NotFound if it was used, is too old, or never was."""
    invitation = db.session.scalar(select(Invitation).where(Invitation.digest == _digest(token)))
    if invitation is None or invitation.accepted_at is not None or invitation.expires_at <= now():
        raise NotFound(_l("This invitation is not valid, was used, or is too old. Ask for a new one."))
    return invitation


@command(Action.CHANGE_ACCOUNT)
def change_password(actor: Actor, current: str, new: str) -> User:
    """Change one's own password; every other session of the account ends."""
    user = db.session.get_one(User, actor.user_id)
    problems = Problems()
    if not passwords.matches(user.password_hash, current):
        problems.add("current", _l("This is not your current password."))
    _check_password("new", new, user.email, problems)
    problems.check()
    user.password_hash = passwords.hashed(new)
    user.session_version += 1
    audit.record(actor, Action.CHANGE_ACCOUNT, user, changed="password")
    return user


@command(Action.CHANGE_ACCOUNT)
def keep_locale(actor: Actor, locale: str) -> None:
    """Remember the language that a person chose."""
    user = db.session.get_one(User, actor.user_id)
    user.locale = locale
    audit.record(actor, Action.CHANGE_ACCOUNT, user, changed="locale")


@command(Action.SUSPEND_PERSON)
def suspend(actor: Actor, user_id: int, active: bool) -> User:
    """Close or reopen a person's account; a closed one's sessions end. Nobody closes their own."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound(_l("There is no such person."))
    if user.id == actor.user_id:
        raise Invalid(_l("Nobody can close their own account: ask another administrator."))
    user.active = active
    user.session_version += 1
    audit.record(actor, Action.SUSPEND_PERSON, user, active=active)
    return user


def _enterprise(organisation_id: int | None) -> Organisation:
    found = db.session.get(Organisation, organisation_id or 0, with_for_update=True)
    if found is None or found.kind is not Role.ENTERPRISE:
        raise NotFound(_l("There is no such enterprise."))
    return found


def _new_organisation(
    kind: Role, names: tuple[str, str], standing: Standing, contact: str = "", licence: str = ""
) -> Organisation:
    decided = None if standing is Standing.PENDING else now()
    organisation = Organisation(
        kind=kind,
        name_zh=names[0],
        name_en=names[1],
        standing=standing,
        contact=contact,
        licence=licence,
        created_at=now(),
        decided_at=decided,
    )
    db.session.add(organisation)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Invalid(errors=_taken(error)) from None
    return organisation


def _taken(error: IntegrityError) -> dict[str, object]:
    """Which of an organisation's values another one has, by the constraint's name (PostgreSQL) or column (SQLite)."""
    licence = any(name in str(error.orig) for name in ("uq_organisation_licence", "organisation.licence"))
    return {"licence": _LICENCE_TAKEN} if licence else {"name_zh": _NAME_TAKEN}


def _new_user(email: str, name: str, role: Role, organisation_id: int | None, password: str) -> User:
    user = User(
        email=email,
        name=name.strip(),
        role=role,
        organisation_id=organisation_id,
        password_hash=passwords.hashed(password),
        created_at=now(),
    )
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:
        raise Invalid(errors={"email": _ADDRESS_TAKEN}) from None
    return user


_ACCOUNT_DIFFERS = _l("This address has an account with another role or organisation.")
_NAME_TAKEN = _l("An organisation of this name is in the bank already.")
_LICENCE_TAKEN = _l(
    "Another enterprise in the bank has this unified social credit code: ask the chamber if that can't be right."
)
_ADDRESS_TAKEN = _l("This address has an account already: sign in, or use another one.")


def _check_new_person(email: str, name: str, password: str, problems: Problems) -> None:
    _check_text("person", name, problems)
    _check_password("password", password, email, problems)
    if email and db.session.scalar(select(User.id).where(User.email == email)):
        problems.add("email", _ADDRESS_TAKEN)


def _checked_names(name_zh: str, name_en: str, problems: Problems) -> tuple[str, str]:
    _check_text("name_zh", name_zh, problems)
    _check_text("name_en", name_en, problems, required=False)
    name = name_zh.strip()
    taken = select(Organisation.id).where(func.lower(Organisation.name_zh) == name.lower())
    if name and db.session.scalar(taken):
        problems.add("name_zh", _NAME_TAKEN)
    return name, name_en.strip()


def _checked_licence(text: str, problems: Problems) -> str:
    licence = normal_licence(text)
    check_licence(licence, problems)
    taken = select(Organisation.id).where(Organisation.licence == licence, Organisation.standing != Standing.REFUSED)
    if licence and db.session.scalar(taken):
        problems.add("licence", _LICENCE_TAKEN)
    return licence


def _check_contact(text: str, problems: Problems) -> None:
    _check_text("contact", text, problems)
    if len(text) <= LONGEST_NAME:
        check_contact(text, problems)


def _checked_email(text: str, problems: Problems) -> str:
    try:
        return normal_email(
            validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
        )
    except EmailNotValidError:
        problems.add("email", _l("Give an e-mail address such as name@company.cn."))
        return ""


def _check_text(field: str, text: str, problems: Problems, *, required: bool = True) -> None:
    if required and not text.strip():
        problems.add(field, _l("This field is needed: fill it in."))
    if len(text) > LONGEST_NAME:
        problems.add(field, _l("Use at most %(most)s characters.", most=LONGEST_NAME))


def _check_password(field: str, password: str, email: str, problems: Problems) -> None:
    if len(password) < passwords.SHORTEST:
        problems.add(field, _l("Use at least %(least)s characters.", least=passwords.SHORTEST))
    if len(password) > passwords.LONGEST:
        problems.add(field, _l("Use at most %(most)s characters.", most=passwords.LONGEST))
    simple = len(set(password)) < passwords.SHORTEST // 2
    own = email.partition("@")[0]
    if simple or (len(own) >= SHORTEST_GUESSABLE and own in password.lower()):
        problems.add(field, _l("That is too easy to guess: avoid repetition and your own address."))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
