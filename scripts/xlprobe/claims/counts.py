"""What a run is by its configuration: how many languages, checkpoints, settings (paper 1: 2, Table 1, Appendix A). Nothing is tested."""

from collections.abc import Sequence
from typing import Any

from xlprobe.claims.curve_values import PAIR
from xlprobe.claims.finding import COUNT, GIB, STEP, ConfiguredRun, Finding, JudgedRun, NotMeasured
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import TASKS
from xlprobe.metrics.training_outcomes import one_language

# What claims call the models of a run; of the first, arguments are what a paper says of its model.
MODELS = ("model", "control", "resampled")


def _codes(run: JudgedRun, task: str, setting: str) -> list[set[str]]:
    """The sources' languages and the targets'; bits count both scripts of Chinese."""
    rows = run.tables.curves("best", task, setting)
    return [{*(rows[name] if task == "bpc" else rows[name].map(one_language))} for name in PAIR]


def measured_languages(run: JudgedRun, *, task: str, setting: str) -> list[Finding]:
    """How many languages a task is measured in; of transfer how many are sources, and how many targets (Table 1)."""
    sources, targets = _codes(run, task, setting)
    if setting == IN_LANGUAGE:
        return [Finding(value=float(len(sources)), n=len(sources), formula="count of languages", unit=COUNT)]
    ends = (("sources", sources), ("targets", targets))
    return [Finding(part=part, value=float(len(codes)), n=len(codes), formula="count of languages", unit=COUNT) for part, codes in ends]


def suite_languages(run: JudgedRun) -> list[Finding]:
    """How many languages probes are trained or tested in, each once (1)."""
    found: set[str] = set()
    for task in TASKS:
        if task != "bpc":
            found = found.union(*(codes for setting in (IN_LANGUAGE, TRANSFER) for codes in _codes(run, task, setting)))
    return [Finding(value=float(len(found)), n=len(found), formula="count of languages of all probes", unit=COUNT)]


def aligned_pairs(run: JudgedRun) -> list[Finding]:
    """How many bitexts are aligned (2.2)."""
    pairs = run.tables.curves("best", "alignment", IN_LANGUAGE)["source"].nunique()
    return [Finding(value=float(pairs), n=pairs, formula="count of bitexts", unit=COUNT)]


def _steps(run: JudgedRun) -> list[int]:
    return sorted(step for step in run.tables.facts.steps if step)


def checkpoints(run: JudgedRun) -> list[Finding]:
    """How many checkpoints are measured; step 0 is none (2.1)."""
    steps = _steps(run)
    return [Finding(value=float(len(steps)), n=len(steps), formula="count of checkpoints", unit=COUNT)]


def last_step(run: JudgedRun) -> list[Finding]:
    """The last checkpoint's step (2.1)."""
    return [Finding(value=float(max(_steps(run), default=0)), n=1, formula="the last step", unit=STEP)]


def spacing(run: JudgedRun) -> list[Finding]:
    """Which checkpoints there are (2.1)."""
    steps = _steps(run)
    shown = steps if len(steps) <= 8 else [*steps[:4], "...", *steps[-3:]]
    return [Finding(text=f"steps {', '.join(map(str, shown))}", n=len(steps), formula="the configuration's steps")]


def corpora(run: JudgedRun) -> list[Finding]:
    """How many languages' text the model is pretrained on here (2.1)."""
    trained = run.tables.facts.pretrained
    if trained is None:
        return [Finding(text="the model is trained elsewhere", formula="the configuration")]
    return [Finding(value=float(len(trained)), n=len(trained), formula="count of corpora", unit=COUNT)]


def text_sizes(run: JudgedRun) -> list[Finding]:
    """The smallest and the largest amount of text that a language has in pretraining (2.1)."""
    table = run.tables.table("factors")
    sizes = table[(table["factor"] == "pretraining_data") & table["default"].fillna(False).astype(bool)].dropna(subset="value")
    if sizes.empty:
        raise NotMeasured("the run knows no sizes of text")
    by_size = sizes.sort_values("value")
    ends = (("smallest", by_size.iloc[0]), ("largest", by_size.iloc[-1]))
    return [
        Finding(part=f"{name}, {row['language']}", value=float(row["value"]), n=len(sizes), formula="pretraining_data", unit=GIB)
        for name, row in ends
    ]


def configured(run: ConfiguredRun, *, keys: Sequence[str]) -> list[Finding]:
    """What the configuration says (paper 1: 2.1, Appendix A; paper 2: 4, B).

    Args:
        keys: with dots between; `model.`, and in paper 2 `control.` and `resampled.`, stand for a model's own.
    """

    def found(key: str) -> object:
        first, *names = key.split(".")
        of_model = run.configuration.get("models", {}).get(run.models.get(first), {})
        value: Any = of_model if first in MODELS else run.configuration
        for name in names if first in MODELS else (first, *names):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def name_of(key: str) -> str:
        first, last = key.partition(".")[0], key.rpartition(".")[2]
        return f"{last} ({first})" if first in MODELS[1:] else last

    shown = [f"{name_of(key)}: {value}" for key in keys if (value := found(key)) is not None]
    lacking = {first for key in keys if (first := key.partition(".")[0]) in MODELS} - run.models.keys()
    silent = "the configuration does not say"
    if lacking:
        silent = f"the run has no {', '.join(sorted(lacking))} model"
    elif any(key.partition(".")[0] in MODELS for key in keys):
        silent += ": the model is trained elsewhere"
    return [Finding(text="; ".join(shown) or silent, formula="the configuration")]


def model_size(run: JudgedRun, *, column: str) -> list[Finding]:
    """How many layers, hidden units or parameters the model has (Appendix A)."""
    sizes = run.tables.table("checkpoints")[column].dropna()
    if sizes.empty:
        raise NotMeasured("the run has no checkpoint of the model")
    return [Finding(value=float(sizes.iloc[-1]), n=1, formula=f"checkpoints, {column}", unit=COUNT)]


def machine(run: ConfiguredRun) -> list[Finding]:
    """What the run's last job that looked was run on (A.2); training elsewhere leaves no trace here."""
    names = ", ".join(sorted({*(run.environment.get("gpus") or [])}))
    return [Finding(text=names or f"no GPU; {run.environment.get('processor') or 'processor unknown'}", formula="environment.json")]


def drawn(run: JudgedRun, *, figures: str) -> list[Finding]:
    """What the run's figures show in the paper's way, since they are drawn so."""
    return [Finding(text=f"drawn so: {figures}", formula="the figure", n=len(_steps(run)))]


def not_measurable(run: ConfiguredRun, *, why: str) -> list[Finding]:
    """What no run can say.

    Raises:
        NotMeasured: always.
    """
    raise NotMeasured(why)
