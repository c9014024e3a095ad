"""What a service says when it can't do what was asked: a sentence for the person, a status for the page."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  (a refusal is an answer, no error of ours)
    """Base of all refusals: nothing was stored. A lazy message is said in the reader's language."""

    status = 400

    def __init__(self, message: object) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class Invalid(Refusal):
    """Values can't be stored as they are; errors holds a sentence a field where a form shows them."""

    def __init__(self, message: object = "", *, errors: dict[str, object] | None = None) -> None:
        super().__init__(message or " ".join(str(e) for e in (errors or {}).values()))
        self.errors = errors or {}


class Problems:
    """Collects what is wrong, field by field, so that a person hears it all at once."""

    def __init__(self) -> None:
        self.errors: dict[str, object] = {}

    def add(self, field: str, message: object) -> None:
        """Note the first thing wrong with a field."""
        self.errors.setdefault(field, message)

    def check(self) -> None:
        """Raise Invalid if anything was noted."""
        if self.errors:
            raise Invalid(errors=self.errors)


class Forbidden(Refusal):
    """The role may not do this at all."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is not this actor's: the two can't be told apart."""

    status = 404


class Conflict(Refusal):
    """It was changed, answered or taken in the meantime."""

    status = 409
