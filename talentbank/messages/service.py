"""Writing in threads about positions, and marking what was read. A message is never changed or taken back."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from sqlalchemy import update

from talentbank import audit
from talentbank.audit import command
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.messages import queries
from talentbank.messages.models import Message
from talentbank.notices import service as notices
from talentbank.notices.models import Notice
from talentbank.permissions import Action, Actor, Role

LONGEST = 2000
"""Characters of a message."""

HOUR = timedelta(hours=1)
MOST_AN_HOUR = 20
"""Messages of one person within an hour."""

TWICE = timedelta(minutes=1)
"""Within how long the same words in the same thread are one message that was sent twice."""


@command(Action.WRITE_MESSAGE)
def write(actor: Actor, position_id: int, student_id: int, words: str) -> Message:
    """Write to the other side about a position; it is told.

    A student begins: an enterprise answers, and writes first only to who holds an offer of the position and is named
    to it. Enterprises know the students of a blind round by number; a student who writes shows the enterprise its
    name and university in this thread, as the page says before anything is sent: to write is to consent (PIPL,
    articles 13 and 14).

    Raises NotFound for a thread that is not the actor's, Invalid for no words, too many or ones that can't be shown,
    Conflict where the position is blocked, the enterprise refused or not free to write, and beyond MOST_AN_HOUR.
    """
    found = queries.thread(actor, position_id, student_id)
    text = _checked(words)
    hindrance = queries.why_not(actor, found)
    if hindrance is not None:
        raise Conflict(hindrance)
    if actor.user_id is None or queries.written_since(actor.user_id, HOUR) >= MOST_AN_HOUR:
        raise Conflict(_l("You have sent %(most)s messages within an hour: go on later.", most=MOST_AN_HOUR))
    if queries.just_said(actor.user_id, position_id, student_id, text, TWICE):
        raise Conflict(_l("You have just sent the same words: they arrived."))
    from_student = actor.role is Role.STUDENT
    message = Message(
        position_id=position_id,
        student_id=student_id,
        author_id=actor.user_id,
        from_student=from_student,
        words=text,
        at=now(),
    )
    db.session.add(message)
    db.session.flush()
    about = {"position": position_id, "student": student_id, "title": found.position.title}
    notices.tell(queries.told(found, student=not from_student), "message", f"message:{message.id}", **about)
    audit.record(actor, Action.WRITE_MESSAGE, message, position=position_id, student=student_id)
    return message


@command(Action.MARK_NOTICES)
def mark_read(actor: Actor, position_id: int, student_id: int) -> list[int]:
    """Mark the other side's messages of a thread as read, and the actor's notices of them; the ids of the messages.

    The first of an enterprise's people who reads counts. Raises NotFound.
    """
    queries.thread(actor, position_id, student_id)
    ids = queries.unread_in(actor, position_id, student_id)
    db.session.execute(update(Message).where(Message.id.in_(ids), Message.read_at.is_(None)).values(read_at=now()))
    of_these = update(Notice).where(
        Notice.user_id == actor.user_id,
        Notice.kind == "message",
        Notice.key.in_([f"message:{message_id}" for message_id in ids]),
        Notice.read_at.is_(None),
    )
    db.session.execute(of_these.values(read_at=now()))
    audit.record(actor, Action.MARK_NOTICES, "messages", position=position_id, student=student_id, read=len(ids))
    return ids


def _checked(words: str) -> str:
    """A message's words as they are stored: lines end with \\n, nothing blank around them."""
    text = words.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise Invalid(errors={"words": _l("Write your message.")})
    if len(text) > LONGEST:
        raise Invalid(errors={"words": _l("Write at most %(most)s characters.", most=LONGEST)})
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text):
        raise Invalid(
            errors={"words": _l("This holds a character that can't be stored: take it out and send it again.")}
        )
    return text
