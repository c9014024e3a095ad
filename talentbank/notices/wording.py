"""What a notice says, in the language of who reads it, and where it leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import format_datetime

from talentbank.extensions import SHANGHAI
from talentbank.extensions import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Wording:
    """Two sentences with %(…)s for a notice's data, and where it leads to; values: which data that address takes."""

    title: object
    text: object
    endpoint: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """A notice as its reader finds it; endpoint is "" if it leads nowhere."""

    title: str
    text: str
    endpoint: str
    values: dict[str, Any]


_ROUND = {"round_id": "round"}
_OFFER = {"offer_id": "offer"}
_APPEAL = {"appeal_id": "appeal"}

WORDINGS: dict[str, Wording] = {
    "no_offer": Wording(
        _l("No offer in «%(name)s»"),
        _l("This round has no offer for you. See why, what would help most, and what comes next."),
        "offers.result",
        _ROUND,
    ),
    "offer": Wording(
        _l("You have an offer: %(title)s"),
        _l("Accept or decline it by %(deadline)s; after that it lapses."),
        "offers.offer",
        _OFFER,
    ),
    "deadline_near": Wording(
        _l("«%(name)s» closes soon"),
        _l("You can say what you prefer until %(closes_at)s."),
        "preferences.market",
        {},
    ),
    "offer_near": Wording(
        _l("Your offer lapses soon: %(title)s"),
        _l("It waits for your answer until %(deadline)s."),
        "offers.offer",
        _OFFER,
    ),
    "empty_round": Wording(
        _l("«%(name)s» could not be frozen"),
        _l("Its deadline has passed, but no student or no seat is left in it. Set a later deadline or cancel it."),
        "rounds.round_",
        _ROUND,
    ),
    "round_open": Wording(
        _l("«%(name)s» is open"),
        _l("You take part in this round. Say what you prefer by %(closes_at)s."),
        "preferences.market",
        {},
    ),
    "draft_shown": Wording(
        _l("A draft of «%(name)s» is shown to you"),
        _l("See what concerns you and comment on it by %(until)s. Nothing is decided yet."),
        "runs.draft",
        {"run_id": "run"},
    ),
    "appeal_made": Wording(
        _l("An appeal in «%(name)s» waits for an answer"),
        _l("You are the officer named for this round: read the appeal and answer it."),
        "appeals.appeal",
        _APPEAL,
    ),
    "appeal_answered": Wording(
        _l("Your appeal in «%(name)s» is answered"),
        _l("Read what the officer decided, and why."),
        "appeals.appeal",
        _APPEAL,
    ),
    "check_in_due": Wording(
        _l("A check-in is due: %(title)s"),
        _l("Day %(day)s after the start: say whether the work goes on, or why it ended."),
        "placements.placement",
        {"placement_id": "placement"},
    ),
    "placement_ended": Wording(
        _l("A placement has ended: %(title)s"),
        _l("The other side recorded %(day)s as its last day. If that is not so, say it at the next check-in."),
        "placements.placement",
        {"placement_id": "placement"},
    ),
    "message": Wording(
        _l("A new message about %(title)s"),
        _l("Read it and answer it in the bank."),
        "messages.thread",
        {"position_id": "position", "student_id": "student"},
    ),
    "position_blocked": Wording(
        _l("Your position is blocked: %(title)s"),
        _l("The chamber has upheld a report about it, so it is shown to nobody. Its page says why."),
        "deposits.position",
        {"position_id": "position"},
    ),
    "flag_made": Wording(
        _l("A position was reported: %(title)s"),
        _l("Look at it and decide: dismiss the report, or block the position."),
        "flags.flags",
        {},
    ),
    "flag_decided": Wording(
        _l("Your report is decided: %(title)s"),
        _l("The chamber's answer: %(answer)s"),
        "flags.make",
        {"position_id": "position"},
    ),
    "destination": Wording(
        _l("Your university has recorded where you went"),
        _l("Look whether it is right, and confirm or correct it."),
        "destinations.own",
        {},
    ),
    "vetting": Wording(
        _l("The chamber has looked at your enterprise: %(standing)s"),
        _l("The chamber's reason: %(reason)s"),
        "accounts.own_organisation",
        {},
    ),
}

_STANDINGS = {"approved": _l("approved"), "refused": _l("refused"), "pending": _l("waiting for a decision")}
_MOMENTS = ("deadline", "closes_at", "until")
_UNKNOWN = _l("A notice from the talent bank")


def said(kind: str, data: Mapping[str, Any]) -> Said:
    """A notice in the reader's language. One that can't be worded (an older or newer release's) still has a title."""
    wording = WORDINGS.get(kind)
    if wording is None:
        return Said(str(_UNKNOWN), "", "", {})
    try:
        shown = {name: _shown(name, value) for name, value in data.items()}
        text = "" if kind == "vetting" and not data.get("reason") else str(wording.text) % shown
        values = {name: data[key] for name, key in wording.values.items()}
        return Said(str(wording.title) % shown, text, wording.endpoint, values)
    except (KeyError, TypeError, ValueError):
        return Said(str(_UNKNOWN), "", "", {})


def _shown(name: str, value: Any) -> str:
    if name in _MOMENTS:
        at = datetime.fromisoformat(value)
        return str(format_datetime(at if at.tzinfo else at.replace(tzinfo=SHANGHAI), "yyyy-MM-dd HH:mm"))
    if name == "standing":
        return str(_STANDINGS.get(value, value))
    return str(value)
