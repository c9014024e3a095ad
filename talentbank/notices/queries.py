"""Reads of notices: one's own, and those that wait to be sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from talentbank.accounts.models import User
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.notices.models import Notice
from talentbank.permissions import Actor

PER_PAGE = 25
MAIL_WITHIN = timedelta(days=7)
"""What could not be sent for so long is old news."""

NOBODYS = "@demo.example"
"""The demo's addresses end with this; nobody reads them."""


def unread(user_id: int) -> int:
    """How many notices somebody has not read."""
    query = select(func.count()).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    return db.session.scalar(query) or 0


def notices(actor: Actor, page: int) -> Pagination:
    """A page of one's notices: the unread first, then the newest."""
    query = (
        select(Notice)
        .where(Notice.user_id == actor.user_id)
        .order_by(Notice.read_at.is_not(None), Notice.at.desc(), Notice.id.desc())
    )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def notice(actor: Actor, notice_id: int) -> Notice:
    """One's own notice. Raises NotFound."""
    found = db.session.scalar(select(Notice).where(Notice.id == notice_id, Notice.user_id == actor.user_id))
    if found is None:
        raise NotFound(_l("There is no such notice, or it is not yours."))
    return found


def told(kind: str, keys: Collection[str]) -> set[tuple[int, str]]:
    """Who was told something of a kind about these matters already: (user id, key)."""
    rows = db.session.execute(select(Notice.user_id, Notice.key).where(Notice.kind == kind, Notice.key.in_(keys)))
    return {(user_id, key) for user_id, key in rows}


def to_mail(*, demo: bool) -> Sequence[Notice]:
    """Unsent and unread notices of people who can sign in, the oldest first; demo: also to the demo's addresses."""
    query = (
        select(Notice)
        .join(Notice.user)
        .where(
            Notice.mailed_at.is_(None),
            Notice.read_at.is_(None),
            Notice.at > now() - MAIL_WITHIN,
            User.active,
            User.password_hash.is_not(None),
        )
        .options(joinedload(Notice.user))
        .order_by(Notice.id)
    )
    if not demo:
        query = query.where(User.email.not_like(f"%{NOBODYS}"))
    return db.session.scalars(query).all()
