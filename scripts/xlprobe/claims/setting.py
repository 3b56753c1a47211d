"""Whether a run is in paper 1's own setting: its languages, checkpoints and size of model; numbers of the paper hold for these alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.claims import layers, transfer
from xlprobe.claims.curve_values import PAIR, setting_name, task_name
from xlprobe.claims.finding import STEP, JudgedRun, number_text
from xlprobe.claims.measures import MEASURES
from xlprobe.claims.published import Claim, read_claims
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.order import ORDER
from xlprobe.metrics.training_outcomes import one_language

# The claims that say what the paper's model and its checkpoints are.
LAST_STEP, CHECKPOINTS, LAYERS, HIDDEN = "p1-009", "p1-010", "p1-070", "p1-072"
# The column of Table 2 that marks the languages of a task in a setting; of alignments those that English is aligned with.
COLUMNS = {
    ("bpc", IN_LANGUAGE): "bpc",
    ("xnli", IN_LANGUAGE): "xnli",
    ("xnli", TRANSFER): "xnli_transfer",
    ("alignment", IN_LANGUAGE): "simalign",
    **{(task, IN_LANGUAGE): "ud" for task in ("pos", "arc_prediction", "arc_classification")},
    **{(task, TRANSFER): "ud_transfer" for task in ("pos", "arc_prediction", "arc_classification")},
}
# Those whose layers are swept, in both settings (5.1, 5.2).
SWEPT_COLUMNS = {"arc_classification": "layers_arc_classification", "xnli": "layers_xnli"}


def other_setting(run: JudgedRun, claim: Claim, arguments: Mapping[str, str]) -> str:
    """How the run differs from the paper in what a claim is about; empty where it does not."""
    if run.tables.facts.world:
        return "the languages are invented"
    return "; ".join([*_training(run), *_languages(run, claim, arguments)])


@cache
def _printed(identity: str) -> float:
    return next(claim.printed[0].value for claim in read_claims("paper1") if claim.id == identity)


def _training(run: JudgedRun) -> Iterator[str]:
    steps = [step for step in run.tables.facts.steps if step]
    count, last = int(_printed(CHECKPOINTS)), _printed(LAST_STEP)
    if len(steps) != count or max(steps) != last:
        yield f"{len(steps)} checkpoints up to {_step(max(steps, default=0))}, not {count} up to {_step(last)}"
    sizes = run.tables.table("checkpoints")[["layers", "hidden_size"]].dropna()
    if len(sizes) and (found := tuple(map(int, sizes.iloc[-1]))) != (own := (int(_printed(LAYERS)), int(_printed(HIDDEN)))):
        yield f"a model of {found[0]} layers of {found[1]}, not {own[0]} of {own[1]}"


def _step(step: float) -> str:
    return "step " + number_text(step, STEP).removesuffix(" steps")


def _languages(run: JudgedRun, claim: Claim, arguments: Mapping[str, str]) -> Iterator[str]:
    named = " ".join(arguments.get(name, "") for name in ("task", "tasks", "compared", "curves", "others"))
    # What names no task is of the order of all: languages that have all of them are those of each.
    of_order = not named.split()
    named = " ".join(task for group in ORDER for task in group) if of_order else named
    of_pairs = MEASURES[claim.measure].__module__ == transfer.__name__
    layered = MEASURES[claim.measure].__module__ == layers.__name__
    for name in dict.fromkeys(named.split()):
        task, _, also = name.partition("-")
        setting = TRANSFER if also else arguments.get("setting", TRANSFER if of_pairs else IN_LANGUAGE)
        column = SWEPT_COLUMNS.get(task) if layered and task in SWEPT_COLUMNS else COLUMNS.get((task, setting))
        if column and (found := _measured(run, "layer_gains" if layered else "best", task, setting)):
            if how := differing(found, _of_paper(column)):
                yield f"{task_name(task)} {setting_name(setting)} {how}"
        elif of_order:
            yield f"{task_name(task)} {setting_name(setting)} is not measured, and the order is of all tasks"


def _measured(run: JudgedRun, table: str, task: str, setting: str) -> set[str]:
    rows = run.tables.curves(table, task, setting)
    sources, targets = ({*rows[name].map(one_language)} for name in PAIR)
    if task == "alignment":
        return (sources | targets) - {"en"}
    # Of transfer those that are both.
    return sources & targets


@cache
def _of_paper(column: str) -> frozenset[str]:
    return frozenset(row["language"] for row in published_rows("published/paper1_table2.tsv") if row[column] == "1")


def differing(found: Collection[str], own: Collection[str]) -> str:
    """How a run's languages differ from those of a paper, as the end of a sentence; empty where they do not."""
    lacking, more = sorted({*own} - {*found}), sorted({*found} - {*own})
    said = [f"lacks {_listed(lacking)} of the paper's languages"] if lacking else []
    return " and ".join([*said, f"has {_listed(more)}, which the paper has not"] if more else said)


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(codes) if len(codes) <= 6 else str(len(codes))
