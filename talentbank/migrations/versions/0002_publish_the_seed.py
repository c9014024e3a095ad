"""publish the seed of a round's draw

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-24 22:50:12.408311

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


# No batch: on SQLite that makes the table anew, and what guards it (0001, TRIGGERS) would be left behind.
# Rounds from before keep the empty seed: those that ended may not be changed any more.


def upgrade():
    op.add_column('round', sa.Column('seed', sa.String(length=32), nullable=False, server_default=''))


def downgrade():
    op.drop_column('round', 'seed')
