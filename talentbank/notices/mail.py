"""Notices by e-mail: each in its reader's language, at most once, and none lost to a mail server that is down."""

from __future__ import annotations

import smtplib
from typing import Any

import structlog
from flask import current_app
from flask_babel import force_locale
from flask_mailman import EmailMessage
from sqlalchemy import update

from talentbank import audit, permissions
from talentbank.audit import command
from talentbank.extensions import changed_rows, db, mail, now, transaction
from talentbank.extensions import gettext as _
from talentbank.notices import queries, wording
from talentbank.notices.models import Notice
from talentbank.permissions import Action, Actor

log = structlog.get_logger()


def send_due(actor: Actor) -> int:
    """Send what is not sent yet; how many went out. A mail server that fails leaves the rest for the next time.

    A notice is marked in a small transaction of its own before it is sent, and unmarked if it could not be: so two
    that send at once never send the same, and no lock is held while the mail server is spoken to.
    """
    permissions.require(actor, Action.SEND_MAIL)
    state = current_app.extensions["mailman"]
    due = queries.to_mail(demo=state.backend in ("console", "locmem"))
    if not due:
        return 0
    sent = 0
    try:
        with mail.get_connection() as connection:
            # All are written before the first is sent: each mark is a transaction, after which nothing is loaded.
            for notice_id, written in [(notice.id, message(notice, connection)) for notice in due]:
                sent += _send(notice_id, written)
    except OSError as error:  # smtplib's errors are such, too
        log.warning("mail server failed", error=type(error).__name__, sent=sent, waiting=len(due) - sent)
    if sent:
        _record(actor, sent)
    return sent


def _send(notice_id: int, written: EmailMessage) -> bool:
    """Whether it went out now. Raises OSError if the mail server failed: nothing more can be sent then."""
    if not _mark(notice_id):
        return False  # somebody else's by now
    try:
        written.send()
    except smtplib.SMTPRecipientsRefused as refused:
        # One address that is not taken does not keep the others waiting; for good if it is refused for good.
        if all(code < 500 for code, _text in refused.recipients.values()):
            _unmark(notice_id)
        log.warning("mail refused", notice=notice_id)
        return False
    except ValueError:
        log.warning("mail has no valid address", notice=notice_id)
        return False
    except BaseException:
        _unmark(notice_id)
        raise
    return True


def message(notice: Notice, connection: Any = None) -> EmailMessage:
    """A notice as an e-mail, in the language of whom it is for. What people wrote can't end the subject's line."""
    user = notice.user
    with force_locale(user.locale or "zh"):
        said = wording.said(notice.kind, notice.data)
        path = current_app.url_map.bind("").build("notices.open", {"notice_id": notice.id})
        body = "\n\n".join(
            part
            for part in (
                _("Dear %(name)s,", name=user.shown_name),
                said.title,
                said.text,
                _("More in the bank: %(link)s", link=current_app.config["BANK_URL"] + path),
                _("CBEC Talent Bank, Meishan Tianfu New Area"),
            )
            if part
        )
    return EmailMessage(" ".join(said.title.split()), body, to=[user.email], connection=connection)


def _mark(notice_id: int) -> bool:
    with transaction():
        free = update(Notice).where(Notice.id == notice_id, Notice.mailed_at.is_(None))
        return changed_rows(free.values(mailed_at=now()).execution_options(synchronize_session=False)) == 1


def _unmark(notice_id: int) -> None:
    with transaction():
        sent = update(Notice).where(Notice.id == notice_id)
        db.session.execute(sent.values(mailed_at=None).execution_options(synchronize_session=False))


@command(Action.SEND_MAIL)
def _record(actor: Actor, sent: int) -> None:
    audit.record(actor, Action.SEND_MAIL, "notices", sent=sent)
