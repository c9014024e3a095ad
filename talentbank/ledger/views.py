"""The ledger's pages: the whole of it for those who look after the bank, an account for those whose it is."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, request

from talentbank.engine.ledger import AccountKind, EntryKind
from talentbank.extensions import lazy_gettext as _l
from talentbank.ledger import queries, service
from talentbank.ledger.queries import PostingFilter
from talentbank.permissions import Action
from talentbank.web import Page, actor, answer, asks, page_number

bp = Blueprint("ledger", __name__)

ACCOUNT_LABELS = {
    AccountKind.ISSUER: _l("Organisations that deposit"),
    AccountKind.RESOURCE: _l("Training resources"),
    AccountKind.STUDENT: _l("Students"),
    AccountKind.RECORD: _l("Records of universities"),
}
ENTRY_LABELS = {
    EntryKind.DEPOSIT: _l("Deposit"),
    EntryKind.PAYMENT: _l("Payment for practice"),
    EntryKind.WITHDRAWAL: _l("Withdrawal into the record"),
    EntryKind.REVERSAL: _l("Taken back"),
}

REVERSAL_LABELS = {
    EntryKind.DEPOSIT: _l("deposit taken back"),
    EntryKind.PAYMENT: _l("log taken back"),
    EntryKind.WITHDRAWAL: _l("withdrawal cancelled"),
}
_REASONS = {service.TAKEN_BACK[kind]: label for kind, label in REVERSAL_LABELS.items()}

bp.app_template_global("reversal_label")(lambda word: _REASONS[word])
bp.app_template_global("account_kind_label")(lambda kind: ACCOUNT_LABELS[AccountKind(kind)])
bp.app_template_global("entry_kind_label")(lambda kind: ENTRY_LABELS[EntryKind(kind)])


@bp.get("/ledger")
@asks(Action.READ_LEDGER)
def entries() -> Page:
    asked = request.args.get("kind", "")
    kind = AccountKind(asked) if asked in set(AccountKind) else None
    totals = queries.totals()
    page = queries.accounts(kind, page_number()) if kind else queries.newest(page_number())
    accounts = page.items if kind else queries.accounts_in(page.items)
    return answer(
        "ledger/entries.html",
        kind=kind,
        page=page,
        totals=totals,
        sum=sum(total.balance for total in totals.values()),
        head=queries.head(),
        names=queries.names(accounts),
    )


@bp.get("/ledger/accounts/<int:account_id>")
@asks(Action.READ_CREDITS)
def account(account_id: int) -> Page:
    found = queries.account(actor(), account_id)
    wanted = _wanted()
    page, rows = queries.postings(found.id, wanted, page_number())
    others = [row.other for row in rows]
    return answer(
        "ledger/account.html",
        account=found,
        wanted=wanted,
        page=page,
        rows=rows,
        sum=queries.posted(found.id, wanted),
        names=queries.names([found, *others]),
        seen=queries.seen_among(actor(), {other.id for other in others}),
        kinds=[EntryKind.DEPOSIT, EntryKind.PAYMENT, EntryKind.WITHDRAWAL],
    )


def _wanted() -> PostingFilter:
    kind, text = request.args.get("kind", ""), request.args.get("day", "")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = None
    if day is not None and not 2000 <= day.year <= 2100:  # others have no moment in UTC
        day = None
    return PostingFilter(EntryKind(kind) if kind in set(EntryKind) else None, day)
