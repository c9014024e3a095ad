"""Runs side by side, their hints and quotas, and drafts for comment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for

from talentbank.competencies.catalogue import CATEGORY_LABELS, Category
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import ngettext, now
from talentbank.permissions import Action, Role
from talentbank.rounds import queries as rounds
from talentbank.rounds.forms import OBJECTIVE_LABELS
from talentbank.rounds.models import Objective, Round
from talentbank.rounds.policy import QuotaRow, RunPolicy
from talentbank.rounds.runs import comparing, drafts, queries, service
from talentbank.rounds.runs import hints as binding
from talentbank.rounds.runs.forms import (
    HINT_LABELS,
    METHOD_LABELS,
    PHASE_LABELS,
    RUN_STATE_LABELS,
    RUN_STATE_TONES,
    CommentForm,
    HintForm,
    QuotaForm,
    RunForm,
    ShowForm,
)
from talentbank.rounds.runs.models import ENDED, Method, Run, RunState
from talentbank.web import MOST_ID, Page, actor, answer, asks, attempt, id_asked, whole

bp = Blueprint("runs", __name__)

bp.app_template_global("run_state_label")(lambda state: RUN_STATE_LABELS[state])
bp.app_template_global("run_state_tone")(lambda state: RUN_STATE_TONES[state])
bp.app_template_global("method_label")(lambda method: METHOD_LABELS[method])
bp.app_template_global("phase_label")(lambda phase: PHASE_LABELS.get(phase, _l("getting ready")))
bp.app_template_global("hint_label")(lambda kind: HINT_LABELS[kind])

CHOICES_SHOWN = 3
DRAFT_DAYS = timedelta(days=3)

Figures = list[tuple[str, str]]
"""Labels and values, the same labels in the same order for each run."""


@bp.get("/rounds/<int:round_id>/runs")
@asks(Action.READ_ROUNDS)
def runs(round_id: int) -> Page:
    found = rounds.round_(round_id)
    all_runs = queries.runs(round_id)
    filled = comparing.filled_by_category(round_id)
    figures = {run.id: _figures(run, filled.get(run.id, {})) for run in all_runs}
    wanting = {run.id: _wanting(run) for run in all_runs}
    done = [run for run in all_runs if run.state is RunState.DONE]
    return answer("runs/runs.html", round=found, runs=all_runs, figures=figures, wanting=wanting, done=done)


@bp.route("/rounds/<int:round_id>/runs/new", methods=["GET", "POST"])
@asks(Action.RUN_ROUND)
def start(round_id: int) -> Page:
    found = rounds.round_(round_id)
    form = RunForm()
    if request.method == "GET":
        form.show(found.version, RunPolicy.read(found.policy))
        form.near.data = id_asked("near")
    made = attempt(form, lambda: service.start(actor(), round_id, whole("version"), form.order()))
    if made is None:
        return answer("runs/start.html", form, round=found, quotas=len(queries.quotas(round_id)))
    return redirect(url_for("runs.run", round_id=round_id, number=made.number))


@bp.get("/rounds/<int:round_id>/runs/<int:number>")
@asks(Action.READ_ROUNDS)
def run(round_id: int, number: int) -> Page:
    return _run_page(rounds.round_(round_id), queries.run(round_id, number), None)


def _run_page(found: Round, solved: Run, form: ShowForm | None) -> Page:
    filled = comparing.filled_by_category(found.id).get(solved.id, {})
    shown = form or ShowForm(formdata=None).show(now() + DRAFT_DAYS)
    others = [r for r in queries.runs(found.id) if r.state is RunState.DONE and r.id != solved.id]
    page = render_template(
        "runs/run.html",
        form=shown,
        round=found,
        run=solved,
        figures=_figures(solved, filled),
        enterprises=comparing.filled_by_enterprise(solved.id),
        wanting=_wanting(solved),
        showing=drafts.showing(solved.id),
        comments=drafts.comments(solved.id),
        others=others,
        ended=solved.state in ENDED,
        now=now(),
    )
    return page, 400 if form is not None and form.errors else 200


@bp.get("/rounds/<int:round_id>/runs/<int:number>/progress")
@asks(Action.READ_ROUNDS)
def progress(round_id: int, number: int) -> Page:
    going = queries.run(round_id, number)
    if request.headers.get("HX-Request") != "true":  # a person who followed the address, not the page itself
        return redirect(url_for("runs.run", round_id=round_id, number=number))
    response: Response = make_response(render_template("runs/_progress.html", run=going))
    if going.state in ENDED:
        response.headers["HX-Refresh"] = "true"
    return response


@bp.post("/rounds/<int:round_id>/runs/<int:number>/stop")
@asks(Action.RUN_ROUND)
def stop(round_id: int, number: int) -> Page:
    stopped = service.stop(actor(), round_id, number)
    flash(
        _("The run is stopped.") if stopped.state is RunState.STOPPED else _("The run stops as soon as it can."),
        "success",
    )
    return redirect(url_for("runs.run", round_id=round_id, number=number))


@bp.post("/rounds/<int:round_id>/runs/<int:number>/select")
@asks(Action.RUN_ROUND)
def select(round_id: int, number: int) -> Page:
    service.select_run(actor(), round_id, whole("version"), number)
    flash(_("Run %(number)s is chosen. Nothing has gone out yet.", number=number), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.get("/rounds/<int:round_id>/compare")
@asks(Action.READ_ROUNDS)
def compare(round_id: int) -> Page:
    found = rounds.round_(round_id)
    first, second = (queries.run(round_id, id_asked(name) or 0) for name in ("a", "b"))
    filled = comparing.filled_by_category(round_id)
    figures = [_figures(run, filled.get(run.id, {})) for run in (first, second)]
    return answer(
        "runs/compare.html",
        round=found,
        a=first,
        b=second,
        figures=[(label, one, other) for (label, one), (_label, other) in zip(*figures, strict=True)],
        comparison=comparing.compare(first, second),
    )


@bp.route("/rounds/<int:round_id>/hints", methods=["GET", "POST"])
@asks(Action.SET_HINT)
def hints(round_id: int) -> Page:
    found = rounds.round_(round_id)
    form = HintForm().offer(
        [
            (entry.student_id, f"{entry.number} · {entry.student.user.shown_name} · {entry.student.university.name}")
            for entry in queries.students_of(round_id)
        ],
        [(p.id, f"{p.shown_title} · {p.enterprise.name}") for p in queries.positions_of(round_id)],
    )
    made = attempt(
        form,
        lambda: binding.set_hint(
            actor(),
            round_id,
            _id(form.student_id.data),
            _id(form.position_id.data),
            form.kind.data or "",
            form.amount.data,
            form.reason.data or "",
        ),
    )
    if made is None:
        return answer("runs/hints.html", form, round=found, hints=queries.hints(round_id))
    flash(_("The hint is kept: runs from now on obey it."), "success")
    return redirect(url_for("runs.hints", round_id=round_id))


@bp.post("/hints/<int:hint_id>/remove")
@asks(Action.SET_HINT)
def remove_hint(hint_id: int) -> Page:
    round_id = binding.remove_hint(actor(), hint_id)
    flash(_("The hint is taken back."), "success")
    return redirect(url_for("runs.hints", round_id=round_id))


@bp.route("/rounds/<int:round_id>/quotas", methods=["GET", "POST"])
@asks(Action.SET_QUOTA)
def quotas(round_id: int) -> Page:
    found = rounds.round_(round_id)
    form = QuotaForm().offer(*(_named(kind) for kind in (Role.UNIVERSITY, Role.ENTERPRISE)))
    made = attempt(
        form,
        lambda: binding.set_quota(
            actor(),
            round_id,
            _id(form.university_id.data),
            _id(form.enterprise_id.data),
            form.category.data or "",
            form.at_least.data,
            form.at_most.data,
            form.reason.data or "",
        ),
    )
    if made is None:
        kept = queries.quotas(round_id)
        said = zip(kept, _words([quota.row for quota in kept]), strict=True)
        return answer("runs/quotas.html", form, round=found, quotas=list(said))
    flash(_("The quota is kept: runs from now on obey it."), "success")
    return redirect(url_for("runs.quotas", round_id=round_id))


@bp.post("/quotas/<int:quota_id>/remove")
@asks(Action.SET_QUOTA)
def remove_quota(quota_id: int) -> Page:
    round_id = binding.remove_quota(actor(), quota_id)
    flash(_("The quota is taken back."), "success")
    return redirect(url_for("runs.quotas", round_id=round_id))


@bp.post("/rounds/<int:round_id>/runs/<int:number>/show")
@asks(Action.SHOW_DRAFT)
def show_draft(round_id: int, number: int) -> Page:
    if request.form.get("end"):
        drafts.end_draft(actor(), round_id, number)
        flash(_("The draft is shown no longer. Its comments are kept."), "success")
        return redirect(url_for("runs.run", round_id=round_id, number=number))
    form = ShowForm()
    shown = attempt(form, lambda: drafts.show_draft(actor(), round_id, number, form.until.data))
    if shown is None:
        return _run_page(rounds.round_(round_id), queries.run(round_id, number), form)
    flash(_("The draft is shown to its enterprises and universities."), "success")
    return redirect(url_for("runs.run", round_id=round_id, number=number))


@bp.route("/drafts/<int:run_id>", methods=["GET", "POST"])
@asks(Action.READ_DRAFT)
def draft(run_id: int) -> Page:
    form = CommentForm()
    said = attempt(form, lambda: drafts.comment(actor(), run_id, form.words.data or ""))
    if said is None:
        return answer("runs/draft.html", form, draft=drafts.draft(actor(), run_id))
    flash(_("Your comment is with the chamber."), "success")
    return redirect(url_for("runs.draft", run_id=run_id))


def _figures(solved: Run, filled: dict[Category, tuple[int, int]]) -> Figures:
    policy, done = RunPolicy.load(solved.policy), solved.state is RunState.DONE

    def told(text: str) -> str:
        return text if done else "–"

    got = [*solved.choices, *[0] * CHOICES_SHOWN]
    optimum = solved.method is Method.OPTIMUM
    seats = [
        (
            str(_("Filled: %(category)s", category=CATEGORY_LABELS[category])),
            told(f"{filled[category][0]} / {filled[category][1]}" if category in filled else "0 / 0"),
        )
        for category in Category
    ]
    return [
        (_("Method"), str(METHOD_LABELS[solved.method])),
        (_("What it maximises"), str(OBJECTIVE_LABELS[Objective(policy.objective)])),
        (_("Weights a, b, c"), " · ".join(f"{weight:g}" for weight in policy.weights)),
        (_("Trust in verification"), f"{policy.trust:g}"),
        (_("People placed"), told(f"{solved.matched} / {solved.students}")),
        *seats,
        (_("Total score"), told(f"{solved.total_score:.4f}")),
        (_("Median score"), told(f"{solved.median:.3f}")),
        (_("First, second, third choice"), told(" · ".join(str(n) for n in got[:CHOICES_SHOWN]))),
        (_("Blocking pairs"), told(str(solved.blocking))),
        (_("Largest violation of the proof"), told(f"{solved.certificate:.1e}" if optimum else "–")),
        (_("Commitment"), f"{solved.commitment[:16]}…" if solved.commitment else "–"),
    ]


def _wanting(solved: Run) -> list[str]:
    """In words: promises that can't be kept, or limits that a run breaks."""
    rows = RunPolicy.load(solved.policy).quotas
    if solved.state is RunState.INFEASIBLE:
        words = _words(rows)
        return [
            f"{words[at]} — " + ngettext("%(num)d person short", "%(num)d people short", short)
            for at, short in solved.unmet
            if at < len(words)
        ]
    if solved.state is not RunState.DONE or solved.method is Method.OPTIMUM:
        return []  # of an optimum it is proven that it keeps them
    broken = comparing.broken(solved)
    words = _words(rows) if broken else []
    return [f"{words[at]} — " + ngettext("%(num)d placed", "%(num)d placed", count) for at, count in broken]


def _words(rows: Sequence[QuotaRow]) -> list[str]:
    """Each quota in words, the organisations named."""
    named = queries.organisations(int(id_) for row in rows for id_ in row[:2] if id_)
    found = []
    for university, enterprise, category, least, most in rows:
        whom = [
            _("from %(university)s", university=named[int(university)].name) if university else "",
            _("to %(enterprise)s", enterprise=named[int(enterprise)].name) if enterprise else "",
            _("in %(category)s", category=CATEGORY_LABELS[Category(category)]) if category else "",
        ]
        limits = [
            _("at least %(least)s", least=least) if least else "",
            _("at most %(most)s", most=most) if most is not None else "",
        ]
        found.append(f"{' · '.join(filter(None, whom))}: {' · '.join(filter(None, limits))}")
    return found


def _named(kind: Role) -> list[tuple[int, str]]:
    return [(organisation.id, organisation.name) for organisation in queries.organisations_of(kind)]


def _id(text: str | None) -> int | None:
    """An id that was chosen: None where none was, 0, which nothing has, for one that can't be."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MOST_ID else 0
