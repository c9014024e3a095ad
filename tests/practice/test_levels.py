"""Levels follow evidence: up when practice is verified, down when it is taken back, never past what is taught."""

from __future__ import annotations

from fractions import Fraction

from bs4 import BeautifulSoup
from flask import Flask, render_template_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from talentbank.competencies import service as profiles
from talentbank.competencies.models import Competency, StudentLevel
from talentbank.competencies.service import ClaimedLevel, Profile
from talentbank.extensions import db, transaction
from talentbank.practice.models import EnrolmentState, LogState, PracticeLog
from talentbank.practice.verification import levels, service
from talentbank.practice.verification.service import Verdict
from tests.practice.test_verification import decide, stored
from tests.practice.world import World, profile, verified
from tests.test_queries import counted

CODES = ("platform_ops", "data_analysis")
DEEP = {LogState.VERIFIED, LogState.CONFIRMED, LogState.DECLINED}


def assess(w: World, **known: int) -> None:
    """Let something else than practice stand behind levels."""
    with transaction():
        for code, level in known.items():
            competency = db.session.scalars(select(Competency.id).where(Competency.code == code)).one()
            row = StudentLevel(student_id=w.student_id, competency_id=competency, claimed=0)
            row.verified = row.assessed = level
            db.session.add(row)


def test_each_share_of_the_hours_reaches_its_level_and_no_more_than_is_taught(w: World) -> None:
    enrolment = w.enrolment(w.resource({"platform_ops": 3}, hours=40))
    reached = []
    for hours in (13.25, 0.25, 13, 13.5, 13.5, 20):
        decide(w.host, w.log(enrolment, hours=hours))
        reached.append(verified(w.student_id).get("platform_ops", 0))
    assert reached == [0, 1, 1, 3, 3, 3]


def test_only_what_a_log_names_and_the_resource_teaches_rises(w: World) -> None:
    enrolment = w.enrolment(w.resource({"platform_ops": 2, "data_analysis": 2}, hours=10))
    decide(w.host, w.log(enrolment, hours=10, competencies=("platform_ops", "visual_design")))
    assert verified(w.student_id) == {"platform_ops": 2}


def test_what_was_assessed_otherwise_stays(w: World) -> None:
    assess(w, platform_ops=2, visual_design=4)
    log_id = w.log(w.enrolment(w.resource({"platform_ops": 3}, hours=10)), hours=10)
    decide(w.host, log_id)
    assert verified(w.student_id) == {"platform_ops": 3, "visual_design": 4}
    service.reverse(w.host, log_id, "because", stored(log_id).version)
    assert verified(w.student_id) == {"platform_ops": 2, "visual_design": 4}


def test_levels_of_enrolments_are_not_added_up(w: World) -> None:
    for _ in range(2):
        enrolment = w.enrolment(w.resource({"platform_ops": 4}, hours=10))
        decide(w.host, w.log(enrolment, hours=5))
    assert verified(w.student_id) == {"platform_ops": 2}


def test_a_taught_competency_that_was_claimed_keeps_the_claim(w: World) -> None:
    claimed = Profile(levels=[ClaimedLevel("platform_ops", 1)])
    profiles.save_profile(w.student, claimed, profile(w.student_id).version)
    log_id = w.log(w.enrolment(w.resource({"platform_ops": 3}, hours=10)), hours=10)
    decide(w.host, log_id)
    service.reverse(w.host, log_id, "because", stored(log_id).version)
    rows = [(row.competency.code, row.claimed, row.verified) for row in profile(w.student_id).levels]
    assert rows == [("platform_ops", 1, 0)]


def test_a_level_that_nobody_claims_leaves_no_row_behind(w: World) -> None:
    log_id = w.log(w.enrolment(w.resource({"platform_ops": 3}, hours=10)), hours=10)
    decide(w.host, log_id)
    assert [(row.claimed, row.assessed) for row in profile(w.student_id).levels] == [(0, 0)]
    service.reverse(w.host, log_id, "because", stored(log_id).version)
    assert profile(w.student_id).levels == []


def test_saving_the_profile_keeps_what_practice_verified(w: World) -> None:
    decide(w.host, w.log(w.enrolment(w.resource({"platform_ops": 3}, hours=10)), hours=10))
    profiles.save_profile(w.student, Profile(), profile(w.student_id).version)
    assert verified(w.student_id) == {"platform_ops": 3}


def test_it_says_what_changed(w: World) -> None:
    w.log(
        w.enrolment(w.resource({"platform_ops": 3, "data_analysis": 1}, hours=10)), hours=10, state=LogState.VERIFIED
    )
    (code,) = db.session.scalars(select(Competency.id).where(Competency.code == "platform_ops"))
    with transaction():
        assert levels.raise_levels(w.student_id) == {code: 3}
        assert levels.raise_levels(w.student_id) == {}


def test_behind_a_level_stand_the_enrolments_that_show_it(w: World) -> None:
    low, high = (
        w.resource({"platform_ops": 2}, hours=10),
        w.resource({"platform_ops": 3, "data_analysis": 2}, hours=10),
    )
    small, large = w.enrolment(low), w.enrolment(high, state=EnrolmentState.FINISHED)
    w.enrolment(w.resource({"platform_ops": 5}))
    for enrolment, hours, state in (
        (small, 6, LogState.VERIFIED),
        (large, 8, LogState.CONFIRMED),
        (large, 1, LogState.DECLINED),
        (large, 9, LogState.REVERSED),
        (large, 9, LogState.SUBMITTED),
    ):
        w.log(enrolment, hours=hours, state=state)
    _, other = w.another_student()
    w.log(w.enrolment(low, other), state=LogState.VERIFIED)
    with counted() as statements:
        shares = levels.behind(w.student_id)
        shown = [(s.enrolment.resource.shown_title, s.enrolment.resource.owner.name) for s in shares["platform_ops"]]
    assert len(statements) <= 3
    assert len(set(shown)) == 2
    found = {code: [(s.enrolment.id, s.minutes, s.level) for s in rows] for code, rows in shares.items()}
    assert found == {"platform_ops": [(large, 540, 2), (small, 360, 1)]}
    assert levels.behind(other)["platform_ops"][0].minutes == 240


def test_the_profile_links_to_the_logs_behind_a_level(app: Flask) -> None:
    with app.test_request_context("/?", headers={"Accept-Language": "en"}):
        w = World()
        enrolment = w.enrolment(w.resource({"platform_ops": 3}, hours=10))
        w.log(enrolment, hours=4.5, state=LogState.VERIFIED)
        page = render_template_string(
            "{% from 'verification/_evidence_of_levels.html' import evidence_of %}"
            "{{ evidence_of('platform_ops', behind['platform_ops']) }}{{ evidence_of('teamwork', []) }}",
            behind=levels.behind(w.student_id),
        )
    soup = BeautifulSoup(page, "html.parser")
    assert "4.5 h of verified practice, level 1" in soup.get_text()
    (link,) = soup.select("a")
    assert str(link["href"]).endswith(f"/practice/logs?enrolment={enrolment}&competency=platform_ops")


class Bench:
    """Two enrolments of a student, four logs on each, and a second book of what must be verified."""

    def __init__(self, taught: list[dict[str, int]], hours: list[int], minutes: list[int], known: dict[str, int]):
        self.w = World()
        self.known = known
        assess(self.w, **{code: level for code, level in known.items() if level})
        self.taught, self.hours = taught, hours
        self.places = [0, 0, 0, 0, 1, 1, 1, 1]
        enrolments = [
            self.w.enrolment(self.w.resource(teaches, hours=length, credits=100_000))
            for teaches, length in zip(taught, hours, strict=True)
        ]
        self.minutes = minutes
        self.names = [CODES[:1], CODES, CODES[1:], CODES] * 2
        self.logs = [
            self.w.log(enrolments[place], hours=length / 60, competencies=names)
            for place, length, names in zip(self.places, minutes, self.names, strict=True)
        ]

    def do(self, act: str, place: int) -> None:
        """Do it if the log stands so that it can be done; a log that was taken back is sent again first."""
        log_id, state, w = self.logs[place], stored(self.logs[place]).state, self.w
        versions = {log_id: stored(log_id).version}
        if act == "verify" and state is LogState.SUBMITTED:
            service.decide(w.host, [log_id], Verdict.VERIFY, "", versions)
        elif act == "confirm" and state is LogState.VERIFIED:
            service.confirm(w.university, [log_id], versions)
        elif act == "decline" and state is LogState.VERIFIED:
            service.decline(w.university, [log_id], versions, "because")
        elif act == "reverse" and state in DEEP:
            service.reverse(w.university, log_id, "because", versions[log_id])
        elif act == "send" and state is LogState.REVERSED:
            with transaction():
                log = db.session.get_one(PracticeLog, log_id)
                log.state, log.version = LogState.SUBMITTED, log.version + 1

    def expected(self) -> dict[str, int]:
        best = dict(self.known)
        for place, (teaches, hours) in enumerate(zip(self.taught, self.hours, strict=True)):
            for code, top in teaches.items():
                done = sum(
                    minutes
                    for at, minutes, names, log_id in zip(
                        self.places, self.minutes, self.names, self.logs, strict=True
                    )
                    if at == place and code in names and stored(log_id).state in DEEP
                )
                share = Fraction(done, 60 * hours)
                reached = max(level for level in range(top + 1) if Fraction(level, top) <= share or level == 0)
                best[code] = max(best.get(code, 0), reached)
        return {code: level for code, level in best.items() if level}


teaching = st.dictionaries(st.sampled_from(CODES), st.integers(min_value=1, max_value=5), min_size=1)
acts = st.tuples(st.sampled_from(["verify", "confirm", "decline", "reverse", "send"]), st.integers(0, 7))


@given(
    taught=st.lists(teaching, min_size=2, max_size=2),
    hours=st.lists(st.integers(min_value=1, max_value=30), min_size=2, max_size=2),
    minutes=st.lists(st.integers(min_value=1, max_value=720), min_size=8, max_size=8),
    known=st.dictionaries(st.sampled_from((*CODES, "visual_design")), st.integers(min_value=0, max_value=5)),
    order=st.lists(acts, min_size=4, max_size=25),
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_verified_and_taken_back_the_level_is_the_higher_of_assessed_and_practised(
    app: Flask,
    taught: list[dict[str, int]],
    hours: list[int],
    minutes: list[int],
    known: dict[str, int],
    order: list[tuple[str, int]],
) -> None:
    with app.app_context():
        bench = Bench(taught, hours, minutes, known)
        for act, place in order:
            bench.do(act, place)
            assert verified(bench.w.student_id) == bench.expected()
