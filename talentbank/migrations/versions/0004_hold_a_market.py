"""hold a market

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25 05:05:00.000000

"""
import hashlib
import json

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


# What is kept for good; a run until it has ended, a round until it is published, and then but for its end.
NO_DEMO = "NOT EXISTS (SELECT 1 FROM demo_bank)"
NEW_TABLES = ("snapshot", "explained", "draft_comment")
POLICY = (
    "name", "objective", "trust", "min_score", "must_have_on", "weight_fit", "weight_student", "weight_enterprise",
    "offer_days", "seed",
)
OTHERWISE = " OR ".join(f"OLD.{column} <> NEW.{column}" for column in POLICY)
CHOSEN = "COALESCE(OLD.selected_run_id, 0) <> COALESCE(NEW.selected_run_id, 0)"
ENDED_ROUND = (
    "OLD.state IN ('closed', 'cancelled') OR (OLD.state = 'published' AND "
    f"(NEW.state NOT IN ('published', 'closed') OR {CHOSEN} OR {OTHERWISE}))"
)
ENDED_RUN = "OLD.state IN ('done', 'stopped', 'failed', 'infeasible')"
ALWAYS = {"sqlite": "1", "postgresql": "TRUE"}
GUARDED = [
    *[(table, "UPDATE", ALWAYS) for table in NEW_TABLES],
    *[(table, "DELETE", dict.fromkeys(ALWAYS, NO_DEMO)) for table in NEW_TABLES],
]
CHANGED = [("run", ENDED_RUN), ("round", ENDED_ROUND)]
BEFORE = {"run": ALWAYS, "round": dict.fromkeys(ALWAYS, "OLD.state IN ('published', 'cancelled')")}


TABLES = (
    "explained",
    "draft_showing",
    "draft_comment",
    "shortlisted",
    "preference",
    "snapshot",
    "round_student",
    "round_quota",
    "round_position",
    "hint",
    "appeal",
    "notice",
)
"""Those that come with this revision, in the order in which they can go."""


def _guard(dialect, table, event, condition):
    name = f"{table}_no_{event.lower()}"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        ]
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]


def _unguard(dialect, table, event):
    name = f"{table}_no_{event.lower()}"
    if dialect == "sqlite":
        return [f"DROP TRIGGER {name}"]
    return [f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()"]


def _do(statements):
    for statement in statements:
        op.execute(statement)


# No batch for tables that others speak of: on SQLite that makes them anew, without what guards them (0001).
ADDED = {
    "round": [
        ("weight_fit", sa.Double(), "1"),
        ("weight_student", sa.Double(), "0"),
        ("weight_enterprise", sa.Double(), "0"),
        ("most_ranked", sa.Integer(), "10"),
        ("blind", sa.Boolean(), sa.false()),
        ("selected_run_id", sa.Integer(), None),
        ("opened_at", sa.DateTime(timezone=True), None),
        ("closes_at", sa.DateTime(timezone=True), None),
        ("frozen_at", sa.DateTime(timezone=True), None),
        ("told_at", sa.DateTime(timezone=True), None),
        ("closed_at", sa.DateTime(timezone=True), None),
    ],
    "run": [
        ("number", sa.Integer(), "0"),
        ("method", sa.String(length=32), "optimum"),
        ("label", sa.String(), ""),
        ("policy", sa.Text(), ""),
        ("commitment", sa.String(length=64), ""),
        ("state", sa.String(length=32), "done"),
        ("phase", sa.String(), ""),
        ("share", sa.Double(), "1"),
        ("stop_asked", sa.Boolean(), sa.false()),
        ("heard_at", sa.DateTime(timezone=True), None),
        ("finished_at", sa.DateTime(timezone=True), None),
        ("note", sa.String(), ""),
        ("unmet", sa.JSON(), "[]"),
        ("median", sa.Double(), "0"),
        ("gap", sa.Double(), "0"),
        ("blocking", sa.Integer(), "0"),
        ("choices", sa.JSON(), "[]"),
        ("levy", sa.JSON(), "[]"),
        ("scarcity", sa.JSON(), "{}"),
    ],
    "matched_pair": [("choice", sa.Integer(), None), ("wanted", sa.Integer(), None)],
    "position_outcome": [("entry", sa.Double(), None), ("blocking", sa.Integer(), "0")],
    "offer": [("declined_for", sa.String(length=32), None)],
}
REFERRING = (
    ("round", "officer_id", "user_account"),
    ("round", "previous_id", "round"),
    ("run", "snapshot_id", "snapshot"),
)
"""Columns that refer to another table: SQLite takes them only with the reference in the same statement."""


def _move_snapshots():
    """Give each run's snapshot a row of its own, and each run the policy that its round had."""
    bind = op.get_bind()
    rounds = {row.id: row for row in bind.execute(sa.text("SELECT * FROM round"))}
    numbers = {}
    for run in bind.execute(sa.text("SELECT * FROM run ORDER BY id")).all():
        numbers[run.round_id] = numbers.get(run.round_id, 0) + 1
        found = rounds[run.round_id]
        policy = {
            "objective": found.objective, "trust": found.trust, "min_score": found.min_score,
            "must_have_on": found.must_have_on, "weights": [1.0, 0.0, 0.0], "seed": found.seed,
            "pinned": [], "banned": [], "nudges": [], "quotas": [], "gone": [], "lost": [],
        }
        text = json.dumps(policy, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        bind.execute(
            sa.text(
                "INSERT INTO snapshot (id, round_id, made_at, made_by, text, digest, students, positions, seats) "
                "SELECT id, round_id, made_at, made_by, snapshot, digest, students, positions, seats "
                "FROM run WHERE id = :id"
            ),
            {"id": run.id},
        )
        bind.execute(
            sa.text(
                "UPDATE run SET snapshot_id = :id, number = :number, policy = :policy, commitment = :commitment, "
                "finished_at = made_at WHERE id = :id"
            ),
            {
                "id": run.id, "number": numbers[run.round_id], "policy": text,
                "commitment": hashlib.sha256(f"{run.digest}\n{text}".encode()).hexdigest(),
            },
        )
    bind.execute(
        sa.text(
            "UPDATE round SET selected_run_id = (SELECT MAX(id) FROM run WHERE run.round_id = round.id), "
            "told_at = published_at WHERE state = 'published'"
        )
    )
    if bind.dialect.name == "postgresql":
        bind.execute(sa.text("SELECT setval('snapshot_id_seq', GREATEST((SELECT MAX(id) FROM snapshot), 1))"))


def upgrade():
    dialect = op.get_bind().dialect.name
    for table, _ in CHANGED:
        _do(_unguard(dialect, table, "UPDATE"))
    op.create_table('notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('mailed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_notice_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('user_id', 'kind', 'key', name=op.f('uq_notice_user_id_kind_key'))
    )
    op.create_index(op.f('ix_notice_at'), 'notice', ['at'], unique=False)
    op.create_index(op.f('ix_notice_mailed_at'), 'notice', ['mailed_at'], unique=False)
    op.create_index(op.f('ix_notice_user_id'), 'notice', ['user_id'], unique=False)
    op.create_table('appeal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_by', sa.Integer(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(length=32), nullable=True),
    sa.Column('answer', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['answered_by'], ['user_account.id'], name=op.f('fk_appeal_answered_by')),
    sa.ForeignKeyConstraint(['round_id'], ['round.id'], name=op.f('fk_appeal_round_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_appeal_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal'))
    )
    op.create_index(op.f('ix_appeal_answered_at'), 'appeal', ['answered_at'], unique=False)
    op.create_index(op.f('ix_appeal_round_id'), 'appeal', ['round_id'], unique=False)
    op.create_index(op.f('ix_appeal_user_id'), 'appeal', ['user_id'], unique=False)
    op.create_index('uq_appeal_waiting', 'appeal', ['round_id', 'user_id'], unique=True, sqlite_where=sa.text('answered_at IS NULL'), postgresql_where=sa.text('answered_at IS NULL'))
    op.create_table('hint',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('position_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('amount', sa.Double(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount BETWEEN 0 AND 1', name=op.f('ck_hint_amount')),
    sa.ForeignKeyConstraint(['made_by'], ['user_account.id'], name=op.f('fk_hint_made_by')),
    sa.ForeignKeyConstraint(['position_id'], ['position.id'], name=op.f('fk_hint_position_id')),
    sa.ForeignKeyConstraint(['round_id'], ['round.id'], name=op.f('fk_hint_round_id')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_hint_student_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hint')),
    sa.UniqueConstraint('round_id', 'student_id', 'position_id', name=op.f('uq_hint_round_id_student_id_position_id'))
    )
    op.create_index(op.f('ix_hint_position_id'), 'hint', ['position_id'], unique=False)
    op.create_index(op.f('ix_hint_round_id'), 'hint', ['round_id'], unique=False)
    op.create_index(op.f('ix_hint_student_id'), 'hint', ['student_id'], unique=False)
    op.create_table('round_position',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('position_id', sa.Integer(), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('seats >= 1', name=op.f('ck_round_position_seats')),
    sa.ForeignKeyConstraint(['position_id'], ['position.id'], name=op.f('fk_round_position_position_id')),
    sa.ForeignKeyConstraint(['round_id'], ['round.id'], name=op.f('fk_round_position_round_id')),
    sa.PrimaryKeyConstraint('round_id', 'position_id', name=op.f('pk_round_position'))
    )
    op.create_index('uq_round_position_live', 'round_position', ['position_id'], unique=True, sqlite_where=sa.text('live'), postgresql_where=sa.text('live'))
    op.create_table('round_quota',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('university_id', sa.Integer(), nullable=True),
    sa.Column('enterprise_id', sa.Integer(), nullable=True),
    sa.Column('category', sa.String(length=32), nullable=True),
    sa.Column('at_least', sa.Integer(), nullable=False),
    sa.Column('at_most', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('at_least >= 0', name=op.f('ck_round_quota_at_least')),
    sa.CheckConstraint('at_most IS NULL OR at_most >= at_least', name=op.f('ck_round_quota_at_most')),
    sa.CheckConstraint('university_id IS NOT NULL OR enterprise_id IS NOT NULL OR category IS NOT NULL', name=op.f('ck_round_quota_whom')),
    sa.ForeignKeyConstraint(['enterprise_id'], ['organisation.id'], name=op.f('fk_round_quota_enterprise_id')),
    sa.ForeignKeyConstraint(['made_by'], ['user_account.id'], name=op.f('fk_round_quota_made_by')),
    sa.ForeignKeyConstraint(['round_id'], ['round.id'], name=op.f('fk_round_quota_round_id')),
    sa.ForeignKeyConstraint(['university_id'], ['organisation.id'], name=op.f('fk_round_quota_university_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_round_quota'))
    )
    op.create_index(op.f('ix_round_quota_round_id'), 'round_quota', ['round_id'], unique=False)
    op.create_table('round_student',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('others', sa.String(length=32), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['round.id'], name=op.f('fk_round_student_round_id')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_round_student_student_id')),
    sa.PrimaryKeyConstraint('round_id', 'student_id', name=op.f('pk_round_student')),
    sa.UniqueConstraint('round_id', 'number', name=op.f('uq_round_student_round_id_number'))
    )
    op.create_index('uq_round_student_live', 'round_student', ['student_id'], unique=True, sqlite_where=sa.text('live'), postgresql_where=sa.text('live'))
    op.create_table('snapshot',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by', sa.String(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('students', sa.Integer(), nullable=False),
    sa.Column('positions', sa.Integer(), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['round_id'], ['round.id'], name=op.f('fk_snapshot_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_snapshot'))
    )
    op.create_index(op.f('ix_snapshot_round_id'), 'snapshot', ['round_id'], unique=False)
    op.create_table('preference',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('position_id', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=True),
    sa.CheckConstraint('rank >= 1', name=op.f('ck_preference_rank')),
    sa.ForeignKeyConstraint(['position_id'], ['position.id'], name=op.f('fk_preference_position_id')),
    sa.ForeignKeyConstraint(['round_id', 'student_id'], ['round_student.round_id', 'round_student.student_id'], name=op.f('fk_preference_round_id_student_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('round_id', 'student_id', 'position_id', name=op.f('pk_preference')),
    sa.UniqueConstraint('round_id', 'student_id', 'rank', name=op.f('uq_preference_round_id_student_id_rank'))
    )
    op.create_index(op.f('ix_preference_position_id'), 'preference', ['position_id'], unique=False)
    op.create_table('shortlisted',
    sa.Column('round_id', sa.Integer(), nullable=False),
    sa.Column('position_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=True),
    sa.CheckConstraint('rank >= 1', name=op.f('ck_shortlisted_rank')),
    sa.ForeignKeyConstraint(['round_id', 'position_id'], ['round_position.round_id', 'round_position.position_id'], name=op.f('fk_shortlisted_round_id_position_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_shortlisted_student_id')),
    sa.PrimaryKeyConstraint('round_id', 'position_id', 'student_id', name=op.f('pk_shortlisted')),
    sa.UniqueConstraint('round_id', 'position_id', 'rank', name=op.f('uq_shortlisted_round_id_position_id_rank'))
    )
    op.create_index(op.f('ix_shortlisted_student_id'), 'shortlisted', ['student_id'], unique=False)
    op.create_table('draft_comment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_draft_comment_organisation_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_draft_comment_run_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_draft_comment_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draft_comment'))
    )
    op.create_index(op.f('ix_draft_comment_organisation_id'), 'draft_comment', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_draft_comment_run_id'), 'draft_comment', ['run_id'], unique=False)
    op.create_table('draft_showing',
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('shown_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_draft_showing_run_id')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_draft_showing'))
    )
    op.create_table('explained',
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('eligible', sa.Integer(), nullable=False),
    sa.Column('alternative_id', sa.Integer(), nullable=True),
    sa.Column('alternative_score', sa.Double(), nullable=False),
    sa.Column('lacked', sa.Double(), nullable=False),
    sa.Column('condition', sa.String(), nullable=False),
    sa.Column('condition_gain', sa.Double(), nullable=False),
    sa.Column('condition_position_id', sa.Integer(), nullable=True),
    sa.Column('step_id', sa.Integer(), nullable=True),
    sa.Column('step_gain', sa.Double(), nullable=False),
    sa.Column('step_position_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['alternative_id'], ['position.id'], name=op.f('fk_explained_alternative_id')),
    sa.ForeignKeyConstraint(['condition_position_id'], ['position.id'], name=op.f('fk_explained_condition_position_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_explained_run_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['step_id'], ['competency.id'], name=op.f('fk_explained_step_id')),
    sa.ForeignKeyConstraint(['step_position_id'], ['position.id'], name=op.f('fk_explained_step_position_id')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_explained_student_id')),
    sa.PrimaryKeyConstraint('run_id', 'student_id', name=op.f('pk_explained'))
    )
    for table, columns in ADDED.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    for table, column, other in REFERRING:
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} INTEGER "
            f"CONSTRAINT fk_{table}_{column} REFERENCES {other} (id)"
        )
    _move_snapshots()
    op.drop_column('run', 'digest')
    op.drop_column('run', 'snapshot')
    op.create_index(op.f('ix_run_snapshot_id'), 'run', ['snapshot_id'], unique=False)
    op.create_index(op.f('ix_run_state'), 'run', ['state'], unique=False)
    op.create_index('uq_run_round_number', 'run', ['round_id', 'number'], unique=True)
    op.create_index('uq_run_going', 'run', ['round_id'], unique=True, sqlite_where=sa.text("state IN ('queued', 'running')"), postgresql_where=sa.text("state IN ('queued', 'running')"))
    for table, condition in CHANGED:
        _do(_guard(dialect, table, "UPDATE", condition))
    for table, event, condition in GUARDED:
        _do(_guard(dialect, table, event, condition[dialect]))


def downgrade():
    dialect = op.get_bind().dialect.name
    for table, event, _ in GUARDED:
        _do(_unguard(dialect, table, event))
    for table, _ in CHANGED:
        _do(_unguard(dialect, table, "UPDATE"))
    # What rounds could not be before, they go back to what comes closest.
    op.execute("UPDATE round SET state = 'draft' WHERE state IN ('open', 'frozen')")
    op.execute("UPDATE round SET state = 'published' WHERE state = 'closed'")
    op.execute("DELETE FROM run WHERE state <> 'done'")
    op.add_column('run', sa.Column('snapshot', sa.Text(), nullable=False, server_default=''))
    op.add_column('run', sa.Column('digest', sa.String(), nullable=False, server_default=''))
    for column, kept in (("snapshot", "text"), ("digest", "digest")):
        op.execute(f"UPDATE run SET {column} = (SELECT {kept} FROM snapshot WHERE snapshot.id = run.snapshot_id)")
    op.drop_index('uq_run_going', table_name='run')
    op.drop_index('uq_run_round_number', table_name='run')
    op.drop_index(op.f('ix_run_state'), table_name='run')
    op.drop_index(op.f('ix_run_snapshot_id'), table_name='run')
    for table, column, _ in REFERRING:
        op.drop_column(table, column)
    for table, columns in ADDED.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
    for table in TABLES:
        op.drop_table(table)
    for table, condition in BEFORE.items():
        _do(_guard(dialect, table, "UPDATE", condition[dialect]))
