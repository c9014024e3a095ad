"""Who did what, when: append-only. The database itself refuses to change an entry (see the migrations)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Mapped, mapped_column

from talentbank import permissions
from talentbank.extensions import Model, db, now, transaction
from talentbank.permissions import Action, Actor, Role

P = ParamSpec("P")
T = TypeVar("T")


class AuditEntry(Model):
    """One thing that somebody did. Names and ids stand as they were: an entry outlives what it speaks of."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)
    actor_name: Mapped[str]
    role: Mapped[Role]
    action: Mapped[Action] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]


def record(actor: Actor, action: Action, subject: object, **detail: Any) -> None:
    """Write into the trail, within the transaction that does what it says.

    subject: a model with an id («position:12») or a word; detail: JSON values, never a password or a token.
    """
    name = subject if isinstance(subject, str) else f"{type(subject).__name__.lower()}:{subject.id}"  # type: ignore[attr-defined]
    db.session.add(
        AuditEntry(
            at=now(),
            actor_id=actor.user_id,
            actor_name=actor.name,
            role=actor.role,
            action=action,
            subject=name,
            detail=detail,
        )
    )
    db.session.info["recorded"] = True


def command(
    action: Action,
) -> Callable[[Callable[Concatenate[Actor, P], T]], Callable[Concatenate[Actor, P], T]]:
    """Make a service function one transaction: permission asked, change made, trail written, committed.

    A function that changes something and records nothing is a mistake in the code, and is undone.
    """

    def decorate(function: Callable[Concatenate[Actor, P], T]) -> Callable[Concatenate[Actor, P], T]:
        @functools.wraps(function)
        def perform(actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> T:
            permissions.require(actor, action)
            with transaction():
                db.session.info["recorded"] = False
                result = function(actor, *args, **kwargs)
                if not db.session.info["recorded"]:
                    raise AssertionError(f"{function.__qualname__} recorded nothing in the audit trail")
            return result

        return perform

    return decorate
