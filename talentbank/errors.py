"""What a service says when it can't do what was asked: a sentence for the person, a status for the page."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  (a refusal is an answer, no error of ours)
    """Base of all refusals: nothing was stored. A lazy message is said in the reader's language."""

    status = 400

    def __init__(self, message: object, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class Invalid(Refusal):
    """A value can't be stored as it is; field names the form's field where there is one."""


class Forbidden(Refusal):
    """The role may not do this at all."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is not this actor's: the two can't be told apart."""

    status = 404


class Conflict(Refusal):
    """It was changed, answered or taken in the meantime."""

    status = 409
