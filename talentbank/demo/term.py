"""Writes the demo's term of practice into the tables, in the order in which it would have happened.

Rows go in many at a time; what each log pays, and the ledger's chain, come from the same rules as in the bank's daily
life, so that `ledger verify` finds the demo whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial

from sqlalchemy import func, insert, select

from talentbank.accounts.models import Organisation, User
from talentbank.competencies.models import Student
from talentbank.config import SEEDS
from talentbank.credentials.models import RecordBatch, Withdrawal
from talentbank.demo.builder import Builder
from talentbank.demo.chain import Chain, Owner, Wage
from talentbank.demo.training import OVERDUE, DemoEnrolment, DemoLog, DemoResource, Training
from talentbank.deposits.resources.models import Admission, ResourceState, TaughtCompetency, TrainingResource
from talentbank.engine.ledger import AccountKind, EntryKind
from talentbank.extensions import SHANGHAI, db, today
from talentbank.permissions import Role
from talentbank.practice.evidence import Kind, Store
from talentbank.practice.models import (
    Agreement,
    Chase,
    EndStatement,
    Enrolment,
    Evidence,
    LogCompetency,
    LogEvent,
    LogState,
    PracticeLog,
    PracticeRules,
    StatementAnswer,
)
from talentbank.practice.queries import rules_of
from talentbank.practice.verification import levels

RULES = ((16, 800, False), (18, None, True), (16, 400, False))
"""Hours a credit, cap a term in hundredths, recognised: of the first universities; the others keep the defaults."""
SIGNED = 4
"""Days between asking for an internship and the third signature."""
VERIFIED_AFTER, CONFIRMED_AFTER = 3, 7
WITHDRAWN = ((-30, 100, True), (-6, 50, False))
"""When students of the first university withdrew, how much, and whether it was exported."""
EXPORTED_ON = -25
ENDED_ON = -5
MOST_WITHDRAWN = 8
MOST_EVIDENCE = 40
CHART = SEEDS / "demo" / "evidence" / "weekly-chart.png"

TERMS = (
    "实习岗位：{title}。时间：{first} 至 {last}，每日不超过 8 小时。企业安排指导人并购买实习责任险；学校负责跟踪。"
)
WORDS = "该生按计划完成了约定的工作，能独立处理日常任务，交付的成果已被我们使用。"
OBJECTION = "实际还参与了两次客户会议，说明中没有写到。"


class TermBuilder:
    """Beside the other builder; hosts are lists of organisations by kind."""

    def __init__(self, made: Builder, hosts: dict[str, list[Organisation]], students: Sequence[Student]) -> None:
        self.made, self.hosts, self.students = made, hosts, students
        staff = select(User.organisation_id, func.min(User.id)).where(User.role != Role.STUDENT)
        self._person = dict(db.session.execute(staff.group_by(User.organisation_id)).all())
        self._university_of = {student.id: student.university_id for student in students}
        self._user_of = {student.id: student.user_id for student in students}
        self._role_of = {organisation.id: Role(kind) for kind, group in hosts.items() for organisation in group}

    def build(self, term: Training, store: Store | None) -> None:
        """Write all of it."""
        self._set_rules()
        resources = self._add_resources(term.resources)
        enrolments = self._add_enrolments(term, resources)
        logs = self._add_logs(term, enrolments, resources)
        self._book(term.resources, resources, logs)
        self._add_statements(term.enrolments, enrolments, resources)
        if store is not None:
            self._add_evidence(logs, store)
        for student_id in sorted({enrolment.student_id for enrolment in enrolments}):
            levels.raise_levels(student_id)

    def _moment(self, day: int, hour: int = 10) -> datetime:
        """An hour of a day in Meishan, never after this moment."""
        local = datetime.combine(today() + timedelta(days=day), time(hour), SHANGHAI)
        return min(local.astimezone(UTC), self.made.at)

    def _set_rules(self) -> None:
        for university, (hours, cap, recognised) in zip(self.hosts["university"], RULES, strict=False):
            own = PracticeRules(university_id=university.id, hours_per_credit=hours, cap_a_term=cap, version=1)
            own.recognised = recognised
            db.session.add(own)
        db.session.flush()

    def _add_resources(self, planned: Iterable[DemoResource]) -> list[TrainingResource]:
        made = []
        for plan in planned:
            owner = self.hosts[plan.owner[0]][plan.owner[1]]
            made.append(
                TrainingResource(
                    owner_id=owner.id,
                    supervisor_id=self._person[owner.id],
                    kind=plan.kind,
                    title=plan.title_zh,
                    title_en=plan.title_en,
                    description=plan.description,
                    category=plan.category,
                    tier=plan.tier,
                    admission=Admission.CHOSEN if plan.chosen else Admission.OPEN,
                    hours=plan.hours,
                    seats=plan.seats,
                    starts_on=today() + timedelta(days=plan.starts),
                    ends_on=today() + timedelta(days=plan.ends),
                    city_code=None if plan.kind == "mentoring" else "meishan",
                    place="" if plan.kind == "mentoring" else "示例产业园 3 号楼",
                    state=ResourceState.OPEN,
                    created_at=self._moment(min(plan.starts - 10, -2)),
                    changed_at=self._moment(min(plan.starts - 10, -2)),
                    teaches=[
                        TaughtCompetency(competency_id=self.made.competency[code], level=level, place=place)
                        for place, (code, level) in enumerate(plan.teaches)
                    ],
                )
            )
        return self.made.add(made)

    def _add_enrolments(self, term: Training, resources: list[TrainingResource]) -> list[Enrolment]:
        made = self.made.add(
            [
                Enrolment(
                    resource_id=resources[plan.resource].id,
                    student_id=self.students[plan.student].id,
                    state=plan.state,
                    message="希望在贵单位积累真实项目经验。" if plan.state == "asked" else "",
                    asked_at=self._moment(plan.asked),
                    decided_at=self._decided_at(plan),
                    reason="名额已满。" if plan.state == "refused" else "",
                )
                for plan in term.enrolments
            ]
        )
        internships = [
            (plan, enrolment, resources[plan.resource])
            for plan, enrolment in zip(term.enrolments, made, strict=True)
            if term.resources[plan.resource].kind == "internship" and plan.state in ("accepted", "finished")
        ]
        self.made.add([self._agreement(*internship) for internship in internships])
        return made

    def _decided_at(self, plan: DemoEnrolment) -> datetime | None:
        """When an enrolment came into its state; a finished one with its statement."""
        if plan.state in ("asked", "waiting"):
            return None
        return self._moment(ENDED_ON if plan.state == "finished" else plan.asked + 1)

    def _agreement(self, plan: DemoEnrolment, enrolment: Enrolment, resource: TrainingResource) -> Agreement:
        """Signed by all three before the first hour; without any hours the host alone has signed so far."""
        text = TERMS.format(title=resource.title, first=resource.starts_on, last=resource.ends_on)
        student = self.students[plan.student]
        signed = Agreement(
            enrolment_id=enrolment.id,
            terms=text,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            proposed_at=self._moment(plan.asked + 1),
            host_signed_at=self._moment(plan.asked + 1, 14),
            host_signer_id=resource.supervisor_id,
        )
        if plan.logs:
            signed.student_signed_at, signed.student_signer_id = self._moment(plan.asked + 2), student.user_id
            signed.university_signed_at = self._moment(plan.asked + SIGNED - 1)
            signed.university_signer_id = self._person[student.university_id]
        return signed

    def _add_logs(
        self, term: Training, enrolments: list[Enrolment], resources: list[TrainingResource]
    ) -> list[PracticeLog]:
        planned = [
            (log, enrolment, resources[plan.resource])
            for plan, enrolment in zip(term.enrolments, enrolments, strict=True)
            for log in plan.logs
        ]
        logs = self.made.add([self._log(log, enrolment, resource) for log, enrolment, resource in planned])
        together = list(zip(planned, logs, strict=True))
        named = [
            {"log_id": log.id, "competency_id": self.made.competency[code]}
            for (plan, _, _), log in together
            for code in plan.competencies
        ]
        db.session.execute(insert(LogCompetency), named)
        db.session.execute(insert(LogEvent), [e for (_, _, r), log in together for e in self._events(log, r)])
        chased = [
            {"log_id": log.id, "user_id": resource.supervisor_id, "at": self._moment(-1, 9)}
            for (plan, _, resource), log in together
            if plan.state == "submitted" and plan.day <= -OVERDUE
        ]
        db.session.execute(insert(Chase), chased)
        return logs

    def _log(self, plan: DemoLog, enrolment: Enrolment, resource: TrainingResource) -> PracticeLog:
        state = LogState(plan.state)
        decided = state not in (LogState.DRAFT, LogState.SUBMITTED)
        verified = state in (LogState.VERIFIED, LogState.CONFIRMED, LogState.DECLINED)
        answered = state in (LogState.CONFIRMED, LogState.DECLINED)
        reasons = {
            LogState.SENT_BACK: "请补充当日的数据截图，并写明您本人完成的部分。",
            LogState.REJECTED: "当日没有到岗记录。",
            LogState.DECLINED: "与课程作业重复，不计学分。",
        }
        last = plan.day + (CONFIRMED_AFTER if answered else VERIFIED_AFTER if decided else 0)
        return PracticeLog(
            enrolment_id=enrolment.id,
            student_id=enrolment.student_id,
            day=today() + timedelta(days=plan.day),
            starts=plan.starts,
            ends=plan.starts + plan.minutes,
            minutes=plan.minutes,
            done=plan.done,
            state=state,
            reason=reasons.get(state, ""),
            submitted_at=None if state is LogState.DRAFT else self._moment(plan.day, 20),
            verified_at=self._moment(plan.day + VERIFIED_AFTER) if verified else None,
            verified_by=resource.supervisor_id if verified else None,
            confirmed_at=self._moment(plan.day + CONFIRMED_AFTER, 15) if answered else None,
            confirmed_by=self._person[self._university_of[enrolment.student_id]] if answered else None,
            created_at=self._moment(plan.day, 19),
            changed_at=self._moment(last, 20),
        )

    def _events(self, log: PracticeLog, resource: TrainingResource) -> list[dict[str, object]]:
        """The steps that led to where a log stands."""
        steps: list[tuple[datetime | None, int | None, Role, LogState]] = [
            (log.submitted_at, self._user_of[log.student_id], Role.STUDENT, LogState.SUBMITTED)
        ]
        host = (resource.supervisor_id, self._role_of[resource.owner_id])
        if log.state in (LogState.SENT_BACK, LogState.REJECTED):
            steps.append((log.changed_at, *host, log.state))
        if log.verified_at:
            steps.append((log.verified_at, *host, LogState.VERIFIED))
        if log.confirmed_at:
            steps.append((log.confirmed_at, log.confirmed_by, Role.UNIVERSITY, log.state))
        return [
            {
                "log_id": log.id,
                "at": at,
                "user_id": user,
                "role": role,
                "state": state,
                "reason": log.reason if state is log.state else "",
            }
            for at, user, role, state in steps
            if at is not None
        ]

    def _book(
        self, planned: Sequence[DemoResource], resources: list[TrainingResource], logs: list[PracticeLog]
    ) -> None:
        """Deposits, payments and withdrawals in the order of their moments, in one chain."""
        chain = Chain(self._owners(resources, logs))
        wage = Wage({university.id: rules_of(university.id) for university in self.hosts["university"]})
        by_id = {resource.id: resource for resource in resources}
        host_of = dict(db.session.execute(select(Enrolment.id, Enrolment.resource_id)).all())
        acts: list[tuple[datetime, Callable[[], object]]] = [
            (resource.created_at, partial(self._deposit, chain, resource, plan.credits))
            for resource, plan in zip(resources, planned, strict=True)
        ]
        acts += [
            (log.confirmed_at, partial(self._pay, chain, wage, log, by_id[host_of[log.enrolment_id]]))
            for log in logs
            if log.state is LogState.CONFIRMED and log.confirmed_at
        ]
        acts += self._withdrawals(chain, {log.student_id for log in logs if log.state is LogState.CONFIRMED})
        for _, act in sorted(acts, key=lambda act: act[0]):
            act()
        chain.store()
        db.session.flush()

    def _owners(self, resources: list[TrainingResource], logs: list[PracticeLog]) -> dict[Owner, datetime]:
        """Everybody who has an account, and since when."""
        first = min(resource.created_at for resource in resources)
        students = {log.student_id for log in logs if log.state is LogState.CONFIRMED}
        return {
            **{(AccountKind.ISSUER, f"organisation:{resource.owner_id}"): first for resource in resources},
            **{(AccountKind.RESOURCE, resource.account): resource.created_at for resource in resources},
            **{(AccountKind.STUDENT, f"student:{student}"): first for student in sorted(students)},
            (AccountKind.RECORD, f"record:{self.hosts['university'][0].id}"): first,
        }

    def _deposit(self, chain: Chain, resource: TrainingResource, amount: int) -> None:
        issuer = (AccountKind.ISSUER, f"organisation:{resource.owner_id}")
        taker = (AccountKind.RESOURCE, resource.account)
        actor = f"{self._role_of[resource.owner_id].value}:{resource.supervisor_id}"
        chain.move(resource.created_at, EntryKind.DEPOSIT, issuer, taker, amount, resource.account, actor)

    def _pay(self, chain: Chain, wage: Wage, log: PracticeLog, resource: TrainingResource) -> None:
        university = self._university_of[log.student_id]
        log.credit, log.rate = wage.due(log, university), wage.rules[university].hours_per_credit
        if log.credit and log.confirmed_at:
            giver, taker = (
                (AccountKind.RESOURCE, resource.account),
                (AccountKind.STUDENT, f"student:{log.student_id}"),
            )
            actor = f"university:{log.confirmed_by}"
            reference = f"log:{log.id}"
            log.entry_number = chain.move(
                log.confirmed_at, EntryKind.PAYMENT, giver, taker, log.credit, reference, actor
            )

    def _withdrawals(self, chain: Chain, earners: set[int]) -> list[tuple[datetime, Callable[[], object]]]:
        """Students of the first university put credits into its record; those of before the export were exported."""
        university = self.hosts["university"][0].id
        own = [student for student in self.students if student.university_id == university]
        batch = RecordBatch(
            university_id=university, made_by=self._person[university], made_at=self._moment(EXPORTED_ON, 16)
        )
        self.made.add([batch])
        return [
            (
                self._moment(day, 12),
                partial(self._withdraw, chain, student, self._moment(day, 12), amount, batch if exported else None),
            )
            for day, amount, exported in WITHDRAWN
            for student in (own[1:MOST_WITHDRAWN] if exported else own[:MOST_WITHDRAWN])
            if student.id in earners
        ]

    def _withdraw(self, chain: Chain, student: Student, at: datetime, amount: int, batch: RecordBatch | None) -> None:
        giver = (AccountKind.STUDENT, f"student:{student.id}")
        taker = (AccountKind.RECORD, f"record:{student.university_id}")
        if chain.balance(giver) < amount:
            return
        number = chain.move(
            at, EntryKind.WITHDRAWAL, giver, taker, amount, f"student:{student.id}", f"student:{student.user_id}"
        )
        chain.afterwards(
            Withdrawal(
                student_id=student.id,
                university_id=student.university_id,
                amount=amount,
                entry_number=number,
                asked_at=at,
                batch_id=batch.id if batch else None,
            )
        )

    def _add_statements(
        self, planned: Iterable[DemoEnrolment], enrolments: list[Enrolment], resources: list[TrainingResource]
    ) -> None:
        made = []
        for plan, enrolment in zip(planned, enrolments, strict=True):
            if not plan.statement:
                continue
            answer = None if plan.statement == "unanswered" else StatementAnswer(plan.statement)
            made.append(
                EndStatement(
                    enrolment_id=enrolment.id,
                    words=WORDS,
                    written_by=resources[plan.resource].supervisor_id,
                    written_at=self._moment(ENDED_ON),
                    answer=answer,
                    comment=OBJECTION if answer is StatementAnswer.DISAGREED else "",
                    answered_at=self._moment(-2) if answer else None,
                )
            )
        self.made.add(made)

    def _add_evidence(self, logs: Iterable[PracticeLog], store: Store) -> None:
        """The same small chart behind each log that somebody still has to look at."""
        content = CHART.read_bytes()
        shown = [log for log in logs if log.state in (LogState.SUBMITTED, LogState.SENT_BACK)][:MOST_EVIDENCE]
        self.made.add(
            [
                Evidence(
                    log_id=log.id,
                    name="示例周报图表.png",
                    kind=Kind.PNG,
                    size=len(content),
                    digest=hashlib.sha256(content).hexdigest(),
                    key=store.put(content),
                    added_at=log.created_at,
                )
                for log in shown
            ]
        )
