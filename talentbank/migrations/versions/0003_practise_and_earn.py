"""practise and earn

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-25 01:23:21.364125

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


# What is append-only: the ledger's entries and postings, and the steps of a log. Of an account only its balance
# changes. While the demo bank is in, and only then, rows may be deleted, so that it can go again (as in 0001).
APPEND_ONLY = ("ledger_entry", "ledger_posting", "log_event")
NO_DEMO = "NOT EXISTS (SELECT 1 FROM demo_bank)"
ANOTHER = "OLD.id <> NEW.id OR OLD.kind <> NEW.kind OR OLD.owner <> NEW.owner OR OLD.opened_at <> NEW.opened_at"
GUARDED = [
    *[(table, "UPDATE", {"sqlite": "1", "postgresql": "TRUE"}) for table in APPEND_ONLY],
    *[(table, "DELETE", {"sqlite": NO_DEMO, "postgresql": NO_DEMO}) for table in APPEND_ONLY],
    ("ledger_account", "UPDATE", {"sqlite": ANOTHER, "postgresql": ANOTHER}),
    ("ledger_account", "DELETE", {"sqlite": NO_DEMO, "postgresql": NO_DEMO}),
    ("ledger_head", "DELETE", {"sqlite": NO_DEMO, "postgresql": NO_DEMO}),
]
# What fires none of these: SQLite's INSERT OR REPLACE, which takes away rows with any of the same unique values, and
# PostgreSQL's TRUNCATE.
UNIQUE = {
    "ledger_entry": ("number", "digest", "previous", "reverses"),
    "ledger_posting": ("(entry_number, account_id)",),
    "log_event": ("id",),
    "ledger_account": ("id", "owner"),
    "ledger_head": ("id",),
}


def _same(key):
    """A condition that a row equals the new one in a key."""
    return f"{key} = {key.replace('(', '(NEW.').replace(', ', ', NEW.') if '(' in key else 'NEW.' + key}"


def _side_doors(dialect):
    """Statements that shut REPLACE or TRUNCATE out, and those that take the guards away again."""
    made, taken = [], []
    for table, keys in UNIQUE.items():
        if dialect == "sqlite":
            name = f"{table}_no_replace"
            there = f"EXISTS (SELECT 1 FROM {table} WHERE {' OR '.join(map(_same, keys))})"
            made.append(
                f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW WHEN {there} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
            taken.append(f"DROP TRIGGER {name}")
        else:
            name = f"{table}_no_truncate"
            made += [
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {NO_DEMO} THEN "
                f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
                f"RETURN NULL; END $$",
                f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
            ]
            taken += [f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()"]
    return made, taken


def _guards(dialect):
    """Statements that make a database refuse, and those that take the guards away again."""
    made, taken = [], []
    for table, event, conditions in GUARDED:
        name, condition = f"{table}_no_{event.lower()}", conditions[dialect]
        if dialect == "sqlite":
            made.append(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
            taken.append(f"DROP TRIGGER {name}")
        else:
            made += [
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
                f"RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
                f"IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
            ]
            taken += [f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()"]
    return made, taken


def upgrade():
    op.create_table('ledger_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('owner', sa.String(), nullable=False),
    sa.Column('balance', sa.BigInteger(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("balance >= 0 OR kind = 'issuer'", name=op.f('ck_ledger_account_balance')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_account')),
    sa.UniqueConstraint('owner', name=op.f('uq_ledger_account_owner'))
    )
    op.create_table('ledger_entry',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('actor', sa.String(), nullable=False),
    sa.Column('reverses', sa.Integer(), nullable=True),
    sa.Column('previous', sa.String(length=64), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['reverses'], ['ledger_entry.number'], name=op.f('fk_ledger_entry_reverses')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_ledger_entry')),
    sa.UniqueConstraint('digest', name=op.f('uq_ledger_entry_digest')),
    sa.UniqueConstraint('previous', name=op.f('uq_ledger_entry_previous')),
    sa.UniqueConstraint('reverses', name=op.f('uq_ledger_entry_reverses'))
    )
    op.create_index('ix_ledger_entry_kind_reference', 'ledger_entry', ['kind', 'reference'], unique=False)
    op.create_index(op.f('ix_ledger_entry_reference'), 'ledger_entry', ['reference'], unique=False)
    op.create_table('ledger_head',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_ledger_head_one')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_head'))
    )
    op.create_table('ledger_posting',
    sa.Column('entry_number', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount <> 0', name=op.f('ck_ledger_posting_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['ledger_account.id'], name=op.f('fk_ledger_posting_account_id')),
    sa.ForeignKeyConstraint(['entry_number'], ['ledger_entry.number'], name=op.f('fk_ledger_posting_entry_number')),
    sa.PrimaryKeyConstraint('entry_number', 'account_id', name=op.f('pk_ledger_posting'))
    )
    op.create_index(op.f('ix_ledger_posting_account_id'), 'ledger_posting', ['account_id'], unique=False)
    op.create_table('practice_rules',
    sa.Column('university_id', sa.Integer(), nullable=False),
    sa.Column('hours_per_credit', sa.Integer(), nullable=False),
    sa.Column('cap_a_term', sa.Integer(), nullable=True),
    sa.Column('hours_a_day', sa.Integer(), nullable=False),
    sa.Column('hours_a_week', sa.Integer(), nullable=False),
    sa.Column('night_work', sa.Boolean(), nullable=False),
    sa.Column('fees', sa.Boolean(), nullable=False),
    sa.Column('recognised', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('cap_a_term >= 0', name=op.f('ck_practice_rules_cap_a_term')),
    sa.CheckConstraint('hours_a_day BETWEEN 1 AND 24', name=op.f('ck_practice_rules_hours_a_day')),
    sa.CheckConstraint('hours_a_week BETWEEN 1 AND 168', name=op.f('ck_practice_rules_hours_a_week')),
    sa.CheckConstraint('hours_per_credit BETWEEN 1 AND 200', name=op.f('ck_practice_rules_hours_per_credit')),
    sa.ForeignKeyConstraint(['university_id'], ['organisation.id'], name=op.f('fk_practice_rules_university_id')),
    sa.PrimaryKeyConstraint('university_id', name=op.f('pk_practice_rules'))
    )
    op.create_table('record_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('university_id', sa.Integer(), nullable=False),
    sa.Column('made_by', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['made_by'], ['user_account.id'], name=op.f('fk_record_batch_made_by')),
    sa.ForeignKeyConstraint(['university_id'], ['organisation.id'], name=op.f('fk_record_batch_university_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_record_batch'))
    )
    op.create_index(op.f('ix_record_batch_university_id'), 'record_batch', ['university_id'], unique=False)
    op.create_table('training_resource',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('supervisor_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('title_en', sa.String(), nullable=False),
    sa.Column('description', sa.String(), nullable=False),
    sa.Column('category', sa.String(length=32), nullable=False),
    sa.Column('tier', sa.String(length=32), nullable=False),
    sa.Column('admission', sa.String(length=32), nullable=False),
    sa.Column('hours', sa.Integer(), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=False),
    sa.Column('fee', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('city_code', sa.String(), nullable=True),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('withdrawn_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_training_resource_dates')),
    sa.CheckConstraint('fee >= 0', name=op.f('ck_training_resource_fee')),
    sa.CheckConstraint('hours >= 1', name=op.f('ck_training_resource_hours')),
    sa.CheckConstraint('seats >= 1', name=op.f('ck_training_resource_seats')),
    sa.ForeignKeyConstraint(['city_code'], ['city.code'], name=op.f('fk_training_resource_city_code')),
    sa.ForeignKeyConstraint(['owner_id'], ['organisation.id'], name=op.f('fk_training_resource_owner_id')),
    sa.ForeignKeyConstraint(['supervisor_id'], ['user_account.id'], name=op.f('fk_training_resource_supervisor_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_resource'))
    )
    op.create_index(op.f('ix_training_resource_category'), 'training_resource', ['category'], unique=False)
    op.create_index(op.f('ix_training_resource_city_code'), 'training_resource', ['city_code'], unique=False)
    op.create_index(op.f('ix_training_resource_kind'), 'training_resource', ['kind'], unique=False)
    op.create_index(op.f('ix_training_resource_owner_id'), 'training_resource', ['owner_id'], unique=False)
    op.create_index(op.f('ix_training_resource_state'), 'training_resource', ['state'], unique=False)
    op.create_index(op.f('ix_training_resource_supervisor_id'), 'training_resource', ['supervisor_id'], unique=False)
    op.create_table('enrolment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('resource_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('message', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['resource_id'], ['training_resource.id'], name=op.f('fk_enrolment_resource_id')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_enrolment_student_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrolment'))
    )
    op.create_index(op.f('ix_enrolment_resource_id'), 'enrolment', ['resource_id'], unique=False)
    op.create_index(op.f('ix_enrolment_state'), 'enrolment', ['state'], unique=False)
    op.create_index(op.f('ix_enrolment_student_id'), 'enrolment', ['student_id'], unique=False)
    op.create_index('uq_enrolment_standing', 'enrolment', ['resource_id', 'student_id'], unique=True, sqlite_where=sa.text("state IN ('asked', 'waiting', 'accepted', 'finished')"), postgresql_where=sa.text("state IN ('asked', 'waiting', 'accepted', 'finished')"))
    op.create_table('issued_transcript',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=32), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_issued_transcript_student_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issued_transcript')),
    sa.UniqueConstraint('code', name=op.f('uq_issued_transcript_code'))
    )
    op.create_index(op.f('ix_issued_transcript_student_id'), 'issued_transcript', ['student_id'], unique=False)
    op.create_table('taught_competency',
    sa.Column('resource_id', sa.Integer(), nullable=False),
    sa.Column('competency_id', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.CheckConstraint('level BETWEEN 1 AND 5', name=op.f('ck_taught_competency_level')),
    sa.ForeignKeyConstraint(['competency_id'], ['competency.id'], name=op.f('fk_taught_competency_competency_id')),
    sa.ForeignKeyConstraint(['resource_id'], ['training_resource.id'], name=op.f('fk_taught_competency_resource_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('resource_id', 'competency_id', name=op.f('pk_taught_competency'))
    )
    op.create_index(op.f('ix_taught_competency_competency_id'), 'taught_competency', ['competency_id'], unique=False)
    op.create_table('withdrawal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('university_id', sa.Integer(), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('entry_number', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('amount > 0', name=op.f('ck_withdrawal_amount')),
    sa.ForeignKeyConstraint(['batch_id'], ['record_batch.id'], name=op.f('fk_withdrawal_batch_id')),
    sa.ForeignKeyConstraint(['entry_number'], ['ledger_entry.number'], name=op.f('fk_withdrawal_entry_number')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_withdrawal_student_id')),
    sa.ForeignKeyConstraint(['university_id'], ['organisation.id'], name=op.f('fk_withdrawal_university_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_withdrawal')),
    sa.UniqueConstraint('entry_number', name=op.f('uq_withdrawal_entry_number'))
    )
    op.create_index(op.f('ix_withdrawal_batch_id'), 'withdrawal', ['batch_id'], unique=False)
    op.create_index(op.f('ix_withdrawal_student_id'), 'withdrawal', ['student_id'], unique=False)
    op.create_index(op.f('ix_withdrawal_university_id'), 'withdrawal', ['university_id'], unique=False)
    op.create_table('agreement',
    sa.Column('enrolment_id', sa.Integer(), nullable=False),
    sa.Column('terms', sa.String(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('student_signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('university_signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('host_signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('student_signer_id', sa.Integer(), nullable=True),
    sa.Column('university_signer_id', sa.Integer(), nullable=True),
    sa.Column('host_signer_id', sa.Integer(), nullable=True),
    sa.Column('first_in_force_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['enrolment_id'], ['enrolment.id'], name=op.f('fk_agreement_enrolment_id')),
    sa.ForeignKeyConstraint(['host_signer_id'], ['user_account.id'], name=op.f('fk_agreement_host_signer_id')),
    sa.ForeignKeyConstraint(['student_signer_id'], ['user_account.id'], name=op.f('fk_agreement_student_signer_id')),
    sa.ForeignKeyConstraint(['university_signer_id'], ['user_account.id'], name=op.f('fk_agreement_university_signer_id')),
    sa.PrimaryKeyConstraint('enrolment_id', name=op.f('pk_agreement'))
    )
    op.create_table('credential',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('enrolment_id', sa.Integer(), nullable=True),
    sa.Column('competency_id', sa.Integer(), nullable=True),
    sa.Column('level', sa.Integer(), nullable=True),
    sa.Column('credit', sa.Integer(), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('document', sa.JSON(), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.CheckConstraint('(enrolment_id IS NULL) <> (competency_id IS NULL)', name=op.f('ck_credential_one_subject')),
    sa.ForeignKeyConstraint(['competency_id'], ['competency.id'], name=op.f('fk_credential_competency_id')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['enrolment.id'], name=op.f('fk_credential_enrolment_id')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_credential_student_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credential')),
    sa.UniqueConstraint('code', name=op.f('uq_credential_code'))
    )
    op.create_index(op.f('ix_credential_competency_id'), 'credential', ['competency_id'], unique=False)
    op.create_index(op.f('ix_credential_enrolment_id'), 'credential', ['enrolment_id'], unique=False)
    op.create_index(op.f('ix_credential_student_id'), 'credential', ['student_id'], unique=False)
    op.create_index('uq_credential_live_competency', 'credential', ['student_id', 'competency_id'], unique=True, sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
    op.create_index('uq_credential_live_credit', 'credential', ['student_id', 'enrolment_id'], unique=True, sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
    op.create_table('end_statement',
    sa.Column('enrolment_id', sa.Integer(), nullable=False),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('written_by', sa.Integer(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.String(length=32), nullable=True),
    sa.Column('comment', sa.String(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['enrolment_id'], ['enrolment.id'], name=op.f('fk_end_statement_enrolment_id')),
    sa.ForeignKeyConstraint(['written_by'], ['user_account.id'], name=op.f('fk_end_statement_written_by')),
    sa.PrimaryKeyConstraint('enrolment_id', name=op.f('pk_end_statement'))
    )
    op.create_table('practice_log',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('enrolment_id', sa.Integer(), nullable=False),
    sa.Column('student_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('starts', sa.Integer(), nullable=True),
    sa.Column('ends', sa.Integer(), nullable=True),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('done', sa.String(), nullable=False),
    sa.Column('late_reason', sa.String(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_by', sa.Integer(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirmed_by', sa.Integer(), nullable=True),
    sa.Column('credit', sa.Integer(), nullable=True),
    sa.Column('rate', sa.Integer(), nullable=True),
    sa.Column('entry_number', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(starts IS NULL) = (ends IS NULL)', name=op.f('ck_practice_log_both_ends')),
    sa.CheckConstraint('minutes BETWEEN 1 AND 1440', name=op.f('ck_practice_log_minutes')),
    sa.CheckConstraint('starts IS NULL OR (starts >= 0 AND ends > starts AND ends <= 1440)', name=op.f('ck_practice_log_ends')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['user_account.id'], name=op.f('fk_practice_log_confirmed_by')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['enrolment.id'], name=op.f('fk_practice_log_enrolment_id')),
    sa.ForeignKeyConstraint(['entry_number'], ['ledger_entry.number'], name=op.f('fk_practice_log_entry_number')),
    sa.ForeignKeyConstraint(['student_id'], ['student.id'], name=op.f('fk_practice_log_student_id')),
    sa.ForeignKeyConstraint(['verified_by'], ['user_account.id'], name=op.f('fk_practice_log_verified_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_practice_log'))
    )
    op.create_index(op.f('ix_practice_log_enrolment_id'), 'practice_log', ['enrolment_id'], unique=False)
    op.create_index(op.f('ix_practice_log_state'), 'practice_log', ['state'], unique=False)
    op.create_index('ix_practice_log_student_id_day', 'practice_log', ['student_id', 'day'], unique=False)
    op.create_index(op.f('ix_practice_log_submitted_at'), 'practice_log', ['submitted_at'], unique=False)
    op.create_table('chase',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('log_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['log_id'], ['practice_log.id'], name=op.f('fk_chase_log_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_chase_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_chase'))
    )
    op.create_index(op.f('ix_chase_log_id'), 'chase', ['log_id'], unique=False)
    op.create_index(op.f('ix_chase_user_id'), 'chase', ['user_id'], unique=False)
    op.create_table('evidence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('log_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['log_id'], ['practice_log.id'], name=op.f('fk_evidence_log_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_evidence')),
    sa.UniqueConstraint('key', name=op.f('uq_evidence_key')),
    sa.UniqueConstraint('log_id', 'digest', name=op.f('uq_evidence_log_id_digest'))
    )
    op.create_index(op.f('ix_evidence_log_id'), 'evidence', ['log_id'], unique=False)
    op.create_table('log_competency',
    sa.Column('log_id', sa.Integer(), nullable=False),
    sa.Column('competency_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['competency_id'], ['competency.id'], name=op.f('fk_log_competency_competency_id')),
    sa.ForeignKeyConstraint(['log_id'], ['practice_log.id'], name=op.f('fk_log_competency_log_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('log_id', 'competency_id', name=op.f('pk_log_competency'))
    )
    op.create_index(op.f('ix_log_competency_competency_id'), 'log_competency', ['competency_id'], unique=False)
    op.create_table('log_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('log_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('role', sa.String(length=32), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['log_id'], ['practice_log.id'], name=op.f('fk_log_event_log_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_log_event_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_event'))
    )
    op.create_index(op.f('ix_log_event_log_id'), 'log_event', ['log_id'], unique=False)

    with op.batch_alter_table('student_level', schema=None) as batch_op:
        batch_op.add_column(sa.Column('assessed', sa.Integer(), nullable=False, server_default='0'))
        batch_op.create_check_constraint(op.f('ck_student_level_assessed'), 'assessed BETWEEN 0 AND 5')
    # What was verified before there was practice, something else stands behind.
    op.execute("UPDATE student_level SET assessed = verified")
    dialect = op.get_bind().dialect.name
    for statement in _guards(dialect)[0] + _side_doors(dialect)[0]:
        op.execute(statement)


def downgrade():
    dialect = op.get_bind().dialect.name
    for statement in _guards(dialect)[1] + _side_doors(dialect)[1]:
        op.execute(statement)
    with op.batch_alter_table('student_level', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_student_level_assessed'), type_='check')
        batch_op.drop_column('assessed')
    op.drop_table('log_event')
    op.drop_table('log_competency')
    op.drop_table('evidence')
    op.drop_table('chase')
    op.drop_table('practice_log')
    op.drop_table('end_statement')
    op.drop_table('credential')
    op.drop_table('agreement')
    op.drop_table('withdrawal')
    op.drop_table('taught_competency')
    op.drop_table('issued_transcript')
    op.drop_table('enrolment')
    op.drop_table('training_resource')
    op.drop_table('record_batch')
    op.drop_table('practice_rules')
    op.drop_table('ledger_posting')
    op.drop_table('ledger_head')
    op.drop_table('ledger_entry')
    op.drop_table('ledger_account')
