"""Who may do what: the one table of actions.

An action is named `scope:resource:verb`. The scope says how far it reaches: `public` anybody, `own` what
belongs to the person, `member` what belongs to the person's organisation, `bank` the whole bank. The table
says which roles may ask; which rows they then see is in each domain's queries, where another's id is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from talentbank.errors import Forbidden
from talentbank.extensions import lazy_gettext as _l


class Role(StrEnum):
    """What somebody is to the bank. A stranger has not signed in; the system is a command of cli.py."""

    STUDENT = "student"
    ENTERPRISE = "enterprise"
    UNIVERSITY = "university"
    CHAMBER = "chamber"
    ZONE = "zone"
    GOVERNMENT = "government"
    ADMINISTRATOR = "administrator"
    STRANGER = "stranger"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: the argument that every service takes."""

    role: Role
    user_id: int | None = None
    organisation_id: int | None = None
    name: str = ""


STRANGER = Actor(Role.STRANGER)
SYSTEM = Actor(Role.SYSTEM, name="system")


class Action(StrEnum):
    """Everything that can be asked of the bank."""

    READ_FRONT = "public:front:read"
    CHOOSE_LANGUAGE = "public:language:choose"
    SIGN_IN = "public:session:start"
    REGISTER_ENTERPRISE = "public:enterprise:register"
    ACCEPT_INVITATION = "public:invitation:accept"
    SIGN_OUT = "own:session:end"
    READ_HOME = "own:home:read"
    CHANGE_ACCOUNT = "own:account:change"

    READ_ORGANISATIONS = "bank:organisation:read"
    ADD_ORGANISATION = "bank:organisation:add"
    DECIDE_ORGANISATION = "bank:organisation:decide"
    READ_PEOPLE = "bank:person:read"
    SUSPEND_PERSON = "bank:person:suspend"
    INVITE_PERSON = "member:person:invite"
    READ_AUDIT = "bank:audit:read"
    CHANGE_ORGANISATION = "member:organisation:change"

    READ_NOTICES = "own:notice:read"
    MARK_NOTICES = "own:notice:mark"
    SEND_MAIL = "bank:mail:send"
    READ_MESSAGES = "member:message:read"
    WRITE_MESSAGE = "member:message:write"

    READ_CATALOGUE = "bank:competency:read"
    CHANGE_PROFILE = "own:profile:change"
    READ_STUDENTS = "member:student:read"

    READ_POSITIONS = "bank:position:read"
    DEPOSIT_POSITION = "member:position:deposit"
    CHANGE_POSITION = "member:position:change"
    CLOSE_POSITION = "member:position:close"
    FLAG_POSITION = "bank:position:flag"
    READ_FLAGS = "bank:flag:read"
    DECIDE_FLAG = "bank:flag:decide"

    READ_ROUNDS = "bank:round:read"
    MAKE_ROUND = "bank:round:make"
    RUN_ROUND = "bank:round:run"
    PUBLISH_ROUND = "bank:round:publish"
    CANCEL_ROUND = "bank:round:cancel"
    OPEN_ROUND = "bank:round:open"
    FREEZE_ROUND = "bank:round:freeze"
    CLOSE_ROUND = "bank:round:close"
    KEEP_TIME = "bank:clock:keep"
    READ_OWN_ROUNDS = "member:round:read"
    RANK_POSITIONS = "own:preference:rank"
    READ_CANDIDATES = "member:candidate:read"
    SHORTLIST_CANDIDATES = "member:candidate:shortlist"
    SET_HINT = "bank:hint:set"
    SET_QUOTA = "bank:quota:set"
    PERFORM_RUN = "bank:run:perform"
    SHOW_DRAFT = "bank:draft:show"
    READ_DRAFT = "member:draft:read"
    COMMENT_DRAFT = "member:draft:comment"
    READ_OFFERS = "member:offer:read"
    ANSWER_OFFER = "own:offer:answer"
    MAKE_APPEAL = "own:appeal:make"
    READ_APPEALS = "member:appeal:read"
    ANSWER_APPEAL = "bank:appeal:answer"
    START_PLACEMENT = "member:placement:start"
    READ_PLACEMENTS = "member:placement:read"
    CHECK_IN = "member:placement:check"
    END_PLACEMENT = "member:placement:end"
    CONFIRM_PLACEMENT = "own:placement:confirm"
    READ_DESTINATIONS = "member:destination:read"
    RECORD_DESTINATION = "member:destination:record"

    READ_RESOURCES = "bank:resource:read"
    DEPOSIT_RESOURCE = "member:resource:deposit"
    CHANGE_RESOURCE = "member:resource:change"
    FUND_RESOURCE = "member:resource:fund"
    WITHDRAW_RESOURCE = "member:resource:withdraw"

    READ_ENROLMENTS = "member:enrolment:read"
    ASK_ENROLMENT = "own:enrolment:ask"
    DECIDE_ENROLMENT = "member:enrolment:decide"
    SIGN_AGREEMENT = "member:agreement:sign"
    KEEP_LOG = "own:log:keep"
    READ_LOGS = "member:log:read"
    VERIFY_LOG = "member:log:verify"
    CONFIRM_LOG = "member:log:confirm"
    REVERSE_LOG = "member:log:reverse"
    CHASE_LOGS = "bank:log:chase"
    READ_OVERDUE = "bank:overdue:read"
    WRITE_STATEMENT = "member:statement:write"
    COUNTERSIGN_STATEMENT = "own:statement:countersign"
    SET_RULES = "member:rules:set"

    READ_CREDITS = "member:credit:read"
    WITHDRAW_CREDITS = "own:credit:withdraw"
    EXPORT_CREDITS = "member:credit:export"
    ISSUE_TRANSCRIPT = "own:transcript:issue"
    ISSUE_CREDENTIAL = "own:credential:issue"
    CHECK_CREDENTIAL = "public:credential:read"
    READ_LEDGER = "bank:ledger:read"

    READ_GAP = "bank:gap:read"
    READ_MARKET = "bank:market:read"
    READ_COHORTS = "member:cohort:read"
    LOAD_SEEDS = "bank:seeds:load"
    KEEP_DEMO = "bank:demo:keep"


_HOSTS = frozenset({Role.ENTERPRISE, Role.ZONE, Role.UNIVERSITY})
"""Who deposits training resources and looks after those on them."""
_PEOPLE = frozenset(Role) - {Role.STRANGER, Role.SYSTEM}
_ANYBODY = _PEOPLE | {Role.STRANGER}

GRANTS: dict[Action, frozenset[Role]] = {
    Action.READ_FRONT: _ANYBODY,
    Action.CHOOSE_LANGUAGE: _ANYBODY,
    Action.SIGN_IN: _ANYBODY,
    Action.REGISTER_ENTERPRISE: _ANYBODY,
    Action.ACCEPT_INVITATION: _ANYBODY,
    Action.SIGN_OUT: _PEOPLE,
    Action.READ_HOME: _PEOPLE,
    Action.CHANGE_ACCOUNT: _PEOPLE,
    Action.READ_ORGANISATIONS: frozenset({Role.CHAMBER, Role.ADMINISTRATOR, Role.ZONE, Role.GOVERNMENT}),
    Action.ADD_ORGANISATION: frozenset({Role.ADMINISTRATOR, Role.SYSTEM}),
    Action.DECIDE_ORGANISATION: frozenset({Role.CHAMBER}),
    Action.READ_PEOPLE: frozenset({Role.ADMINISTRATOR}),
    Action.SUSPEND_PERSON: frozenset({Role.ADMINISTRATOR}),
    Action.INVITE_PERSON: frozenset({Role.ADMINISTRATOR, Role.UNIVERSITY, Role.SYSTEM}),
    Action.READ_AUDIT: frozenset({Role.ADMINISTRATOR}),
    Action.CHANGE_ORGANISATION: frozenset({Role.ENTERPRISE}),
    Action.READ_NOTICES: _PEOPLE,
    Action.MARK_NOTICES: _PEOPLE,
    Action.SEND_MAIL: frozenset({Role.SYSTEM}),
    Action.READ_MESSAGES: frozenset({Role.STUDENT, Role.ENTERPRISE}),
    Action.WRITE_MESSAGE: frozenset({Role.STUDENT, Role.ENTERPRISE}),
    Action.READ_CATALOGUE: _PEOPLE,
    Action.CHANGE_PROFILE: frozenset({Role.STUDENT}),
    Action.READ_STUDENTS: frozenset({Role.UNIVERSITY, Role.CHAMBER}),
    Action.READ_POSITIONS: _PEOPLE,
    Action.DEPOSIT_POSITION: frozenset({Role.ENTERPRISE}),
    Action.CHANGE_POSITION: frozenset({Role.ENTERPRISE}),
    Action.CLOSE_POSITION: frozenset({Role.ENTERPRISE}),
    Action.FLAG_POSITION: _PEOPLE,
    Action.READ_FLAGS: frozenset({Role.CHAMBER}),
    Action.DECIDE_FLAG: frozenset({Role.CHAMBER}),
    Action.READ_ROUNDS: frozenset({Role.CHAMBER}),
    Action.MAKE_ROUND: frozenset({Role.CHAMBER}),
    Action.RUN_ROUND: frozenset({Role.CHAMBER}),
    Action.PUBLISH_ROUND: frozenset({Role.CHAMBER}),
    Action.CANCEL_ROUND: frozenset({Role.CHAMBER}),
    Action.OPEN_ROUND: frozenset({Role.CHAMBER}),
    Action.FREEZE_ROUND: frozenset({Role.CHAMBER, Role.SYSTEM}),
    Action.CLOSE_ROUND: frozenset({Role.CHAMBER, Role.SYSTEM}),
    Action.KEEP_TIME: frozenset({Role.SYSTEM}),
    Action.READ_OWN_ROUNDS: frozenset({Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY}),
    Action.RANK_POSITIONS: frozenset({Role.STUDENT}),
    Action.READ_CANDIDATES: frozenset({Role.ENTERPRISE}),
    Action.SHORTLIST_CANDIDATES: frozenset({Role.ENTERPRISE}),
    Action.SET_HINT: frozenset({Role.CHAMBER}),
    Action.SET_QUOTA: frozenset({Role.CHAMBER}),
    Action.PERFORM_RUN: frozenset({Role.SYSTEM}),
    Action.SHOW_DRAFT: frozenset({Role.CHAMBER}),
    Action.READ_DRAFT: frozenset({Role.ENTERPRISE, Role.UNIVERSITY}),
    Action.COMMENT_DRAFT: frozenset({Role.ENTERPRISE, Role.UNIVERSITY}),
    Action.READ_OFFERS: frozenset({Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY, Role.CHAMBER}),
    Action.ANSWER_OFFER: frozenset({Role.STUDENT}),
    Action.MAKE_APPEAL: frozenset({Role.STUDENT, Role.ENTERPRISE}),
    Action.READ_APPEALS: frozenset({Role.STUDENT, Role.ENTERPRISE, Role.CHAMBER}),
    Action.ANSWER_APPEAL: frozenset({Role.CHAMBER}),
    Action.START_PLACEMENT: frozenset({Role.ENTERPRISE}),
    Action.READ_PLACEMENTS: frozenset({Role.STUDENT, Role.ENTERPRISE, Role.UNIVERSITY, Role.CHAMBER}),
    Action.CHECK_IN: frozenset({Role.STUDENT, Role.ENTERPRISE}),
    Action.END_PLACEMENT: frozenset({Role.STUDENT, Role.ENTERPRISE}),
    Action.CONFIRM_PLACEMENT: frozenset({Role.STUDENT}),
    Action.READ_DESTINATIONS: frozenset({Role.STUDENT, Role.UNIVERSITY}),
    Action.RECORD_DESTINATION: frozenset({Role.STUDENT, Role.UNIVERSITY}),
    Action.READ_RESOURCES: _PEOPLE,
    Action.DEPOSIT_RESOURCE: _HOSTS,
    Action.CHANGE_RESOURCE: _HOSTS,
    Action.FUND_RESOURCE: _HOSTS,
    Action.WITHDRAW_RESOURCE: _HOSTS,
    Action.READ_ENROLMENTS: _HOSTS | {Role.STUDENT, Role.CHAMBER},
    Action.ASK_ENROLMENT: frozenset({Role.STUDENT}),
    Action.DECIDE_ENROLMENT: _HOSTS,
    Action.SIGN_AGREEMENT: _HOSTS | {Role.STUDENT},
    Action.KEEP_LOG: frozenset({Role.STUDENT}),
    Action.READ_LOGS: _HOSTS | {Role.STUDENT, Role.CHAMBER},
    Action.VERIFY_LOG: _HOSTS,
    Action.CONFIRM_LOG: frozenset({Role.UNIVERSITY}),
    Action.REVERSE_LOG: _HOSTS,
    Action.CHASE_LOGS: frozenset({Role.SYSTEM}),
    Action.READ_OVERDUE: frozenset({Role.CHAMBER}),
    Action.WRITE_STATEMENT: _HOSTS,
    Action.COUNTERSIGN_STATEMENT: frozenset({Role.STUDENT}),
    Action.SET_RULES: frozenset({Role.UNIVERSITY}),
    Action.READ_CREDITS: _HOSTS | {Role.STUDENT, Role.CHAMBER, Role.ADMINISTRATOR},
    Action.WITHDRAW_CREDITS: frozenset({Role.STUDENT}),
    Action.EXPORT_CREDITS: frozenset({Role.UNIVERSITY}),
    Action.ISSUE_TRANSCRIPT: frozenset({Role.STUDENT}),
    Action.ISSUE_CREDENTIAL: frozenset({Role.STUDENT}),
    Action.CHECK_CREDENTIAL: _ANYBODY,
    Action.READ_LEDGER: frozenset({Role.CHAMBER, Role.ADMINISTRATOR}),
    Action.READ_GAP: frozenset({Role.ZONE, Role.GOVERNMENT, Role.CHAMBER, Role.ADMINISTRATOR}),
    Action.READ_MARKET: frozenset({Role.CHAMBER, Role.ZONE, Role.GOVERNMENT, Role.ADMINISTRATOR}),
    Action.READ_COHORTS: frozenset({Role.UNIVERSITY}),
    Action.LOAD_SEEDS: frozenset({Role.SYSTEM}),
    Action.KEEP_DEMO: frozenset({Role.SYSTEM}),
}


def allowed(actor: Actor, action: Action) -> bool:
    """Whether this actor's role may ask for this action at all."""
    return actor.role in GRANTS[action]


def require(actor: Actor, action: Action) -> None:
    """Raise Forbidden unless the actor's role may ask for this action."""
    if not allowed(actor, action):
        raise Forbidden(_l("Your role may not do this. Sign in with an account that may, or go back."))
