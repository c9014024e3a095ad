"""What the audit trail calls each action."""

from __future__ import annotations

from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action

ACTION_LABELS = {
    Action.READ_FRONT: _l("looked at the front page"),
    Action.CHOOSE_LANGUAGE: _l("chose a language"),
    Action.SIGN_IN: _l("signed in, or tried to"),
    Action.REGISTER_ENTERPRISE: _l("registered an enterprise"),
    Action.ACCEPT_INVITATION: _l("opened an account"),
    Action.SIGN_OUT: _l("signed out"),
    Action.READ_HOME: _l("looked at their home page"),
    Action.CHANGE_ACCOUNT: _l("changed their account"),
    Action.READ_ORGANISATIONS: _l("looked at organisations"),
    Action.ADD_ORGANISATION: _l("added an organisation"),
    Action.DECIDE_ORGANISATION: _l("decided about an enterprise"),
    Action.READ_PEOPLE: _l("looked at people"),
    Action.SUSPEND_PERSON: _l("closed or reopened an account"),
    Action.INVITE_PERSON: _l("invited a person"),
    Action.READ_AUDIT: _l("looked at the audit trail"),
    Action.READ_CATALOGUE: _l("looked at the catalogue"),
    Action.CHANGE_PROFILE: _l("changed their profile"),
    Action.READ_STUDENTS: _l("looked at students"),
    Action.READ_POSITIONS: _l("looked at positions"),
    Action.DEPOSIT_POSITION: _l("deposited a position"),
    Action.CHANGE_POSITION: _l("changed a position"),
    Action.CLOSE_POSITION: _l("closed or reopened a position"),
    Action.READ_ROUNDS: _l("looked at rounds"),
    Action.MAKE_ROUND: _l("made a round or changed its policy"),
    Action.RUN_ROUND: _l("ran a round"),
    Action.PUBLISH_ROUND: _l("published a round"),
    Action.CANCEL_ROUND: _l("cancelled a round"),
    Action.READ_OFFERS: _l("looked at offers"),
    Action.ANSWER_OFFER: _l("answered an offer"),
    Action.START_PLACEMENT: _l("recorded a first day"),
    Action.READ_GAP: _l("looked at the talent gap"),
    Action.LOAD_SEEDS: _l("loaded the catalogue"),
    Action.KEEP_DEMO: _l("built or removed the demo bank"),
}
