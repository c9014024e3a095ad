"""The bank on PostgreSQL: every race of practice, reports, destinations, and the ledger's guards."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType

import pytest
from flask import Flask

from tests.credentials import test_withdrawal_races as withdrawals
from tests.deposits import test_flags as flags
from tests.ledger import test_service as booking
from tests.placements import test_destinations as destinations
from tests.practice import test_enrolment_races as enrolments
from tests.practice import test_log_races as logs
from tests.practice import test_verification_races as verification

Race = Callable[[Flask], None]


def races(module: ModuleType) -> list[Race]:
    """The module's tests that ask for nothing but the app."""
    tests = [function for name, function in vars(module).items() if name.startswith("test_")]
    return [test for test in tests if list(inspect.signature(test).parameters) == ["app"]]


RACES = [
    race for module in (enrolments, logs, verification, withdrawals, flags, destinations) for race in races(module)
]


def test_there_are_races_to_run() -> None:
    assert len(RACES) > 25


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__.removeprefix("test_"))
def test_every_race_ends_as_on_the_embedded_database(app: Flask, race: Race) -> None:
    race(app)


@pytest.mark.parametrize("race", [booking.many_pay_at_once, booking.first_two_book_at_once])
def test_the_chain_stays_whole(app: Flask, race: Race) -> None:
    race(app)


@pytest.mark.parametrize("statement", booking.FORBIDDEN)
def test_the_database_itself_refuses_what_would_change_the_past(app: Flask, statement: str) -> None:
    with app.app_context():
        booking.refuses(statement)


@pytest.mark.parametrize("statement", booking.TRUNCATING)
def test_the_database_itself_refuses_to_empty_a_table(app: Flask, statement: str) -> None:
    with app.app_context():
        booking.refuses(statement, "append-only")
