"""What the ledger has to know of resources, which stand above it: their titles, and whose their accounts are."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, String, cast, literal, select

from talentbank.deposits.resources.models import TrainingResource
from talentbank.deposits.resources.queries import owned_by
from talentbank.extensions import db
from talentbank.ledger import queries as ledger
from talentbank.ledger.models import LedgerAccount
from talentbank.permissions import Actor


@ledger.names_resources
def titles(resource_ids: Collection[int]) -> dict[int, str]:
    """Titles by the resource's id, in the reader's language."""
    query = select(TrainingResource).where(TrainingResource.id.in_(resource_ids))
    return {resource.id: resource.shown_title for resource in db.session.scalars(query)}


@ledger.shows_also
def accounts_of_own_resources(actor: Actor) -> ColumnElement[bool]:
    """Accounts of the resources that the actor's organisation deposited."""
    account = literal("resource:") + cast(TrainingResource.id, String)
    return LedgerAccount.owner.in_(select(account).where(owned_by(actor)))
