"""A stored round checked again: whole as it is, and each tampering named."""

from __future__ import annotations

import hashlib

import pytest
from flask import Flask
from sqlalchemy import text

from talentbank.errors import NotFound
from talentbank.extensions import db
from talentbank.rounds import proof
from tests.market import Market
from tests.rounds.life import opened, published, run_again, solved

pytestmark = pytest.mark.usefixtures("app_context", "in_english")


def tamper(statement: str, **values: object) -> None:
    """Write around the guards, as somebody with the file in hand could."""
    for name in db.session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        db.session.execute(text(f"DROP TRIGGER {name}"))
    assert db.session.execute(text(statement.replace('":', '"\\:')), values).rowcount > 0  # type: ignore[attr-defined]
    db.session.commit()
    db.session.expire_all()


def fault(round_id: int) -> str:
    found = proof.verify(round_id).fault
    return "" if found is None else str(found)


def test_what_was_kept_holds_by_either_method() -> None:
    m = Market()
    found, _ = solved(m.chamber)
    assert fault(found.id) == ""
    run_again(m.chamber, found.id, method="deferred_acceptance")
    assert fault(found.id) == ""
    assert proof.verify(found.id).run == 2


def test_a_published_round_holds() -> None:
    found, run = published(Market().chamber)
    checked = proof.verify(found.id)
    assert (checked.fault, checked.run, checked.matched) == (None, run.number, 3)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE snapshot SET text = replace(text, '\"headcount\":2', '\"headcount\":3')", "snapshot is not what"),
        ("UPDATE run SET policy = replace(policy, '\"trust\":0.5', '\"trust\":0.6')", "not what was committed to"),
        ("UPDATE run SET commitment = '0'", "not what was committed to"),
        ("UPDATE run SET total_score = total_score + 0.000001", "total_score"),
        ("UPDATE matched_pair SET score = score - 0.000001", "the score of student"),
        ("DELETE FROM matched_pair WHERE student_id = (SELECT min(student_id) FROM matched_pair)", "is not stored"),
        ("UPDATE position_outcome SET price = price + 0.000001", "«price»"),
        ("DELETE FROM offer WHERE student_id = (SELECT min(student_id) FROM offer)", "got no offer"),
        ("UPDATE offer SET position_id = (SELECT max(position_id) FROM offer)", "got no offer"),
    ],
)
def test_each_tampering_is_named(statement: str, named: str) -> None:
    found, _ = published(Market().chamber)
    tamper(statement)
    assert named in fault(found.id)


def test_a_commitment_forged_whole_is_given_away_by_the_audit_trail() -> None:
    found, run = published(Market().chamber)
    policy = run.policy.replace('"seed":"', '"seed":"f')
    forged = hashlib.sha256(f"{proof.verify(found.id).digest}\n{policy}".encode()).hexdigest()
    tamper("UPDATE run SET policy = :policy, commitment = :forged", policy=policy, forged=forged)
    assert "audit trail" in fault(found.id)


def test_the_command_says_so_in_one_line(app: Flask) -> None:
    found, _ = published(Market().chamber)
    draft = opened(Market().chamber)
    runner = app.test_cli_runner()
    good = runner.invoke(args=["round", "verify", str(found.id)])
    assert (good.exit_code, good.output.count("\n")) == (0, 1)
    assert [runner.invoke(args=["round", "verify", str(n)]).exit_code for n in (draft.id, 10_000)] == [2, 2]
    with pytest.raises(NotFound):
        proof.verify(draft.id)
    tamper("UPDATE position_outcome SET price = price + 0.5")
    bad = runner.invoke(args=["round", "verify", str(found.id)])
    assert (bad.exit_code, "price" in bad.output) == (1, True)
