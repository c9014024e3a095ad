"""What a walk over the ledger calls the first thing wrong."""

from __future__ import annotations

from talentbank.engine.ledger import Fault, Problem
from talentbank.extensions import lazy_gettext as _l

PROBLEMS = {
    Problem.NUMBER: _l("its number should be %(expected)s: an entry is missing or stands twice"),
    Problem.DIGEST: _l("its content is not what was sealed: the digest is %(computed)s, stored is %(stored)s"),
    Problem.CHAIN: _l(
        "it does not follow the entry before it, which was changed and sealed again: it carries %(stored)s, "
        "expected is %(expected)s"
    ),
    Problem.UNKNOWN_ACCOUNT: _l("there is no account %(account)s"),
    Problem.UNBALANCED: _l("its postings add up to %(sum)s hundredths instead of 0"),
    Problem.WRONG_ACCOUNTS: _l("its accounts don't fit a %(kind)s"),
    Problem.WRONG_REVERSAL: _l("it is no right reversal of entry %(reverses)s"),
    Problem.REVERSED_TWICE: _l("it reverses entry %(reverses)s, which entry %(by)s has reversed already"),
    Problem.PAID_TWICE: _l("it pays for %(reference)s, which entry %(paid)s has paid already"),
    Problem.NEGATIVE: _l("account %(account)s falls to %(balance)s hundredths, below zero"),
    Problem.HEAD: _l(
        "the last entry should be number %(stored)s with digest %(stored_digest)s, but it is number %(last)s with "
        "%(last_digest)s: entries were cut off or put on at the end"
    ),
    Problem.BALANCE: _l(
        "the balance of account %(account)s is stored as %(stored)s hundredths, but its postings add up to %(sum)s"
    ),
}


def fault_sentence(fault: Fault) -> str:
    """The first thing wrong with the ledger, as a sentence in the reader's language."""
    what = str(PROBLEMS[fault.problem]) % {**fault.detail, "account": fault.account}
    if fault.number is None:
        return str(_l("The ledger is not whole: %(what)s.", what=what))
    return str(
        _l("The ledger is not whole. First bad row, entry %(number)s: %(what)s.", number=fault.number, what=what)
    )
