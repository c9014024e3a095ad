"""Where graduates went: who says it, whose word stands, and what counts as known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import select

from talentbank.deposits.models import Contract
from talentbank.engine.indicators import Outcome, knowledge_rate, placement_rate
from talentbank.errors import Conflict, Forbidden, Invalid, NotFound
from talentbank.extensions import db, now, today, transaction
from talentbank.notices.models import Notice
from talentbank.permissions import Role
from talentbank.placements import service as placements
from talentbank.placements.destinations import queries, service
from talentbank.placements.destinations.models import Destination, DestinationKind
from talentbank.placements.destinations.queries import Known
from talentbank.placements.destinations.service import Word
from talentbank.placements.models import Placement
from talentbank.rounds.models import Round
from talentbank.rounds.offers import service as offers
from talentbank.rounds.offers.models import Offer, OfferState
from tests import factories
from tests.market import Market
from tests.rounds.life import published
from tests.rounds.test_races import TIMES, at_once
from tests.test_queries import counted

SINCE = today() - timedelta(days=30)
CBEC = Word("cbec", "海口电商", SINCE)
STUDY = Word("study", "四川大学")


@pytest.fixture
def m(app_context: None) -> Market:
    return Market()


def stored(student_id: int) -> Destination | None:
    db.session.expire_all()
    return db.session.get(Destination, student_id)


def placed(m: Market, student_id: int, contract: Contract, run_id: int, ago: int = 10) -> None:
    """A placement of one of the market's students, which started so many days ago."""
    position = m.shop if contract is Contract.EMPLOYMENT else m.position({"teamwork": 1}, contract="internship")
    with transaction():
        offer = Offer(
            run_id=run_id,
            student_id=student_id,
            position_id=position,
            stored_state=OfferState.ACCEPTED,
            score=0.5,
            deadline=now(),
            made_at=now(),
        )
        db.session.add(offer)
        db.session.flush()
        first = today() - timedelta(days=ago)
        db.session.add(Placement(offer_id=offer.id, student_id=student_id, started_on=first, recorded_at=now()))


def free_run(m: Market) -> int:
    """A published run whose offers are gone, to hang offers of a test's own on."""
    _, run = published(m.chamber)
    with transaction():
        for offer in db.session.scalars(select(Offer)):
            db.session.delete(offer)
    return run.id


SAID = ("nothing", "student", "university", "confirmed")


def test_what_counts_of_every_kind_by_whoever_says_it_beside_every_placement(m: Market) -> None:
    run = free_run(m)
    expected: dict[int, tuple[Outcome, str | None, str | None, bool]] = {}
    for kind, said, contract in product(DestinationKind, SAID, (None, *Contract)):
        actor, student_id = m.student({})
        if said == "student":
            service.record_own(actor, Word(kind.value, "某处", SINCE), 0)
        elif said != "nothing":
            service.record(m.university, student_id, Word(kind.value, "某处", SINCE), 0)
        if said == "confirmed":
            service.confirm(actor, 1)
        if contract:
            placed(m, student_id, contract, run)
        source = None if said == "nothing" else "student" if said == "student" else "university"
        known = Outcome.CBEC if kind is DestinationKind.CBEC else Outcome.ELSEWHERE
        counts = said in ("student", "confirmed")
        expected[student_id] = (
            (Outcome.CBEC, "cbec", "bank", True)
            if contract is Contract.EMPLOYMENT
            else (known if counts else Outcome.UNKNOWN, kind.value if source else None, source, counts)
        )
    found = {row.student_id: row for row in queries.graduates(m.university)}
    assert {
        student_id: (row.outcome, row.kind and row.kind.value, row.source, row.confirmed)
        for student_id, row in found.items()
        if student_id in expected
    } == expected
    assert {row.waiting for row in found.values() if row.source == "bank"} == {False}
    # Each filter of the list, and the counts above it, finds just those of the rows that it names.
    rows = found.values()
    for name, meant in {
        "known": [row for row in rows if row.outcome is not Outcome.UNKNOWN],
        "unknown": [row for row in rows if row.outcome is Outcome.UNKNOWN],
        "waiting": [row for row in rows if row.source == "university" and not row.confirmed],
        **{kind.value: [row for row in rows if row.kind is kind and row.confirmed] for kind in DestinationKind},
    }.items():
        page, first = queries.destinations(m.university, name, "", None, 1)
        assert page.total == len(meant)
        assert {row.student_id for row in first} <= {row.student_id for row in meant}
        if name in set(Known):
            assert queries.count(m.university, 2027)[Known(name)] == len(meant)
    assert queries.count_waiting(m.university) == len([row for row in rows if row.waiting])
    outcomes = [row.outcome for row in rows]
    assert knowledge_rate(outcomes).numerator == queries.count(m.university, None)[Known.KNOWN]
    assert placement_rate(outcomes).numerator == queries.destinations(m.university, "cbec", "", None, 1)[0].total


def test_the_first_employment_counts_and_the_first_round_begins_the_search(m: Market) -> None:
    _, run = published(m.chamber)
    offer = db.session.scalars(select(Offer.id).where(Offer.student_id == m.strong_id)).one()
    offers.answer_offer(m.strong, offer, accepted=True)
    begun = placements.start(m.enterprise, offer, SINCE)
    placements.end(m.strong, begun.id, today() - timedelta(days=3), "pay")
    # 17:00 UTC is one o'clock of the next day in Meishan
    with transaction():
        db.session.get_one(Round, run.round_id).opened_at = datetime(2026, 9, 1, 17, tzinfo=UTC)
    published(m.chamber, name="Second")
    rows = {row.student_id: row for row in queries.graduates(m.university, 2027)}
    assert {row.first_sought for row in rows.values()} == {date(2026, 9, 2)}
    strong = rows[m.strong_id]
    assert strong.placed
    assert (strong.placed.started_on, strong.since, strong.outcome) == (SINCE, SINCE, Outcome.CBEC)
    assert strong.placed.offer.position.enterprise.name == strong.employer
    assert queries.graduates(m.university, 2026) == []
    _, newcomer = m.student({}, cohort=2026)
    assert [(row.student_id, row.first_sought) for row in queries.graduates(m.university, 2026)] == [(newcomer, None)]


def test_the_earlier_of_two_employments_is_the_one(m: Market) -> None:
    run = free_run(m)
    placed(m, m.strong_id, Contract.EMPLOYMENT, run, ago=10)
    with transaction():
        db.session.scalars(select(Offer)).one().stored_state = OfferState.DECLINED
    _, second = published(m.chamber, name="Second")
    with transaction():
        for offer in db.session.scalars(select(Offer).where(Offer.run_id == second.id)):
            db.session.delete(offer)
    placed(m, m.strong_id, Contract.EMPLOYMENT, second.id, ago=40)
    row = queries.graduate(m.university, m.strong_id)
    assert row.placed
    assert row.placed.started_on == today() - timedelta(days=40)
    assert len([one for one in queries.graduates(m.university) if one.student_id == m.strong_id]) == 1


def test_a_student_says_it_and_it_counts_at_once(m: Market) -> None:
    service.record_own(m.strong, Word("cbec", "  海口电商 ", SINCE), 0)
    found = stored(m.strong_id)
    assert found
    assert (found.kind, found.employer, found.since) == (DestinationKind.CBEC, "海口电商", SINCE)
    assert (found.source, found.recorded_by, found.version) == (Role.STUDENT, m.strong.user_id, 1)
    assert found.confirmed_at
    assert db.session.scalars(select(Notice).where(Notice.kind == "destination")).all() == []
    service.record_own(m.strong, Word("seeking", "海口电商", SINCE), 1)
    found = stored(m.strong_id)
    assert found
    assert (found.kind, found.employer, found.since, found.version) == (DestinationKind.SEEKING, "", None, 2)


def test_what_the_university_records_waits_until_the_student_confirms_it(m: Market) -> None:
    service.record(m.university, m.strong_id, STUDY, 0)
    assert queries.count_waiting(m.university) == queries.count_waiting(m.strong) == 1
    assert queries.count_waiting(m.weak) == queries.count_waiting(m.enterprise) == 0
    [notice] = db.session.scalars(select(Notice).where(Notice.kind == "destination"))
    assert (notice.user_id, notice.key) == (m.strong.user_id, f"destination:{m.strong_id}:1")
    service.record(m.university, m.strong_id, CBEC, 1)  # not confirmed yet: the university may mend it
    assert len(db.session.scalars(select(Notice).where(Notice.kind == "destination")).all()) == 2
    with pytest.raises(Conflict):
        service.confirm(m.strong, 1)  # what that window showed is not what stands there now
    service.confirm(m.strong, 2)
    found = stored(m.strong_id)
    assert found
    assert (found.source, found.kind) == (Role.UNIVERSITY, DestinationKind.CBEC)
    assert found.confirmed_at
    assert queries.count_waiting(m.university) == queries.count_waiting(m.strong) == 0


@pytest.mark.parametrize("how", ["said", "confirmed", "corrected"])
def test_the_university_never_writes_over_the_students_word(m: Market, how: str) -> None:
    if how == "said":
        service.record_own(m.strong, CBEC, 0)
    else:
        service.record(m.university, m.strong_id, CBEC, 0)
        service.confirm(m.strong, 1) if how == "confirmed" else service.record_own(m.strong, CBEC, 1)
    found = stored(m.strong_id)
    assert found
    before = factories.stored(Destination, Notice)
    with pytest.raises(Conflict):
        service.record(m.university, m.strong_id, STUDY, found.version)
    assert factories.stored(Destination, Notice) == before
    service.record_own(m.strong, STUDY, found.version)  # the student may
    with pytest.raises(Conflict):
        service.confirm(m.strong, found.version + 1)


def test_nothing_is_recorded_beside_an_employment_of_the_bank(m: Market) -> None:
    service.record(m.university, m.strong_id, STUDY, 0)
    placed(m, m.strong_id, Contract.EMPLOYMENT, free_run(m))
    for act in (
        partial(service.record_own, m.strong, CBEC, 1),
        partial(service.confirm, m.strong, 1),
        partial(service.record, m.university, m.strong_id, CBEC, 1),
    ):
        with pytest.raises(Conflict):
            act()
    assert queries.count_waiting(m.university) == queries.count_waiting(m.strong) == 0


def test_an_internship_of_the_bank_is_shown_and_hinders_nothing(m: Market) -> None:
    placed(m, m.strong_id, Contract.INTERNSHIP, free_run(m))
    [internship] = queries.internships(m.strong_id)
    assert internship.offer.position.enterprise.name
    service.record_own(m.strong, Word("seeking"), 0)
    assert queries.graduate(m.university, m.strong_id).outcome is Outcome.ELSEWHERE


@pytest.mark.parametrize(
    ("day", "cohort", "may"),
    [
        (date(2026, 8, 31), 2027, False),
        (date(2026, 9, 1), 2027, True),
        (date(2026, 9, 1), 2028, False),
        (date(2027, 1, 1), 2027, True),
        (date(2026, 9, 1), None, False),
        (date(2026, 9, 1), 2020, True),
    ],
)
def test_from_september_before_graduation_on(
    m: Market, monkeypatch: pytest.MonkeyPatch, day: date, cohort: int | None, may: bool
) -> None:
    for module in (service, queries):
        monkeypatch.setattr(module, "today", lambda: day)
    actor, student_id = m.student({}, cohort=cohort)
    listed = [row.student_id for row in queries.destinations(m.university, "", "", cohort, 1)[1]]
    assert (student_id in listed) is may
    for act in (
        partial(service.record, m.university, student_id, Word("seeking"), 0),
        partial(service.record_own, actor, Word("seeking"), 1),
    ):
        if may:
            act()
        else:
            with pytest.raises(Conflict):
                act()


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        (Word(""), {"kind"}),
        (Word("placed"), {"kind"}),
        (Word("cbec"), {"employer", "since"}),
        (Word("other_work", " ", SINCE), {"employer"}),
        (Word("own_business", "小店"), {"since"}),
        (Word("cbec", "x" * 121, SINCE), {"employer"}),
        (Word("cbec", "海口电商", today() + timedelta(days=1)), {"since"}),
        (Word("study", "", today() - timedelta(days=1828)), {"since"}),
    ],
)
def test_what_is_missing_or_can_not_be_stands_at_its_field(m: Market, word: Word, fields: set[str]) -> None:
    before = factories.stored(Destination)
    for act in (
        partial(service.record_own, m.strong, word, 0),
        partial(service.record, m.university, m.strong_id, word, 0),
    ):
        with pytest.raises(Invalid) as refused:
            act()
        assert set(refused.value.errors) == fields
    assert factories.stored(Destination) == before


@pytest.mark.parametrize("day", [today(), today() - timedelta(days=1827)])
def test_the_bounds_of_the_day_belong_to_it(m: Market, day: date) -> None:
    service.record_own(m.strong, Word("service", "", day), 0)
    found = stored(m.strong_id)
    assert found
    assert found.since == day


def test_others_students_are_not_there(m: Market) -> None:
    other = factories.person(Role.UNIVERSITY)
    service.record(m.university, m.strong_id, CBEC, 0)
    for actor in (other, m.weak):
        with pytest.raises(NotFound):
            queries.graduate(actor, m.strong_id)
        with pytest.raises(NotFound):
            service.record(actor, m.strong_id, STUDY, 1)
        assert queries.graduates(actor) == []
        assert queries.destinations(actor, "", "", None, 1)[1] == []
        assert queries.cohorts(actor) == []
    with pytest.raises(NotFound):
        service.record(m.university, 10**6, STUDY, 0)
    with pytest.raises(NotFound):
        service.record_own(m.university, STUDY, 0)
    with pytest.raises(NotFound):
        service.confirm(factories.person(Role.STUDENT), 0)  # without a profile
    for actor in (m.enterprise, m.chamber):
        assert queries.graduates(actor) == []
        with pytest.raises(Forbidden):
            service.record(actor, m.strong_id, STUDY, 0)


def test_an_older_window_changes_nothing(m: Market) -> None:
    service.record_own(m.strong, CBEC, 0)
    service.record(m.university, m.weak_id, CBEC, 0)
    for act in (
        partial(service.record_own, m.strong, STUDY, 0),
        partial(service.record, m.university, m.weak_id, STUDY, 0),
        partial(service.record_own, m.weak, STUDY, 0),
    ):
        with pytest.raises(Conflict):
            act()
    assert {stored(one).kind for one in (m.strong_id, m.weak_id)} == {DestinationKind.CBEC}  # type: ignore[union-attr]


def test_of_two_windows_at_once_one_is_kept(app: Flask) -> None:
    with app.app_context():
        m = Market()
        for round_ in range(TIMES):
            actor, student_id = m.student({})
            acts = [
                partial(service.record_own, actor, CBEC, 0),
                partial(service.record_own, actor, STUDY, 0),
                partial(service.record, m.university, student_id, Word("seeking"), 0),
            ]
            results = at_once(app, *acts)
            assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict, Conflict])), round_
            found = stored(student_id)
            assert found
            assert found.version == 1


def test_confirming_while_the_university_mends_it_never_confirms_what_was_not_read(app: Flask) -> None:
    with app.app_context():
        m = Market()
        for _ in range(TIMES):
            actor, student_id = m.student({})
            service.record(m.university, student_id, CBEC, 0)
            results = at_once(
                app,
                partial(service.confirm, actor, 1),
                partial(service.record, m.university, student_id, STUDY, 1),
            )
            assert sorted(map(str, results)) == sorted(map(str, ["done", Conflict]))
            found = stored(student_id)
            assert found
            assert (found.confirmed_at is not None) is (found.kind is DestinationKind.CBEC)


def test_the_list_is_narrowed_by_cohort_and_name(m: Market) -> None:
    _, older = m.student({}, cohort=2025)
    m.student({}, cohort=2040)
    assert queries.cohorts(m.university) == [2027, 2025]
    assert [row.student_id for row in queries.destinations(m.university, "", "", 2025, 1)[1]] == [older]
    name = queries.graduate(m.university, m.weak_id).name
    assert m.weak_id in {row.student_id for row in queries.destinations(m.university, "", name, None, 1)[1]}
    assert queries.destinations(m.university, "", "%", None, 1)[1] == []
    assert queries.destinations(m.university, "no such kind", "", None, 1)[0].total == 4
    assert queries.count(m.university, 2025) == {Known.KNOWN: 0, Known.UNKNOWN: 1, Known.WAITING: 0}


def test_twenty_graduates_ask_the_database_as_often_as_two(m: Market) -> None:
    run = free_run(m)
    placed(m, m.strong_id, Contract.EMPLOYMENT, run)

    def asked() -> tuple[int, int]:
        db.session.expire_all()
        with counted() as few:
            assert [(row.name, row.placed and row.placed.offer.position.enterprise.name) for row in all_of(m)]
        db.session.expire_all()
        with counted() as listed:
            assert [row.employer for row in queries.destinations(m.university, "", "", None, 1)[1]]
        return len([s for s in few if s.startswith("SELECT")]), len([s for s in listed if s.startswith("SELECT")])

    before = asked()
    for _ in range(18):
        _, student_id = m.student({})
        placed(m, student_id, Contract.EMPLOYMENT, run)
    assert len(all_of(m)) == 21
    assert asked() == before == (2, 4)


def all_of(m: Market) -> list[queries.Graduate]:
    return queries.graduates(m.university)
