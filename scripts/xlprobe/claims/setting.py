"""Whether a run is in the paper's own setting: its languages, checkpoints and size of model; numbers of the paper hold for these alone."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from xlprobe.claims.curve_values import PAIR, task_name
from xlprobe.claims.finding import STEP, JudgedRun, number_text
from xlprobe.claims.published import Claim, read_claims
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.paths import RESOURCES

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
LAYERED = ("falls_of_layer", "fall_of_layer", "fall_of_language", "internal_gain", "last_layer_beaten", "low_layers")


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
    tasks = dict.fromkeys(task.partition("-")[0] for task in named.split())
    settings = [arguments["setting"]] if "setting" in arguments else [IN_LANGUAGE, TRANSFER]
    for task in tasks:
        for setting in settings:
            column = COLUMNS.get((task, setting))
            layered = claim.measure in LAYERED
            column = SWEPT_COLUMNS.get(task, column) if layered and column else column
            if column and (found := _measured(run, "layer_gains" if layered else "best", task, setting)):
                yield from _compared(found, _of_paper(column), f"{task_name(task)}, {setting}")


def _measured(run: JudgedRun, table: str, task: str, setting: str) -> set[str]:
    rows = run.tables.curves(table, task, setting)
    codes = {one_language(code) for name in PAIR for code in rows[name]}
    return codes - {"en"} if task == "alignment" else codes


@cache
def _of_paper(column: str) -> frozenset[str]:
    with (RESOURCES / "published" / "paper1_table2.tsv").open(encoding="utf-8", newline="") as stream:
        return frozenset(row["language"] for row in csv.DictReader(stream, delimiter="\t") if row[column] == "1")


def _compared(found: set[str], own: frozenset[str], name: str) -> Iterator[str]:
    if found != own:
        lacking, more = sorted(own - found), sorted(found - own)
        said = [f"without {_listed(lacking)}"] if lacking else []
        said += [f"with {_listed(more)}"] if more else []
        yield f"{name}: not the paper's languages, {' and '.join(said)}"


def _listed(codes: Sequence[str]) -> str:
    return " ".join(codes) if len(codes) <= 6 else f"{len(codes)} others"
