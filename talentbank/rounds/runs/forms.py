"""What the chamber asks of a run, and what it binds runs with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, StringField, TextAreaField

from talentbank.competencies.catalogue import CATEGORY_LABELS
from talentbank.extensions import SHANGHAI
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import NumberField, WholeField, choices
from talentbank.rounds.forms import MUST_HAVE_LABELS, OBJECTIVE_LABELS, WEIGHTS, MeishanField
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs.models import HintKind, Method, RunState
from talentbank.rounds.runs.service import RunOrder

METHOD_LABELS = {
    Method.OPTIMUM: _l("The best for all together"),
    Method.DEFERRED_ACCEPTANCE: _l("Deferred acceptance, students proposing"),
}

RUN_STATE_LABELS = {
    RunState.QUEUED: _l("Waiting"),
    RunState.RUNNING: _l("Running"),
    RunState.DONE: _l("Solved and proven"),
    RunState.STOPPED: _l("Stopped"),
    RunState.FAILED: _l("Failed"),
    RunState.INFEASIBLE: _l("Not possible"),
}

RUN_STATE_TONES = {
    RunState.DONE: "green",
    RunState.FAILED: "red",
    RunState.INFEASIBLE: "red",
    RunState.STOPPED: "secondary",
    RunState.QUEUED: "yellow",
    RunState.RUNNING: "yellow",
}

PHASE_LABELS = {
    "pairs": _l("scoring pairs"),
    "prices": _l("finding first prices"),
    "seats": _l("giving seats"),
    "check": _l("checking all pairs"),
    "draw": _l("drawing among equals"),
    "proposals": _l("students propose"),
    "blocking": _l("counting blocking pairs"),
}

HINT_LABELS = {
    HintKind.AGREED: _l("Agreed outside: kept on every run"),
    HintKind.REQUIRE: _l("Require"),
    HintKind.ENCOURAGE: _l("Encourage"),
    HintKind.DISCOURAGE: _l("Discourage"),
    HintKind.FORBID: _l("Forbid"),
}

DECIMAL = {"inputmode": "decimal"}
NUMERIC = {"inputmode": "numeric"}


class RunForm(FlaskForm):
    """A run to be made; it begins from the round's policy."""

    version = HiddenField(default="0")
    label = StringField(_l("A name for this run, if you like"), render_kw={"maxlength": 120})
    method = SelectField(_l("How it matches"), choices=choices(METHOD_LABELS.items()), validate_choice=False)
    objective = SelectField(_l("What it maximises"), choices=choices(OBJECTIVE_LABELS.items()), validate_choice=False)
    trust = NumberField(_l("Trust in verification, 0 to 1"), render_kw=DECIMAL)
    min_score = NumberField(_l("Lowest score of a pair, 0 to 1"), render_kw=DECIMAL)
    must_have_on = SelectField(
        _l("Must-haves are tested on"), choices=choices(MUST_HAVE_LABELS.items()), validate_choice=False
    )
    weight_fit = NumberField(_l("Weight of the fit (a)"), render_kw=DECIMAL)
    weight_student = NumberField(_l("Weight of what the student wants (b)"), render_kw=DECIMAL)
    weight_enterprise = NumberField(_l("Weight of what the enterprise wants (c)"), render_kw=DECIMAL)
    with_quotas = BooleanField(_l("With the round's quotas"), default=True)
    near = WholeField(_l("Stay close to run number"), render_kw=NUMERIC)
    near_weight = NumberField(_l("How much staying close counts, up to 1"), render_kw=DECIMAL)

    def show(self, version: int, policy: RunPolicy) -> RunForm:
        """Fill a form that was not yet sent with what the round says."""
        self.version.data = str(version)
        for name in ("objective", "trust", "min_score", "must_have_on"):
            self[name].data = getattr(policy, name)
        for name, weight in zip(WEIGHTS, policy.weights, strict=True):
            self[name].data = weight
        return self

    def order(self) -> RunOrder:
        """The form's values as the service takes them; what is left blank is as the round says."""
        weights = (self.weight_fit.data, self.weight_student.data, self.weight_enterprise.data)
        return RunOrder(
            method=self.method.data or "",
            label=self.label.data or "",
            objective=self.objective.data,
            trust=self.trust.data,
            min_score=self.min_score.data,
            must_have_on=self.must_have_on.data,
            weights=None if weights == (None, None, None) else weights,
            with_quotas=bool(self.with_quotas.data),
            near=self.near.data,
            near_weight=self.near_weight.data,
        )


class HintForm(FlaskForm):
    """The chamber's word on a pair."""

    student_id = SelectField(_l("Student"), validate_choice=False)
    position_id = SelectField(_l("Position"), validate_choice=False)
    kind = SelectField(_l("What you say about the pair"), choices=choices(HINT_LABELS.items()), validate_choice=False)
    amount = NumberField(_l("What encouraging or discouraging weighs, up to 1"), render_kw=DECIMAL)
    reason = TextAreaField(_l("Reason"), render_kw={"rows": 2, "maxlength": 500, "required": True})

    def offer(self, students: Iterable[tuple[int, str]], positions: Iterable[tuple[int, str]]) -> HintForm:
        """Name whom and what can be chosen."""
        self.student_id.choices, self.position_id.choices = choices(students), choices(positions)
        return self


class QuotaForm(FlaskForm):
    """How many of a group are placed at least or at most."""

    university_id = SelectField(_l("From the university"), validate_choice=False)
    enterprise_id = SelectField(_l("To the enterprise"), validate_choice=False)
    category = SelectField(
        _l("In the category"), choices=choices([("", _l("any")), *CATEGORY_LABELS.items()]), validate_choice=False
    )
    at_least = WholeField(_l("At least"), render_kw=NUMERIC)
    at_most = WholeField(_l("At most"), render_kw=NUMERIC)
    reason = TextAreaField(_l("Reason"), render_kw={"rows": 2, "maxlength": 500, "required": True})

    def offer(self, universities: Iterable[tuple[int, str]], enterprises: Iterable[tuple[int, str]]) -> QuotaForm:
        """Name which universities and enterprises can be chosen."""
        self.university_id.choices = choices([("", _l("any")), *universities])
        self.enterprise_id.choices = choices([("", _l("any")), *enterprises])
        return self


class ShowForm(FlaskForm):
    """Until when a draft is shown for comment."""

    until = MeishanField(_l("Comments until (time in Meishan)"))

    def show(self, until: datetime) -> ShowForm:
        """Fill a form that was not yet sent."""
        self.until.process_data(until.astimezone(SHANGHAI))
        return self


class CommentForm(FlaskForm):
    """What an organisation says about a draft."""

    words = TextAreaField(_l("Your comment"), render_kw={"rows": 4, "maxlength": 2000, "required": True})
