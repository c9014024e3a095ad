"""Appeals: who may make one, who answers it, and that each is answered once."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.accounts.models import Organisation, User
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, transaction
from talentbank.notices.models import Notice
from talentbank.permissions import Role
from talentbank.rounds.appeals import queries, service
from talentbank.rounds.appeals.models import Appeal, Outcome
from tests import factories
from tests.market import Market
from tests.rounds.life import published, solved
from tests.rounds.test_races import at_once

pytestmark = pytest.mark.usefixtures("app_context")


def told(kind: str) -> list[int]:
    return list(db.session.scalars(select(Notice.user_id).where(Notice.kind == kind)))


def test_an_appeal_goes_to_the_officer_and_its_answer_back() -> None:
    market = Market()
    found, _run = published(market.chamber)
    made = service.make(market.strong, found.id, "question", "  Why this one?  ")
    assert made.words == "Why this one?"
    assert told("appeal_made") == [market.chamber.user_id]
    answered = service.answer(market.chamber, made.id, "explained", "Because it fits.")
    assert (answered.outcome, answered.answered_by) == (Outcome.EXPLAINED, market.chamber.user_id)
    assert told("appeal_answered") == [market.strong.user_id]
    with pytest.raises(Conflict):
        service.answer(market.chamber, made.id, "refused", "No.")
    assert queries.appeal(market.strong, made.id).answer == "Because it fits."
    service.make(market.strong, found.id, "by_a_person", "Another one, now that the first is answered.")


def test_one_waits_at_a_time() -> None:
    market = Market()
    found, _run = published(market.chamber)
    service.make(market.enterprise, found.id, "question", "Why is the seat empty?")
    with pytest.raises(Conflict):
        service.make(market.enterprise, found.id, "question", "Again.")
    assert factories.stored(Appeal)[0] == 1


def test_who_took_no_part_and_who_knows_no_result_makes_none() -> None:
    market = Market()
    found, _run = solved(market.chamber)
    with pytest.raises(Conflict):
        service.make(market.strong, found.id, "question", "Too early.")
    for stranger in (factories.person(Role.STUDENT), factories.person(Role.ENTERPRISE)):
        with pytest.raises(NotFound):
            service.make(stranger, found.id, "question", "Not mine.")
    assert factories.stored(Appeal)[0] == 0


def test_only_the_named_officer_answers_and_the_others_hear_who_it_is() -> None:
    market = Market()
    found, _run = published(market.chamber)
    made = service.make(market.strong, found.id, "question", "Why?")
    with pytest.raises(Forbidden, match=market.chamber.name):
        service.answer(factories.person(Role.CHAMBER), made.id, "explained", "I am not the one.")
    assert queries.appeal(market.strong, made.id).answered_at is None


def test_words_and_choices_are_asked_for_at_their_fields() -> None:
    market = Market()
    found, _run = published(market.chamber)
    with pytest.raises(Invalid) as refused:
        service.make(market.strong, found.id, "anything", "  ")
    assert set(refused.value.errors) == {"kind", "words"}
    made = service.make(market.strong, found.id, "question", "Why?")
    with pytest.raises(Invalid) as refused:
        service.answer(market.chamber, made.id, "", "x" * (service.LONGEST + 1))
    assert set(refused.value.errors) == {"outcome", "answer"}


def test_nobody_reads_anothers_appeal() -> None:
    market = Market()
    found, _run = published(market.chamber)
    made = service.make(market.strong, found.id, "question", "Why?")
    for other in (market.weak, market.enterprise):
        with pytest.raises(NotFound):
            queries.appeal(other, made.id)
        assert queries.appeals(other, 1).total == 0
    assert queries.appeals(market.chamber, 1).total == 1


def test_two_answers_at_once_are_one(app: Flask) -> None:
    market = Market()
    found, _run = published(market.chamber)
    made = service.make(market.strong, found.id, "question", "Why?")
    results = at_once(
        app,
        lambda: service.answer(market.chamber, made.id, "explained", "One."),
        lambda: service.answer(market.chamber, made.id, "refused", "Two."),
    )
    assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
    assert told("appeal_answered") == [market.strong.user_id]


def test_the_others_answer_for_an_officer_whose_account_is_closed() -> None:
    market = Market()
    found, _run = published(market.chamber)
    colleague = factories.person(Role.CHAMBER, db.session.get(Organisation, market.chamber.organisation_id))
    made = service.make(market.strong, found.id, "question", "Why this one?")
    with pytest.raises(Forbidden):
        service.answer(colleague, made.id, "explained", "Because it fits.")
    with transaction():
        db.session.get_one(User, market.chamber.user_id).active = False
    assert service.answer(colleague, made.id, "explained", "Because it fits.").answered_by == colleague.user_id
    service.make(market.weak, found.id, "question", "And mine?")
    assert colleague.user_id in told("appeal_made")
