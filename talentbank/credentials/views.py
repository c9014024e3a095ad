"""A student's credits and what is made of them, the university's record, and the pages on which anybody checks."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, current_app, flash, make_response, redirect, request, url_for

from talentbank.competencies.models import Student
from talentbank.credentials import badges, checking, queries, service, statement, withdrawals
from talentbank.credentials import owners as _owners  # noqa: F401  (tells the ledger of resources)
from talentbank.credentials.bank import Bank, absent, check_url
from talentbank.credentials.checking import CheckedTranscript, TakenBack
from talentbank.credentials.codes import read_code
from talentbank.credentials.forms import WithdrawalForm, reason_text
from talentbank.credentials.models import CredentialKind
from talentbank.credentials.transcript import Transcript
from talentbank.engine.units import credits_text
from talentbank.errors import Invalid, NotFound
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import limiter
from talentbank.permissions import Action, Role
from talentbank.practice.rules.views import credit_word
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("credentials", __name__)

bp.app_template_global("reason_text")(reason_text)

VC = "application/vc"
"""What a verifiable credential is sent as (W3C Verifiable Credentials Data Model 2.0)."""
GUESSES = "60/minute"
"""How often an address may ask for codes or what is published: more than a person does, nothing against 120 bits."""


def issuing() -> Bank:
    """The bank at its public address, with its key, for who issues. Raises KeyMissing."""
    return Bank.issuing(current_app.config["BANK_URL"], current_app.config["BANK_ISSUER_KEY"])


def published() -> Bank:
    """The same for who checks, which never makes a key. Raises NotFound, or KeyMissing."""
    path = current_app.config["BANK_ISSUER_KEY"]
    found = Bank.known(current_app.config["BANK_URL"], path)
    if found is None:
        raise absent(path)
    return found


@bp.get("/credits", endpoint="statement")
@asks(Action.READ_CREDITS)
def statement_page() -> Page:
    student_id = id_asked("student")
    if student_id is None and actor().role is Role.UNIVERSITY:
        return redirect(url_for("credentials.record"))
    if student_id is None and actor().role is Role.STUDENT and queries.own_student(actor()) is None:
        return answer("credentials/no_profile.html")
    return _statement(queries.student(actor(), student_id))


def _statement(student: Student, form: WithdrawalForm | None = None) -> Page:
    shown = statement.statement_of(student)
    own = actor().role is Role.STUDENT
    if own and form is None:
        form = WithdrawalForm()
        form.amount.data = form.seen.data = shown.balance
    credentials = queries.credentials_of(student.id)
    reached = queries.reached(student.id) if own else []
    trainings, competencies = statement.attestable(shown.trainings, reached, credentials)
    return answer(
        "credentials/statement.html",
        form,
        statement=shown,
        listed=_narrowed(shown),
        student=student,
        own=own,
        withdrawals=queries.withdrawals_of(student.id),
        transcripts=queries.transcripts_of(student.id),
        credentials=credentials,
        trainings=trainings,
        competencies=competencies,
        check_url=partial(check_url, current_app.config["BANK_URL"]),
    )


def _narrowed(shown: statement.Statement) -> list[queries.Practised]:
    """The trainings of one category or one host, where the reader came by a number of theirs."""
    category, host = request.args.get("category", ""), request.args.get("host", "")
    return [
        row
        for row in shown.trainings
        if (not category or row.enrolment.resource.category.value == category)
        and (not host or str(row.enrolment.resource.owner_id) == host)
    ]


@bp.post("/credits/withdraw")
@asks(Action.WITHDRAW_CREDITS)
def withdraw() -> Page:
    form = WithdrawalForm()
    made = attempt(form, lambda: withdrawals.withdraw(actor(), form.amount.data, whole("seen")))
    if made is None:
        return _statement(queries.student(actor()), form)
    said = _(
        "%(amount)s %(word)s are on their way into your university's record.",
        amount=credits_text(made.amount),
        word=credit_word(made.university_id),
    )
    flash(said, "success")
    return redirect(url_for("credentials.statement", _anchor="withdrawals"))


@bp.post("/credits/withdrawals/<int:withdrawal_id>/cancel")
@asks(Action.WITHDRAW_CREDITS)
def cancel(withdrawal_id: int) -> Page:
    withdrawn = withdrawals.cancel(actor(), withdrawal_id, request.form.get("reason", ""))
    said = _(
        "%(amount)s %(word)s are back on your account.",
        amount=credits_text(withdrawn.amount),
        word=credit_word(withdrawn.university_id),
    )
    flash(said, "success")
    return redirect(url_for("credentials.statement", _anchor="withdrawals"))


@bp.get("/credits/record")
@asks(Action.EXPORT_CREDITS)
def record() -> Page:
    university_id = actor().organisation_id or 0
    waiting = queries.waiting(university_id)
    page, accounts = queries.holders(university_id, request.args.get("q", "").strip(), page_number())
    return answer(
        "credentials/record.html",
        waiting=waiting,
        sum_waiting=sum(row.withdrawal.amount for row in waiting),
        batches=queries.batches(university_id),
        page=page,
        accounts=accounts,
    )


@bp.post("/credits/record")
@asks(Action.EXPORT_CREDITS)
def export() -> Page:
    made = withdrawals.export(actor())
    flash(_("Export %(number)s is made: download it below, as often as you need.", number=made.id), "success")
    return redirect(url_for("credentials.record", _anchor=f"batch-{made.id}"))


@bp.get("/credits/record/<int:batch_id>.csv")
@asks(Action.EXPORT_CREDITS)
def batch(batch_id: int) -> Page:
    found = queries.batch(actor(), batch_id)
    content = withdrawals.csv_of(found, queries.withdrawn_in(found.id))
    return _download(content, "text/csv; charset=utf-8", f"credits-{found.id}.csv")


@bp.post("/credits/transcripts")
@asks(Action.ISSUE_TRANSCRIPT)
def issue_transcript() -> Page:
    service.issue_transcript(actor(), issuing())
    flash(_("The transcript is issued. It shows what stood at this moment."), "success")
    return redirect(url_for("credentials.statement", _anchor="transcripts"))


@bp.get("/credits/transcripts/<code>.pdf")
@asks(Action.READ_CREDITS)
def transcript(code: str) -> Page:
    from talentbank.credentials.printing import render  # noqa: PLC0415  (a third of a second that no other page needs)

    found = queries.transcript(actor(), read_code(code))
    return _download(render(Transcript.read(found.content)), "application/pdf", f"transcript-{found.code}.pdf")


@bp.post("/credits/transcripts/<code>/revoke")
@asks(Action.ISSUE_TRANSCRIPT)
def revoke_transcript(code: str) -> Page:
    service.revoke_transcript(actor(), code)
    flash(_("The transcript is taken back: whoever checks it is told so."), "success")
    return redirect(url_for("credentials.statement", _anchor="transcripts"))


@bp.post("/credits/credentials")
@asks(Action.ISSUE_CREDENTIAL)
def issue() -> Page:
    kind = request.form.get("kind", "")
    if kind == CredentialKind.CREDIT:
        service.attest_credit(actor(), issuing(), whole("enrolment"))
    elif kind == CredentialKind.COMPETENCY:
        service.attest_competency(actor(), issuing(), whole("competency"))
    else:
        raise Invalid(_l("A credential attests credit or a competency: use the page's own buttons."))
    flash(_("The credential is issued and signed."), "success")
    return redirect(url_for("credentials.statement", _anchor="credentials"))


@bp.post("/credits/credentials/<code>/revoke")
@asks(Action.ISSUE_CREDENTIAL)
def revoke(code: str) -> Page:
    service.revoke(actor(), code)
    flash(_("The credential is revoked: whoever checks it is told so."), "success")
    return redirect(url_for("credentials.statement", _anchor="credentials"))


@bp.get("/check")
@bp.get("/check/<code>")
@asks(Action.CHECK_CREDENTIAL)
@limiter.limit(GUESSES)
def check(code: str = "") -> Page:
    typed = request.args.get("code", "").strip()
    if typed:
        return redirect(url_for("credentials.check", code=read_code(typed) or typed.replace("/", " ")))
    found = checking.check(published, code) if code else None
    template = "credentials/check.html"
    if isinstance(found, TakenBack):
        template = "credentials/check_taken_back.html"
    elif found is not None:
        paper = isinstance(found, CheckedTranscript)
        template = "credentials/check_transcript.html" if paper else "credentials/check_credential.html"
    page = make_response(answer(template, found=found, code=code))
    if code and found is None:
        page.status_code = 404
    page.headers["X-Robots-Tag"] = "noindex"
    return page


@bp.get("/credentials/<code>")
@asks(Action.CHECK_CREDENTIAL)
@limiter.limit(GUESSES)
def credential(code: str) -> Page:
    found = queries.credential_by_code(read_code(code))
    if found is not None and found.revoked_at and found.student.user_id != actor().user_id:
        gone = {"status": HTTPStatus.GONE, "title": "Revoked", "detail": "This credential was revoked."}
        sent = _published(gone, "application/problem+json")
        sent.status_code = HTTPStatus.GONE
        return sent
    return _published(found.document if found else None, VC)


@bp.get("/issuer")
@asks(Action.CHECK_CREDENTIAL)
@limiter.limit(GUESSES)
def issuer() -> Page:
    return _published(badges.issuer_profile(published().issuer))


@bp.get("/.well-known/did.json")
@bp.get("/did.json")
@asks(Action.CHECK_CREDENTIAL)
@limiter.limit(GUESSES)
def did() -> Page:
    """Where did:web looks for the key; the second address is that of a bank that stands below a path."""
    ours = published()
    return _published(badges.did_document(ours.issuer, ours.key.public_key()))


@bp.get("/credentials/status/<int:number>")
@asks(Action.CHECK_CREDENTIAL)
@limiter.limit(GUESSES)
def status(number: int) -> Page:
    return _published(checking.status_list(published(), number), VC)


@bp.get("/achievements/<slug>")
@asks(Action.CHECK_CREDENTIAL)
@limiter.limit(GUESSES)
def achievement(slug: str) -> Page:
    return _published(checking.achievement(published(), slug))


def _published(document: badges.Json | None, mimetype: str = "application/json") -> Response:
    """A document that verifiers read, from any page in a browser as well. Raises NotFound."""
    if document is None:
        raise NotFound(_l("There is no such document."))
    sent = Response(json.dumps(document, ensure_ascii=False, indent=2), mimetype=mimetype)
    sent.headers["Access-Control-Allow-Origin"] = "*"
    sent.headers["X-Robots-Tag"] = "noindex"
    return sent


def _download(content: bytes, mimetype: str, name: str) -> Response:
    sent = Response(content, content_type=mimetype)
    sent.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return sent
