"""follow up

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25 09:40:00.000000

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


# Decisions about enterprises are kept for good; a message is never changed once sent, but may be marked as read.
NO_DEMO = "NOT EXISTS (SELECT 1 FROM demo_bank)"
SENT = "OLD.words <> NEW.words OR OLD.author_id <> NEW.author_id OR OLD.at <> NEW.at"
ALWAYS = {"sqlite": "1", "postgresql": "TRUE"}
GUARDED = [
    ("vetting", "UPDATE", ALWAYS),
    ("vetting", "DELETE", dict.fromkeys(ALWAYS, NO_DEMO)),
    ("message", "UPDATE", dict.fromkeys(ALWAYS, SENT)),
    ("message", "DELETE", dict.fromkeys(ALWAYS, NO_DEMO)),
]

TABLES = ("check_in", "destination", "message", "flag", "vetting")
"""Those that come with this revision, in the order in which they can go."""

# No batch for tables that others speak of: on SQLite that makes them anew, without what guards them (0001).
ADDED = {
    "organisation": [("licence", sa.String(), "")],
    "offer": [("released_at", sa.DateTime(timezone=True), None)],
    "placement": [
        ("confirmed_at", sa.DateTime(timezone=True), None),
        ("ended_on", sa.Date(), None),
        ("end_reason", sa.String(length=32), None),
        ("end_note", sa.String(), ""),
        ("ended_by", sa.String(length=32), None),
    ],
}
HOLDING = "state IN ('open', 'accepted')"
HELD = f"{HOLDING} AND released_at IS NULL"
LICENSED = "licence <> '' AND standing <> 'refused'"


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


def upgrade():
    dialect = op.get_bind().dialect.name
    op.create_table('vetting',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('standing', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('licence', sa.String(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_vetting_organisation_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_vetting_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vetting'))
    )
    op.create_index(op.f('ix_vetting_organisation_id'), 'vetting', ['organisation_id'], unique=False)
    op.create_table('flag',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('position_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('upheld', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.String(), nullable=False),
    sa.Column('decided_by', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_flag_decided_by')),
    sa.ForeignKeyConstraint(['position_id'], ['position.id'], name=op.f('fk_flag_position_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_flag_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flag'))
    )
    op.create_index(op.f('ix_flag_decided_at'), 'flag', ['decided_at'], unique=False)
    op.create_index(op.f('ix_flag_position_id'), 'flag', ['position_id'], unique=False)
    op.create_index(op.f('ix_flag_user_id'), 'flag', ['user_id'], unique=False)
    op.create_index('uq_flag_waiting', 'flag', ['position_id', 'user_id'], unique=True, sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))
    op.create_table('destination',
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('employer', sa.String(), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('recorded_by', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_destination_recorded_by')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_destination_student_id')),
    sa.PrimaryKeyConstraint('student_id', name=op.f('pk_destination'))
    )
    op.create_table('message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('position_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=False),
    sa.Column('from_student', sa.Boolean(), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name=op.f('fk_message_author_id')),
    sa.ForeignKeyConstraint(['position_id'], ['position.id'], name=op.f('fk_message_position_id')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_message_student_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message'))
    )
    op.create_index(op.f('ix_message_at'), 'message', ['at'], unique=False)
    op.create_index(op.f('ix_message_student_id'), 'message', ['student_id'], unique=False)
    op.create_index('ix_message_thread', 'message', ['position_id', 'student_id', 'id'], unique=False)
    op.create_table('check_in',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('placement_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('by', sa.String(length=32), nullable=False),
    sa.Column('still_there', sa.Boolean(), nullable=False),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('reason', sa.String(length=32), nullable=True),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('day IN (90, 180, 365)', name=op.f('ck_check_in_day')),
    sa.ForeignKeyConstraint(['placement_id'], ['placement.id'], name=op.f('fk_check_in_placement_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_check_in_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_check_in')),
    sa.UniqueConstraint('placement_id', 'day', 'by', name=op.f('uq_check_in_placement_id_day_by'))
    )
    op.create_index(op.f('ix_check_in_placement_id'), 'check_in', ['placement_id'], unique=False)
    for table, columns in ADDED.items():
        for name, kind, default in columns:
            op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    op.create_index(op.f('ix_placement_ended_on'), 'placement', ['ended_on'], unique=False)
    op.create_index(op.f('ix_placement_started_on'), 'placement', ['started_on'], unique=False)
    op.drop_index('uq_offer_held_student', table_name='offer')
    op.create_index('uq_offer_held_student', 'offer', ['student_id'], unique=True, sqlite_where=sa.text(HELD), postgresql_where=sa.text(HELD))
    op.create_index('uq_organisation_licence', 'organisation', ['licence'], unique=True, sqlite_where=sa.text(LICENSED), postgresql_where=sa.text(LICENSED))
    for table, event, condition in GUARDED:
        _do(_guard(dialect, table, event, condition[dialect]))


def downgrade():
    dialect = op.get_bind().dialect.name
    for table, event, _ in GUARDED:
        _do(_unguard(dialect, table, event))
    op.execute("UPDATE position SET state = 'closed' WHERE state = 'blocked'")
    # A released offer holds nobody: of what there was before, lapsed comes closest.
    op.execute("UPDATE offer SET state = 'lapsed' WHERE released_at IS NOT NULL")
    op.drop_index('uq_offer_held_student', table_name='offer')
    op.create_index('uq_offer_held_student', 'offer', ['student_id'], unique=True, sqlite_where=sa.text(HOLDING), postgresql_where=sa.text(HOLDING))
    op.drop_index('uq_organisation_licence', table_name='organisation')
    op.drop_index(op.f('ix_placement_started_on'), table_name='placement')
    op.drop_index(op.f('ix_placement_ended_on'), table_name='placement')
    for table, columns in ADDED.items():
        for name, _, _ in columns:
            op.drop_column(table, name)
    for table in TABLES:
        op.drop_table(table)
