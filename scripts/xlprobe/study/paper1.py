"""What of paper 1 (Blevins et al. 2022) a run can show: its figures and tables, of which models, and why something is not measured."""

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from xlprobe.files import read_lines
from xlprobe.paths import RESOURCES
from xlprobe.study import inventory
from xlprobe.study.figure_kinds import reads_of
from xlprobe.study.script_arguments import as_arguments

if TYPE_CHECKING:
    from xlprobe.study.plan import Study

# The tables of `metrics/` that claims are held against.
CLAIM_TABLES = (
    *("scores", "checkpoints", "best", "steps", "forgetting", "asymmetry", "order", "expected_layers", "layer_gains"),
    *("factors", "correlations", "model_comparisons"),
)
TREEBANK_TASKS = ("pos", "arc_prediction", "arc_classification")
TASKS = (*TREEBANK_TASKS, "xnli")
IN_LANGUAGE, TRANSFER = "in language", "transfer"


class PaperFigure(NamedTuple):
    """A row of `resources/published/paper1_figures.tsv`.

    Attributes:
        number: with two digits.
        kind: the module of `xlprobe.figures` that draws it.
        tasks: those that it shows, in its panels' order; none of signatures.
        shown: what else it shows, in the kind's words.
    """

    number: str
    kind: str
    tasks: tuple[str, ...]
    shown: str
    title: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables of `metrics/` that its kind reads."""
        return reads_of("figures", self.kind)

    def arguments(self) -> list[str]:
        """The figure, as scripts are told."""
        return as_arguments({"kind": self.kind, "title": self.title, "tasks": [*self.tasks] or None, "shown": self.shown or None})


class PaperTable(NamedTuple):
    """A row of `paper1_tables.tsv` or `paper2_tables.tsv` in `resources/published`: number, module of `xlprobe.tables`, title."""

    number: str
    kind: str
    title: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables of `metrics/` that its kind reads."""
        return reads_of("tables", self.kind)

    def arguments(self) -> list[str]:
        """The table, as scripts are told."""
        return as_arguments({"kind": self.kind, "title": self.title})


@cache
def paper_figures() -> dict[str, PaperFigure]:
    """The figures of paper 1, by number."""
    rows = (
        PaperFigure(f"{int(number):02}", kind, tuple(tasks.split()), *others)
        for number, kind, tasks, *others in listed_rows("paper1_figures")
    )
    return {row.number: row for row in rows}


@cache
def paper_tables() -> dict[str, PaperTable]:
    """The tables of paper 1, by number."""
    return {row.number: row for row in (PaperTable(*cells) for cells in listed_rows("paper1_tables"))}


def listed_rows(name: str) -> Iterator[list[str]]:
    """The rows of a list of a paper's figures or tables in `resources/published`, without its head."""
    lines = (line.split("\t") for _, line in read_lines(RESOURCES / "published" / f"{name}.tsv") if line)
    next(lines)
    return lines


def model_facts(study: "Study", model: str) -> dict[str, Any]:
    """What scripts are told of a model of the run (`xlprobe.metrics.model_tables.ModelFacts`)."""
    known = inventory.languages(study.config)
    run = next(run for run in study.runs.values() if run.model == model)
    return {
        "model": model,
        "steps": list(run.steps),
        "protocols": {task: printed_protocol(study, task) for task in (*study.probe_tasks, "bpc")},
        "languages": {code: {"name": known[code].name, "family": known[code].family} for code in study.measured_languages(model)},
        "absent": {f"{task}, {setting}": why for (task, setting), why in _absent(study, model)},
        "world": bool(study.config["world"]),
        "pretrained": study.pretraining_languages(run.name) if run.kind == "pretrain" else None,
    }


def facts_argument(study: "Study", model: str) -> str:
    """The facts of a model, as a command line names them."""
    return json.dumps(model_facts(study, model), sort_keys=True)


def printed_protocol(study: "Study", task: str) -> str | None:
    """How a task is measured, where paper 1's numbers are to be held against it: bits fairseq's way, where the run takes them so."""
    return study.config["bpc"]["protocol"] if task == "bpc" else study.protocol(task)


def _absent(study: "Study", model: str) -> Iterator[tuple[tuple[str, str], str]]:
    for task in TASKS:
        key = "xnli" if task == "xnli" else "treebanks"
        if task not in study.probe_tasks:
            why = (
                "the run measures no inference (config key xnli)"
                if task == "xnli"
                else f"{task} is none of the run's tasks (config key probes.tasks)"
            )
        elif not study.probed_datasets(model, task):
            why = f"no dataset to train its probes on is measured of the model (config key {key})"
        else:
            targets = study.transfer_targets(model, task)
            if not any(study.transfer_sources(model, task, target) for target in targets):
                yield (task, TRANSFER), f"no test set for transfer is measured of the model (config key {key})"
            continue
        yield (task, IN_LANGUAGE), why
        yield (task, TRANSFER), why
    if not study.measured_datasets(model, "alignment"):
        yield ("alignment", IN_LANGUAGE), "the run aligns no bitext (config key alignments)"
    if not study.bits_languages(model):
        yield ("bpc", IN_LANGUAGE), "no bits per character are taken of the model (config key bpc.languages)"
    elif not study.held_out_languages(model):
        yield ("bpc", IN_LANGUAGE), "no language of bpc.languages has held-out text here (config key languages)"
