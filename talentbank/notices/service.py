"""Telling people: within the transaction that does what it speaks of. And marking what they have read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert, update

from talentbank import audit
from talentbank.audit import command
from talentbank.extensions import changed_rows, db, now
from talentbank.notices import queries
from talentbank.notices.models import Notice
from talentbank.permissions import Action, Actor


def tell(user_ids: Iterable[int], kind: str, key: str, **data: Any) -> int:
    """Tell each person once; how many are told now. kind and data make the sentence in notices.wording.

    Not a command of its own: whoever calls it is within a transaction, which records what happened.
    """
    return tell_each(kind, [(user_id, key, data) for user_id in sorted(set(user_ids))])


def tell_each(kind: str, words: Sequence[tuple[int, str, dict[str, Any]]]) -> int:
    """Tell each person (user id) something of its own, with its key and data, as `tell` does."""
    told = queries.told(kind, {key for _, key, _ in words})
    rows = [
        {"user_id": user_id, "kind": kind, "key": key, "data": data, "at": now()}
        for user_id, key, data in words
        if (user_id, key) not in told
    ]
    if rows:
        db.session.execute(insert(Notice), rows)
    return len(rows)


@command(Action.MARK_NOTICES)
def read(actor: Actor, notice_id: int) -> Notice:
    """Mark one's own notice as read; the first time counts. Raises NotFound."""
    found = queries.notice(actor, notice_id)
    found.read_at = found.read_at or now()
    audit.record(actor, Action.MARK_NOTICES, found)
    return found


@command(Action.MARK_NOTICES)
def read_all(actor: Actor) -> int:
    """Mark all of one's notices as read; how many were not."""
    unread = update(Notice).where(Notice.user_id == actor.user_id, Notice.read_at.is_(None)).values(read_at=now())
    read = changed_rows(unread)
    audit.record(actor, Action.MARK_NOTICES, "notices", read=read)
    return read
