"""The ledger's rules: against a naive model in any order of events, against tampering, and what a log pays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import lcm
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from talentbank.engine import ledger as rules
from talentbank.engine.ledger import AccountKind, Book, Entry, EntryKind, Fault, Posting, Problem, capped, credits_due

ISSUER, RESOURCE, STUDENT, RECORD = 1, 2, 3, 4
KINDS = dict(enumerate([*AccountKind] * 2, 1))
"""The accounts of a book that `opened` returns, two of each kind."""
WAYS = {"deposit": ("issuer", "resource"), "payment": ("resource", "student"), "withdrawal": ("student", "record")}


def opened() -> Book:
    book = Book()
    assert [book.open(kind) for kind in KINDS.values()] == list(KINDS)
    return book


def walked(book: Book, **changed: Any) -> Fault | None:
    """Walk a book of which something was changed."""
    stored = {"entries": book.entries, "accounts": KINDS, "balances": book.balances, "head": book.head}
    return rules.walk(**(stored | changed))


def sums(entries: Iterable[Entry]) -> dict[int, int]:
    """What the postings on each account add up to."""
    postings = [posting for entry in entries for posting in entry.postings]
    return {account: sum(p.amount for p in postings if p.account == account) for account in KINDS}


def test_the_format_of_an_entry_is_fixed() -> None:
    posted = [Posting(11, -125), Posting(2, 125)]
    about: dict[str, Any] = {"reference": "log:12", "reason": "重复 «twice»\n", "actor": "zone:5", "reverses": 3}
    at = "2026-11-25T01:16:00.000000+00:00"
    entry = rules.sealed((6, "ab" * 32), at=at, kind=EntryKind.REVERSAL, postings=posted, **about)
    written = (
        '{"actor":"zone:5","at":"2026-11-25T01:16:00.000000+00:00","kind":"reversal","number":7,'
        '"postings":[[2,125],[11,-125]],"previous":"' + "ab" * 32 + '","reason":"重复 «twice»\\n",'
        '"reference":"log:12","reverses":3}'
    )
    assert entry.digest == rules.digest_of(replace(entry, postings=tuple(posted))), "in any order"
    assert entry.digest == hashlib.sha256(written.encode()).hexdigest()
    assert entry.digest == "902a7929962ac196c1ad112ca340892c43eaf8869835e0554e01502f25d9d08d"
    assert (rules.GENESIS, rules.START) == ("0" * 64, (0, "0" * 64))


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    assert rules.stamp(datetime.fromisoformat("2026-11-25T09:16+08:00")) == "2026-11-25T01:16:00.000000+00:00"
    with pytest.raises(ValueError, match="time zone"):
        rules.stamp(datetime(2026, 11, 25))


@pytest.mark.parametrize("kind", EntryKind)
@pytest.mark.parametrize("giver", AccountKind)
@pytest.mark.parametrize("taker", AccountKind)
def test_each_kind_of_entry_goes_one_way_and_only_issuers_go_below_zero(kind: Any, giver: Any, taker: Any) -> None:
    holder, other = rules.Account(9, giver, 5), rules.Account(4, taker)
    if WAYS.get(kind) != (giver, taker):
        with pytest.raises(rules.WrongAccounts):
            rules.transfer(kind, holder, other, 5)
        return
    assert rules.transfer(kind, holder, other, 5) == (Posting(9, -5), Posting(4, 5))
    with pytest.raises(rules.NotPositive):
        rules.transfer(kind, holder, other, -1)
    if giver == "issuer":
        assert rules.transfer(kind, holder, other, 10**9)[0] == Posting(9, -(10**9))
    else:
        with pytest.raises(rules.Emptied, match="Account 9 holds 5 and can't give 6"):
            rules.transfer(kind, holder, other, 6)


@pytest.mark.parametrize("postings", [(), (1, 0, 2, 0), (1, -5, 2, 4), (1, -5, 1, 5), (1, -5, 2, 5, 3, 0)])
def test_nothing_unbalanced_is_sealed(postings: tuple[int, ...]) -> None:
    pairs = [Posting(*pair) for pair in zip(postings[::2], postings[1::2], strict=True)]
    with pytest.raises(rules.Unbalanced):
        rules.sealed(rules.START, at="", kind=EntryKind.DEPOSIT, reference="", actor="", postings=pairs)


def test_what_a_book_refuses() -> None:
    book = opened()
    elsewhere = opened()
    elsewhere.deposit(ISSUER, RESOURCE, 50, "resource:1")
    book.deposit(ISSUER, RESOURCE, 100, "resource:1")
    with pytest.raises(rules.Stale):
        book.append(elsewhere.checked(EntryKind.DEPOSIT, ISSUER, RESOURCE, 5, "resource:1"))
    book.pay(RESOURCE, STUDENT, 60, log=1)
    with pytest.raises(rules.PaidTwice, match="Entry 2 has paid for log:1") as paid:
        book.pay(RESOURCE, STUDENT, 1, log=1)
    assert (paid.value.reference, paid.value.entry) == ("log:1", 2)
    with pytest.raises(rules.ReasonMissing):
        book.reverse(2, " \n")
    with pytest.raises(rules.Emptied) as emptied:
        book.reverse(1, "the resource has paid with it")
    assert (emptied.value.account, emptied.value.balance, emptied.value.amount) == (RESOURCE, 40, 100)
    withdrawal = book.withdraw(STUDENT, RECORD, 1, "withdrawal:1")
    with pytest.raises(rules.Emptied):
        book.reverse(2, "the student has it no more")
    book.reverse(withdrawal.number, "not exported")
    back = book.reverse(2, "wrong hours")
    assert (back.kind, back.reference, back.reverses, back.reason) == ("reversal", "log:1", 2, "wrong hours")
    assert back.postings == (Posting(RESOURCE, 60), Posting(STUDENT, -60))
    with pytest.raises(rules.ReversedTwice) as twice:
        book.reverse(2, "again")
    assert (twice.value.entry, twice.value.by) == (2, back.number)
    with pytest.raises(rules.NotReversible):
        book.reverse(back.number, "it was right after all")
    for number in (-1, 0, 6):
        with pytest.raises(KeyError):
            book.reverse(number, "there is none")
    assert {account: n for account, n in book.balances.items() if n} == {ISSUER: -100, RESOURCE: 100}


@dataclass(frozen=True)
class Step:
    """Something to do; of is the number that a reversal takes back."""

    kind: EntryKind
    giver: int
    taker: int
    amount: int
    reference: str
    of: int | None = None
    reason: str = ""


class Several(RuleBasedStateMachine):
    """A Book beside a model that knows nothing but a list of what was done, and counts it all again each time.

    Three actors check what they want and book it at once, or later, with the others' doings between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.book = opened()
        self.done: list[Step] = []
        self.waiting: dict[str, tuple[Entry, Step, int]] = {}
        self.check("zone:3", Step(EntryKind.DEPOSIT, ISSUER, RESOURCE, 50, "resource:1"), at_once=True)

    def holds(self, account: int) -> int:
        return sum(((s.taker == account) - (s.giver == account)) * s.amount for s in self.done)

    def live(self, log: str) -> list[Step]:
        undone = {step.of for step in self.done}
        paid = [s for n, s in enumerate(self.done, 1) if s.kind == "payment" and n not in undone]
        return [step for step in paid if step.reference == log]

    def objections(self, step: Step) -> set[type[Exception]]:
        """All that speaks against a step."""
        if step.of is not None:
            found = {
                rules.NotReversible: self.done[step.of - 1].kind == "reversal",
                rules.ReversedTwice: any(s.of == step.of for s in self.done),
                rules.ReasonMissing: not step.reason.strip(),
            }
        else:
            found = {
                rules.NotPositive: step.amount < 1,
                rules.WrongAccounts: WAYS[step.kind] != (KINDS[step.giver], KINDS[step.taker]),
                rules.PaidTwice: step.kind == "payment" and bool(self.live(step.reference)),
            }
        found[rules.Emptied] = KINDS[step.giver] != "issuer" and self.holds(step.giver) < step.amount
        return {refusal for refusal, holds in found.items() if holds}

    def refused(self, refusals: set[type[Exception]], action: Callable[[], object]) -> None:
        """Do what must be refused, for one of the reasons, without changing anything."""
        before = (list(self.book.entries), dict(self.book.accounts), self.book.head)
        with pytest.raises(tuple(refusals)):
            action()
        assert (self.book.entries, self.book.accounts, self.book.head) == before

    def check(self, actor: str, step: Step, at_once: bool) -> None:
        def checked() -> Entry:
            if step.of is not None:
                return self.book.checked_reversal(step.of, step.reason, actor)
            return self.book.checked(step.kind, step.giver, step.taker, step.amount, step.reference, actor)

        if refusals := self.objections(step):
            self.refused(refusals, checked)
            return
        self.waiting[actor] = (checked(), step, len(self.done))
        if at_once:
            self.commit(actor)

    actors = st.sampled_from(["university:1", "university:2", "zone:3"])
    picks, hurry = st.tuples(*[st.integers(0, 9)] * 5), st.sampled_from([True, True, False])
    kinds_of_move = st.sampled_from([EntryKind.PAYMENT, *rules.FLOW])

    @rule(actor=actors, kind=kinds_of_move, picks=picks, at_once=hurry)
    def move(self, actor: str, kind: EntryKind, picks: tuple[int, ...], at_once: bool) -> None:
        *picked, log, amount, wild = picks
        sides = [[a for a, k in KINDS.items() if k == side or wild == 9] for side in WAYS[kind]]
        giver, taker = (side[pick % len(side)] for side, pick in zip(sides, picked, strict=True))
        self.check(actor, Step(kind, giver, taker, amount * (9 if kind == "deposit" else 1), f"log:{log}"), at_once)

    @precondition(lambda self: len(self.done) > 2)
    @rule(actor=actors, back=st.integers(0, 9), reason=st.sampled_from(["重复", "wrong", " "]), at_once=hurry)
    def undo(self, actor: str, back: int, reason: str, at_once: bool) -> None:
        of = len(self.done) - back % len(self.done)
        first = self.done[of - 1]
        step = Step(EntryKind.REVERSAL, first.taker, first.giver, first.amount, first.reference, of, reason)
        self.check(actor, step, at_once)

    @precondition(lambda self: self.waiting)
    @rule(actor=actors)
    def commit(self, actor: str) -> None:
        """Book what was checked before: refused if anything was booked since, whether or not it would matter."""
        if actor in self.waiting:
            entry, step, when = self.waiting.pop(actor)
            if when == len(self.done):
                self.book.append(entry)
                self.done.append(step)
            else:
                self.refused({rules.Stale}, lambda: self.book.append(entry))

    @invariant()
    def what_was_booked_is_what_was_done_and_the_chain_holds(self) -> None:
        for entry, s in zip(self.book.entries, self.done, strict=True):
            assert (entry.kind, entry.reference, entry.reverses) == (s.kind, s.reference, s.of)
            assert sorted(entry.postings) == sorted([Posting(s.giver, -s.amount), Posting(s.taker, s.amount)])
        assert self.book.balances == {account: self.holds(account) for account in KINDS}
        assert sum(self.book.balances.values()) == 0
        assert all(balance >= 0 or KINDS[a] == "issuer" for a, balance in self.book.balances.items())
        assert all(len(self.live(f"log:{log}")) <= 1 for log in range(10))
        carried = ["0" * 64, *(entry.digest for entry in self.book.entries)]
        assert [entry.previous for entry in self.book.entries] == carried[:-1]
        assert walked(self.book) is None


TestSeveral = Several.TestCase
TestSeveral.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A book with three entries at least: whatever came of a few steps, refused ones left out."""
    book = opened()
    pairs = {kind: [a for a, k in KINDS.items() if k is kind] for kind in AccountKind}
    book.deposit(ISSUER, RESOURCE, 100, "resource:1")
    book.pay(RESOURCE, STUDENT, 40, log=1)
    book.withdraw(STUDENT, RECORD, 10, "withdrawal:1")
    steps = st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 1), st.integers(1, 50), st.integers(1, 5))
    for what, giver, taker, amount, log in draw(st.lists(steps, max_size=7)):
        try:
            if what == 3:
                book.reverse(amount % len(book.entries) + 1, "a mistake")
            else:
                kind, (gives, takes) = list(rules.FLOW.items())[what]
                book.append(book.checked(kind, pairs[gives][giver], pairs[takes][taker], amount, f"log:{log}"))
        except rules.LedgerRefusal:
            continue
    return book


def times(entry: Entry, factor: int) -> Entry:
    return replace(entry, postings=tuple(replace(p, amount=factor * p.amount) for p in entry.postings))


def resealed(entry: Entry, **changes: Any) -> Entry:
    changed = replace(entry, **changes)
    return replace(changed, digest=rules.digest_of(changed))


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "amount": lambda e: replace(e, postings=(Posting(e.postings[0].account, 99), e.postings[1])),
    "account": lambda e: replace(e, postings=(e.postings[0], Posting(99, e.postings[1].amount))),
    "both amounts": lambda e: times(e, 2),
    "turned round": lambda e: times(e, -1),
    "posting lost": lambda e: replace(e, postings=e.postings[1:]),
    "posting added": lambda e: replace(e, postings=(*e.postings, Posting(99, 5))),
    "at": lambda e: replace(e, at=e.at.replace("20", "21", 1)),
    "kind": lambda e: replace(e, kind=next(kind for kind in EntryKind if kind is not e.kind)),
    "reference": lambda e: replace(e, reference=f"{e.reference}0"),
    "reason": lambda e: replace(e, reason=f"{e.reason}."),
    "actor": lambda e: replace(e, actor="chamber:1"),
    "reverses": lambda e: replace(e, reverses=(e.reverses or 0) + 1),
    "previous": lambda e: replace(e, previous="f" * 64),
    "digest": lambda e: replace(e, digest="f" * 64),
}
Rows = list[Entry]
TAMPERINGS: dict[str, Callable[[Rows, int, int], tuple[Rows, int, Problem]]] = {
    "lost": lambda rows, i, j: (rows[:i] + rows[i + 1 :], i + 2, Problem.NUMBER),
    "cut off": lambda rows, i, j: (rows[:j], len(rows) + 1, Problem.HEAD),
    "doubled": lambda rows, i, j: ([*rows[: j + 1], *rows[i:]], i + 1, Problem.NUMBER),
    "turned round": lambda rows, i, j: ([*rows[:i], *rows[i : j + 1][::-1], *rows[j + 1 :]], j + 1, Problem.NUMBER),
    "renumbered": lambda rows, i, j: ([*rows[:j], replace(rows[j], number=0)], 0, Problem.NUMBER),
    "written over": lambda rows, i, j: ([*rows[:i], replace(rows[j], number=i + 1)], i + 1, Problem.DIGEST),
    "sealed": lambda rows, i, j: ([*rows[:j], resealed(rows[j], actor=""), *rows[j + 1 :]], j + 2, Problem.CHAIN),
    "put on": lambda rows, i, j: (chained([*rows, rows[0]])[0], len(rows) + 1, Problem.HEAD),
}
"""Rows i and j, i < j, tampered with, and which row is the first that doesn't fit."""


@pytest.mark.parametrize("how", TAMPERINGS)
@settings(max_examples=60, deadline=None)
@given(book=books(), places=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_whoever_touches_rows_is_found(how: str, book: Book, places: tuple[int, int]) -> None:
    j = 1 + places[0] % (len(book.entries) - 1)
    rows, first, problem = TAMPERINGS[how](book.entries, places[1] % j, j)
    fault = walked(book, entries=iter(rows))
    assert fault is not None
    at_the_end = first > len(book.entries)  # where nothing follows that would not fit, but the head
    assert (fault.number, fault.problem) == ((None, Problem.HEAD) if at_the_end else (first, problem))


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=20, deadline=None)
@given(book=books(), place=st.integers(0, 99))
def test_a_changed_row_is_named_and_fits_no_better_sealed_again(change: str, book: Book, place: int) -> None:
    rows, i = list(book.entries), place % len(book.entries)
    rows[i] = CHANGES[change](rows[i])
    fault = walked(book, entries=rows)
    assert fault is not None
    assert (fault.number, fault.problem) == (i + 1, Problem.DIGEST)
    if change != "digest":  # its content is as it was, so sealing it again mends it
        rows[i] = resealed(rows[i])
        fault = walked(book, entries=rows)
        assert fault is not None
        after = (i + 2, Problem.CHAIN) if i + 1 < len(rows) else (None, Problem.HEAD)
        assert (fault.number, fault.problem) == after or fault.number == i + 1  # it breaks a rule by itself


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(0, 99))
def test_balances_show_that_amounts_or_rows_changed_though_all_is_sealed(book: Book, place: int) -> None:
    rows, i = list(book.entries), place % len(book.entries)
    entries, head = chained([*rows[:i], times(rows[i], 2), *rows[i + 1 :]])
    fault = walked(book, entries=entries, head=head)
    assert fault is not None
    assert fault.problem in (Problem.BALANCE, Problem.NEGATIVE, Problem.WRONG_REVERSAL)
    assert fault.number is None or fault.number > i
    entries, head = chained(rows[:-1])
    fault, total = walked(book, entries=entries, head=head), sums(entries)
    wrong = min(posting.account for posting in rows[-1].postings)
    assert fault == Fault(None, wrong, Problem.BALANCE, {"stored": book.balances[wrong], "sum": total[wrong]})


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(1, 4), st.sampled_from([-1, 1, 50]), st.sampled_from(AccountKind))
def test_a_changed_account_or_head_is_named(book: Book, account: int, change: int, kind: AccountKind) -> None:
    stored = book.balances[account] + change
    fault = walked(book, balances=book.balances | {account: stored})
    assert fault == Fault(None, account, Problem.BALANCE, {"stored": stored, "sum": stored - change})
    number, digest = book.head
    for head in ((number + change, digest), (number, "f" * 64), (number - 1, book.entries[-2].digest)):
        detail = {"stored": head[0], "last": number, "stored_digest": head[1], "last_digest": digest}
        assert walked(book, head=head) == Fault(None, None, Problem.HEAD, detail)
    kinds = dict(KINDS)
    first = next(e for e in book.entries if any(p.account == account for p in e.postings))
    if kind is not kinds[account]:
        fault = walked(book, accounts=kinds | {account: kind})
        assert fault == Fault(first.number, None, Problem.WRONG_ACCOUNTS, {"kind": first.kind})
    del kinds[account]
    assert walked(book, accounts=kinds) == Fault(first.number, account, Problem.UNKNOWN_ACCOUNT)


def test_an_empty_ledger_is_whole_and_holds_nothing() -> None:
    assert rules.walk([], {}, {}, rules.START) is rules.walk([], KINDS, {}, rules.START) is None
    assert rules.walk([], {}, {1: 0}, rules.START) == Fault(None, 1, Problem.UNKNOWN_ACCOUNT)
    fault = rules.walk([], KINDS, {STUDENT: 5}, rules.START)
    assert fault == Fault(None, STUDENT, Problem.BALANCE, {"stored": 5, "sum": 0})


def chained(rows: list[Entry]) -> tuple[list[Entry], rules.Head]:
    """The rows as one who can write everything would seal them again, and the head."""
    entries: list[Entry] = []
    head = rules.START
    for row in rows:
        entries.append(resealed(row, number=head[0] + 1, previous=head[1]))
        head = (entries[-1].number, entries[-1].digest)
    return entries, head


def row(kind: str, *postings: tuple[int, int], reason: str = "", of: int | None = None) -> Entry:
    listed = tuple(Posting(account, amount) for account, amount in postings)
    return Entry(0, "", EntryKind(kind), "log:1", reason, "", of, listed, "", "")


IN, PAID = row("deposit", (ISSUER, -99), (RESOURCE, 99)), row("payment", (RESOURCE, -40), (STUDENT, 40))
BACK = row("reversal", (RESOURCE, 40), (STUDENT, -40), reason="wrong", of=2)
FORTH = row("reversal", (RESOURCE, -40), (STUDENT, 40), reason="right", of=3)
OUT, MORE = row("withdrawal", (STUDENT, -40), (RECORD, 40)), row("payment", (RESOURCE, -1), (STUDENT, 1))
BROKEN: list[tuple[Rows, int | None, Problem, Any]] = [
    ([IN, row("payment", (RESOURCE, -40), (STUDENT, 41))], None, Problem.UNBALANCED, {"sum": 1}),
    ([IN, row("payment", (9, -40), (STUDENT, 40))], 9, Problem.UNKNOWN_ACCOUNT, {}),
    ([MORE], RESOURCE, Problem.NEGATIVE, {"balance": -1}),
    ([IN, PAID, OUT, BACK], STUDENT, Problem.NEGATIVE, {"balance": -40}),
    ([IN, PAID, MORE], None, Problem.PAID_TWICE, {"reference": "log:1", "paid": 2}),
    ([IN, PAID, BACK, PAID, MORE], None, Problem.PAID_TWICE, {"reference": "log:1", "paid": 4}),
    ([IN, PAID, BACK, BACK], None, Problem.REVERSED_TWICE, {"reverses": 2, "by": 3}),
    ([IN, PAID, BACK, FORTH], None, Problem.WRONG_REVERSAL, {"reverses": 3}),
    ([IN, PAID, row("reversal", reason="wrong", of=2)], None, Problem.WRONG_REVERSAL, {"reverses": 2}),
    ([IN, PAID, times(BACK, 2)], None, Problem.WRONG_REVERSAL, {"reverses": 2}),
    ([IN, PAID, replace(BACK, reason=" ")], None, Problem.WRONG_REVERSAL, {"reverses": 2}),
    ([IN, PAID, replace(MORE, reference="", reverses=2)], None, Problem.WRONG_REVERSAL, {"reverses": 2}),
    *(
        ([IN, PAID, replace(BACK, reverses=of)], None, Problem.WRONG_REVERSAL, {"reverses": of or 0})
        for of in (None, -1, 0, 1, 3, 4)
    ),
    *(
        ([IN, row(kind, *postings)], None, Problem.WRONG_ACCOUNTS, {"kind": kind})
        for kind, postings in (
            ("payment", [(RESOURCE, 40), (STUDENT, -40)]),
            ("deposit", [(ISSUER, -1), (STUDENT, 1)]),
            ("withdrawal", [(RESOURCE, -1), (RECORD, 1)]),
            ("payment", [(RESOURCE, 0), (STUDENT, 0)]),
            ("payment", [(RESOURCE, -40), (STUDENT, 39), (RECORD, 1)]),
            ("payment", []),
        )
    ),
]


@pytest.mark.parametrize(("rows", "account", "problem", "detail"), BROKEN)
def test_a_broken_rule_is_named_though_all_is_sealed(rows: Any, account: Any, problem: Any, detail: Any) -> None:
    entries, head = chained(rows)
    assert rules.walk(entries, KINDS, sums(entries), head) == Fault(len(rows), account, problem, detail)
    good, head = chained(rows[:-1])
    assert rules.walk(good, KINDS, sums(good), head) is None


Practice = list[tuple[int, int]]
practice = st.lists(st.tuples(st.integers(1, 1440), st.integers(1, 200)), max_size=20)
"""Minutes and hours a credit of the logs of one enrolment."""


def worth(logs: Practice) -> int:
    """The hundredths of a credit that logs are worth together, rounded down, in whole numbers only."""
    common = lcm(*(rate for _, rate in logs))
    return sum(100 * minutes * (common // rate) for minutes, rate in logs) // (60 * common)


def confirmed(logs: Practice) -> list[int]:
    """What each log pays when they are confirmed one after another."""
    paid: list[int] = []
    for count in range(1, len(logs) + 1):
        paid.append(credits_due(logs[:count], sum(paid)))
    return paid


@given(practice, st.integers(0, 99), st.integers(1, 60))
def test_logs_in_any_order_pay_together_what_they_are_worth(logs: Practice, place: int, parts: int) -> None:
    paid = confirmed(logs)
    assert all(amount >= 0 for amount in paid)
    assert sum(paid) == worth(logs)
    if logs:
        i = place % len(logs)
        minutes, rate = logs.pop(i)
        assert credits_due([*logs, (minutes, rate)], sum(paid) - paid[i]) == paid[i], "reversed and confirmed again"
        split = [(minutes // parts, rate)] * (parts - 1) + [(minutes - minutes // parts * (parts - 1), rate)]
        assert sum(confirmed([*split, *logs])) == sum(paid), "in many short logs instead of one"


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2)), max_size=30), st.randoms())
def test_reversals_shift_at_most_a_hundredth_a_confirmation(steps: list[tuple[int, int, int]], random: Any) -> None:
    live: list[tuple[tuple[int, int], int]] = []
    confirmations = 0
    for minutes, rate, what in steps:
        if what == 0 and live:
            live.pop(random.randrange(len(live)))
            continue
        logs, paid = [*(log for log, _ in live), (minutes, rate)], sum(amount for _, amount in live)
        due = credits_due(logs, paid)
        assert paid + due == max(paid, worth(logs))
        live.append(((minutes, rate), due))
        confirmations += 1
    exact = sum(Fraction(100 * minutes, 60 * rate) for (minutes, rate), _ in live)
    assert abs(sum(amount for _, amount in live) - exact) <= confirmations


def test_amounts_are_exact_at_any_size_and_rate() -> None:
    assert (credits_due([(1, 16)], 0), sum(confirmed([(1, 16)] * 60)), credits_due([(960, 16)], 0)) == (0, 6, 100)
    assert credits_due([(5, 16), (1, 16)], 1) == 0, "a log like the first was paid up, then reversed"
    assert credits_due([(3 * 10**20, 5), (1, Fraction(5, 3))], 0) == 10**20 + 1
    assert credits_due([(3 * 10**20 - 1, 5)], 0) == 10**20 - 1
    for minutes, rate in ((-1, 16), (60, 0), (60, -16)):
        with pytest.raises(ValueError, match="hours a credit"):
            credits_due([(minutes, rate)], 0)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_a_cap_a_term_lets_through_what_is_left_of_it(due: int, earned: int, cap: int) -> None:
    paid = capped(due, earned, cap)
    assert 0 <= paid <= due == capped(due, earned, None)
    assert earned + paid <= max(cap, earned)
    assert paid == due or earned + paid >= cap
