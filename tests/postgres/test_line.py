"""Beyond one machine the bank stands on PostgreSQL: the same tables, the same guards, the same races."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from talentbank.accounts import service as accounts
from talentbank.accounts.models import User
from talentbank.competencies.catalogue import Category
from talentbank.demo import service as demo
from talentbank.extensions import db, today, transaction
from talentbank.insight.gap import queries as gap
from talentbank.insight.gap.cases import Stage, of
from talentbank.ledger import service as ledger
from talentbank.ledger.models import LedgerEntry
from talentbank.permissions import SYSTEM, Actor, Role
from talentbank.placements import queries as placements
from talentbank.placements import service as starts
from talentbank.placements.queries import Whereabouts
from talentbank.rounds import queries as rounds
from talentbank.rounds import service as lives
from talentbank.rounds.models import RoundState
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service
from talentbank.rounds.offers.models import Offer
from talentbank.rounds.runs.models import Run
from tests.market import Market
from tests.placements import test_leaving as leaving
from tests.rounds import test_races as races
from tests.rounds.life import published
from tests.web.reader import Reader

GUARDED = ("run", "matched_pair", "position_outcome", "snapshot", "round", "audit_entry")


def test_the_line_from_a_round_to_a_first_day(app: Flask) -> None:
    with app.app_context():
        m = Market()
        found, run = published(m.chamber)
        assert run.matched == 3
        offer = offers.offers(m.strong, "open", None, found.id, 1).items[0]
        service.answer_offer(m.strong, offer.id, accepted=True)
        starts.start(m.enterprise, offer.id, today())
        assert placements.count_students(m.chamber)[Whereabouts.PLACED] == 1
        assert len(of(gap.cases(), Stage.EMPLOYED, today(), (Category.OPERATIONS,))) == 1
        assert rounds.contents().seats == 0


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_was_published(app: Flask, table: str, change: str) -> None:
    with app.app_context():
        published(Market().chamber)
        column = "run_id" if table in ("matched_pair", "position_outcome") else "id"
        kept = "name = name || '!'" if table == "round" else f"{column} = {column}"  # a round may still be closed
        statement = text(change.format(table).replace("id = id", kept))
        with pytest.raises(DBAPIError), transaction():
            db.session.execute(statement)


def test_tables_are_what_the_models_say_and_go_down_to_nothing(app: Flask) -> None:
    with app.app_context():
        published(Market().chamber)
        db.session.remove()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, db.metadata) == []
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}


def test_two_at_once_end_in_one_result(app: Flask) -> None:
    races.test_two_who_press_run_at_once_get_one_run(app)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Run)) == races.TIMES


@pytest.mark.parametrize(
    "race",
    [
        races.test_two_who_publish_at_once_send_the_offers_out_once,
        races.test_choosing_another_run_while_people_are_told_tells_and_publishes_what_was_looked_at,
        races.test_a_position_changed_in_two_windows_keeps_the_first_change,
        races.test_one_name_is_registered_once,
        races.test_a_seat_is_not_promised_while_it_is_taken_away,
    ],
)
def test_every_race_ends_as_on_the_embedded_database(app: Flask, race: object) -> None:
    race(app)  # type: ignore[operator]


def test_a_seat_held_again_is_not_promised_at_the_same_moment(app: Flask) -> None:
    leaving.publishing_while_a_release_is_taken_back(app)


def test_two_answers_at_once_are_one_answer(app: Flask) -> None:
    races.test_two_answers_at_once_are_one_answer(app, second=False)


READ = {
    Role.CHAMBER: """/home /rounds/1 /rounds/1/positions /rounds/1/students /students?ready=1
        /positions?q=a&state=joining /placements?state=due&category=design /offers?category=design /reports
        /market-figures /gap /market-figures/try?kind=seat&position=1&seats=1 /organisations/1
        /enterprises/1 /market/1/check/again""",
    Role.UNIVERSITY: "/home /cohorts /cohorts/asked?competency=platform_ops /destinations?kind=waiting /market",
    Role.ENTERPRISE: "/home /messages /placements /organisation /positions?competency=platform_ops",
    Role.STUDENT: "/home /destination /messages /market",
    Role.GOVERNMENT: "/home /gap /gap/outcomes?stage=started /market-figures?table=fill&as=xlsx",
}
"""What to read of the demo: every list and every figure that asks the database in a way of its own."""
SIGN_INS = [f"{role.value}@demo.example" for role in READ]


def test_the_demo_comes_is_read_and_goes_without_a_trace(app: Flask) -> None:
    with app.app_context():
        demo.build(SYSTEM)
        walked = ledger.verify()
        assert (walked.fault, walked.entries > 1000) == (None, True)
        chamber: Actor = accounts.sign_in("chamber@demo.example", demo.PASSWORD).actor  # type: ignore[union-attr]
        held = next(found for found in rounds.rounds() if found.state is RoundState.OPEN)
        lives.cancel(chamber, held.id, held.version)
        published(chamber)
        people = {
            user.role: user.get_id() for user in db.session.scalars(select(User).where(User.email.in_(SIGN_INS)))
        }
    for role, paths in READ.items():
        reader = Reader(app, people[role])
        for path in paths.split():
            reader.glance(path)
    with app.app_context():
        demo.remove(SYSTEM)
        assert demo.vacant()
        assert db.session.scalar(select(func.count()).select_from(Offer)) == 0
        assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == 0
