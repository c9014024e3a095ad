"""What the demo's students and enterprises wrote to each other, and what was reported, by the dice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.demo.builder import address
from talentbank.demo.dice import Dice
from talentbank.deposits.flags.models import Flag, FlagKind
from talentbank.deposits.models import Position, PositionState
from talentbank.extensions import db
from talentbank.messages.models import Message
from talentbank.permissions import Role

ASKING = 60
"""Students who asked something."""
ANSWERED = 0.8
LONGEST = 40
"""Days since the first question."""
OWN = 6
"""Questions to the enterprise that one signs in as."""
ASKED = (
    "您好，请问这个岗位的试用期是多长？",
    "您好，请问岗位是否提供住宿，或者租房补贴？",
    "请问这个岗位入职后有没有晋升通道和培训？",
    "您好，我熟悉独立站运营，请问贵公司主要做哪些市场？",
    "请问实习期间可以兼顾毕业论文吗？",
)
SAID = (
    "您好，试用期两个月，转正后薪资按岗位区间执行。",
    "您好，可以协助申请人才公寓，租房补贴按新区政策执行。",
    "您好，每半年有一次晋升评审，入职前三个月有导师带教。",
    "您好，我们主要做北美和东南亚市场，欢迎参加本轮匹配。",
    "您好，可以，具体时间可与导师商定。",
)
REPORTS = (
    (FlagKind.FALSE, "岗位描述写的是运营，面试时说是电话销售。", None, ""),
    (
        FlagKind.FEES,
        "对方要求先交“培训费”才能面试。",
        False,
        "已向企业核实：该费用与本岗位无关，企业已书面说明并更正。",
    ),
)
"""What was reported of positions: the kind, the words, and what the chamber decided (None: nothing yet)."""


def write(seed: int, at: datetime) -> None:
    """Messages and reports as they stand at a moment."""
    dice = Dice(seed + 7)
    shown = select(Position).where(Position.state == PositionState.OPEN).order_by(Position.id)
    positions = list(db.session.scalars(shown))
    students = list(db.session.scalars(select(Student).order_by(Student.id)))
    staff = {
        user.organisation_id: user.id
        for user in db.session.scalars(select(User).where(User.role == Role.ENTERPRISE).order_by(User.id.desc()))
    }
    own = db.session.scalars(select(User.organisation_id).where(User.email == address(Role.ENTERPRISE))).one()
    ours = [position for position in positions if position.enterprise_id == own]
    asked = [(dice.one_of(ours), student) for student in dice.some_of(students, OWN)]
    asked += [(dice.one_of(positions), student) for student in [students[0], *dice.some_of(students, ASKING)]]
    threads = {(position.id, student.id): (position, student) for position, student in asked}
    rows = [row for pair in threads.values() for row in _thread(dice, at, *pair, staff)]
    db.session.execute(insert(Message), sorted(rows, key=lambda row: row["at"]))
    _report(dice, at, positions, students)


def _thread(
    dice: Dice, at: datetime, position: Position, student: Student, staff: dict[int | None, int]
) -> list[dict[str, Any]]:
    """A question, and mostly an answer within days; a question of today waits."""
    common = {"position_id": position.id, "student_id": student.id}
    topic = dice.below(len(ASKED))
    sent = at - timedelta(days=dice.below(LONGEST), hours=1 + dice.below(9), minutes=dice.below(60))
    answer = sent + timedelta(hours=1 + dice.below(60), minutes=dice.below(60))
    answered = dice.happens(ANSWERED) and answer < at
    question = {
        **common,
        "author_id": student.user_id,
        "from_student": True,
        "words": ASKED[topic],
        "at": sent,
        "read_at": answer if answered else None,
    }
    if not answered:
        return [question]
    author = staff[position.enterprise_id]
    read = answer + timedelta(hours=2) if answer + timedelta(hours=2) < at else None
    reply = {"author_id": author, "from_student": False, "words": SAID[topic], "at": answer, "read_at": read}
    return [question, {**common, **reply}]


def _report(dice: Dice, at: datetime, positions: list[Position], students: list[Student]) -> None:
    chamber = db.session.scalars(select(User.id).where(User.email == address(Role.CHAMBER))).one()
    for days, (kind, words, upheld, answer) in enumerate(REPORTS, start=2):
        decided = upheld is not None
        db.session.add(
            Flag(
                position_id=dice.one_of(positions).id,
                user_id=dice.one_of(students[1:]).user_id,
                kind=kind,
                words=words,
                made_at=at - timedelta(days=days * 3),
                upheld=upheld,
                answer=answer,
                decided_by=chamber if decided else None,
                decided_at=at - timedelta(days=days * 3 - 2) if decided else None,
            )
        )
    db.session.flush()
