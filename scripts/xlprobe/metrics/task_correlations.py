"""Do languages with larger signatures do better in tasks? Pearson's r of mean signatures of all words with scores by language.

Paper 2 (5.3 and E.2, Tables 1 and 4 to 7) takes the scores of XTREME (Hu et al. 2020, arXiv:2003.11080), nine tasks and four models, none
of which is its own. By language they are a user's file: their licences are not ours. Beside them stand the run's own scores of the very
model whose signatures are taken, zero-shot from English (or the run's pivot), as XTREME's are.

XTREME's Chinese is written in simplified letters, that of UD and of the CoNLL texts in traditional ones. As printed, one stands for the
other; where that happens, a second row leaves Chinese out (`matching`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.tables import read_of_schema
from xlprobe.errors import FormatError
from xlprobe.files import read_lines
from xlprobe.metrics.factors import ENGLISH, Factors
from xlprobe.metrics.last_signatures import PLACE, PUBLISHED, trainings
from xlprobe.metrics.text_forms import in_one_form
from xlprobe.statistics.correlation import LEVEL, pearson_correlation

SCHEMA = "task_correlations.schema.yaml"
COLUMNS = ("task", "model", "language", "metric", "value", "source")
# Paper 2, Table 1.
XTREME_TASKS = {
    "XNLI": ("accuracy",),
    "PAWS-X": ("accuracy",),
    "POS": ("F1",),
    "NER": ("F1",),
    "XQuAD": ("F1", "EM"),
    "MLQA": ("F1", "EM"),
    "TyDiQA-GoldP": ("F1", "EM"),
    "BUCC": ("F1",),
    "Tatoeba": ("accuracy",),
}
XTREME_MODELS = ("mBERT", "XLM", "XLM-R", "MMTE")
# Where scores by language stand, of the tasks that have them elsewhere than in the appendix.
IN_PRINT = {"XQuAD": "the README of github.com/google-deepmind/xquad", "PAWS-X": "ernie-m/README.md of github.com/PaddlePaddle/ERNIE"}
APPENDIX = "the appendix of Hu et al. (2020, arXiv:2003.11080)"
XTREME, FROM_FILE, THIS_RUN = "XTREME", "user's file", "this run"
AS_PRINTED, SAME_SCRIPT = "as printed", "same script"
# Our own tasks, each with its metric: those with something like them in XTREME (of retrieval, alignment).
OWN_TASKS = {"pos": "accuracy", "xnli": "accuracy", "alignment": "f1"}
ALIGNMENT = "alignment"
# XTREME's scores are percentages.
HIGHEST = 100.0
_CODE = re.compile("[a-z]{2,3}([-_][A-Za-z]+)?")
# Of so few languages a reader is told what chance does.
_FEW = 10

Row = dict[str, Any]


@dataclass(frozen=True)
class TaskScores:
    """Scores of a task by language.

    Attributes:
        names: columns of the table: source, task, score_model, metric, score_layer, pivot.
        by_language: by the code that the source gives.
        where: whence the scores are; empty where there are none.
        reason: why there are none; else empty.
        by_script: whether codes tell the script, so that no other is meant.
    """

    names: Mapping[str, Any]
    by_language: Mapping[str, float]
    where: str = ""
    reason: str = ""
    by_script: bool = False


def xtreme_scores(users: Path | None = None) -> list[TaskScores]:
    """The scores of XTREME's nine tasks and four models in a user's file, those that are not there with the reason; then what else it has.

    Raises:
        FormatError: a line of the file is not as it has to be.
    """
    table = read_scores(users) if users else pd.DataFrame(columns=[*COLUMNS])
    by_test = dict([*table.groupby(["task", "model", "metric"], sort=False)])
    asked = [(task, model, metric) for model in XTREME_MODELS for task, metrics in XTREME_TASKS.items() for metric in metrics]
    found = []
    for test in dict.fromkeys([*asked, *by_test]):
        names = dict(zip(("task", "score_model", "metric"), test, strict=True))
        if test not in by_test:
            found.append(TaskScores({"source": XTREME, **names}, {}, reason=absent(test[0])))
            continue
        by_language = dict(zip(by_test[test]["language"], by_test[test]["value"], strict=True))
        found.append(TaskScores({"source": FROM_FILE, **names}, by_language, "; ".join(dict.fromkeys(by_test[test]["source"]))))
    return found


def column_of(task: str, metric: str) -> str:
    """The column of Tables 4 to 7 that is of a row of Table 1.

    >>> column_of("TyDiQA-GoldP", "EM"), column_of("PAWS-X", "Acc")
    ('tydiqa_em', 'pawsx_acc')
    """
    return f"{task.removesuffix('-GoldP').replace('-', '')}_{metric}".lower()


def absent(task: str) -> str:
    """Why there are no scores of one of XTREME's tasks, and where to get them."""
    where = IN_PRINT.get(task, APPENDIX)
    return f"no file has these scores by language: put them in one, from {where}, and name it under config key signatures.task_scores"


def read_scores(path: Path) -> pd.DataFrame:
    """A table of scores by language: task, model, language, metric, value, source, tab-separated, under these names.

    Raises:
        FormatError: the header differs, a line has more or fewer cells or a blank one, a language is no code, a value no number from 0 to
            100, or a score stands there twice.
        XlprobeError: there is no such file, or it cannot be read.
    """
    rows: list[Row] = []
    line_of: dict[tuple[str, ...], int] = {}
    header_seen = False
    for number, line in read_lines(path):
        cells = line.split("\t")
        if not header_seen:
            if tuple(cells) != COLUMNS:
                raise FormatError(path, number, f"the header {line!r}", f"the columns {', '.join(COLUMNS)}, separated by tabs")
            header_seen = True
            continue
        if not line:
            continue
        if len(cells) != len(COLUMNS) or not all(cell.strip() for cell in cells):
            raise FormatError(path, number, f"{line!r}", f"{len(COLUMNS)} cells separated by tabs, none of them blank")
        row = dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=True))
        if not _CODE.fullmatch(row["language"]):
            raise FormatError(path, number, f"the language {row['language']!r}", "a code such as de or zh")
        if (value := _number(row["value"])) is None or not 0 <= value <= HIGHEST:
            raise FormatError(path, number, f"the value {row['value']!r}", f"a number from 0 to {HIGHEST:g}")
        key = tuple(row[name] for name in ("task", "model", "language", "metric"))
        if key in line_of:
            raise FormatError(path, number, f"{', '.join(key)} a second time", f"it once (it stands in line {line_of[key]}, too)")
        line_of[key] = number
        rows.append(row | {"value": value})
    if not header_seen:
        raise FormatError(path, 1, "nothing", f"the columns {', '.join(COLUMNS)}, separated by tabs")
    return pd.DataFrame(rows, columns=[*COLUMNS])


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) else None


def own_scores(scores: pd.DataFrame | None, training: Mapping[str, Any], pivot: str | None = None) -> Iterator[TaskScores]:
    """The run's own scores of a multilingual model at a step, at the last layer that is measured, task by task.

    Of probes that were trained in the pivot's language, on test sets, as printed (`paper`, where both protocols are there). Of several
    test sets of a language the mean; the set that the probe's own train split belongs to counts where there is no other.

    Args:
        scores: `metrics/scores.parquet`; None where the run has none.
        training: the columns model, training_seed and step.
        pivot: the language of the probes; None is English where there are any from it, else the one with most targets.
    """
    of_model = None
    if scores is not None:
        seed = training["training_seed"]
        of_seed = scores["training_seed"].isna() if seed is None else scores["training_seed"] == seed
        of_step = (scores["model"] == training["model"]) & of_seed & (scores["step"] == training["step"])
        # Of probes the means over their seeds.
        of_model = scores[of_step & (scores["split"] == "test") & scores["seed"].isna()]
    for task, metric in OWN_TASKS.items():
        names = {"source": THIS_RUN, "task": task, "score_model": training["model"], "metric": metric}
        rows = None if of_model is None else of_model[(of_model["task"] == task) & (of_model["metric"] == metric)]
        if rows is None or rows.empty:
            yield TaskScores(names, {}, reason=f"the run has no scores of {task} of {training['model']} at step {training['step']}")
            continue
        yield _of_task(rows, names, pivot)


def _of_task(rows: pd.DataFrame, names: Row, pivot: str | None) -> TaskScores:
    is_alignment = names["task"] == ALIGNMENT
    if not is_alignment:
        protocols = set(rows["protocol"].dropna())
        rows = rows[rows["protocol"] == ("paper" if "paper" in protocols else min(protocols))] if protocols else rows
        rows = in_one_form(rows, ["task"])
    # An alignment has two languages, and no direction.
    pairs = rows.rename(columns={"source_language": "from", "target_language": "language"})
    both = pd.concat([pairs, pairs.rename(columns={"from": "language", "language": "from"})]) if is_alignment else pairs
    chosen = pivot if pivot in set(both["from"]) else _pivot_of(both)
    both = both[(both["from"] == chosen) & ((both["language"] != chosen) | (not is_alignment))]
    transferred = both[both["language"] != chosen]
    layer = (both if transferred.empty else transferred)["layer"].max()
    both = both[both["layer"] == layer]
    # In the language of the probe, sets that others were translated from rather than its own.
    others = both[both["source"] != both["target"]] if not is_alignment else both
    kept = pd.concat([others, both[~both["language"].isin(others["language"])]])
    by_language = {str(code): float(value) for code, value in kept.groupby("language")["value"].mean().items()}
    where = f"metrics/scores.parquet, {'with' if is_alignment else 'zero-shot from'} {chosen}"
    return TaskScores({**names, "score_layer": int(layer), "pivot": chosen}, by_language, where, by_script=True)


def _pivot_of(pairs: pd.DataFrame) -> str:
    reached = pairs.groupby("from")["language"].nunique()
    return ENGLISH if reached.get(ENGLISH, 0) > 1 else str(min(reached.index, key=lambda code: (-reached[code], code)))


def correlation_rows(
    table: pd.DataFrame, others: Sequence[TaskScores], scores: pd.DataFrame | None, factors: Factors | None = None
) -> Iterator[Row]:
    """The rows of `task_correlations`: of each comparison, layer, fit and scale of all words, with each task's scores.

    Args:
        table: as from `last_rows`.
        others: as from `xtreme_scores`.
        scores: `metrics/scores.parquet`; None where the run has none.
        factors: which say the pivot of each model; None where there are none.
    """
    for names, part in trainings(table):
        of_all_words = part[part["category"] == ALL_WORDS]
        pivot = factors.pivot(str(names["model"])) if factors else None
        tasks = [*others, *own_scores(scores, names, pivot)]
        for place, rows in of_all_words.groupby([*PLACE], sort=False):
            values = {row["language"]: row["mean_published"] for row in rows.to_dict("records") if not pd.isna(row["mean_published"])}
            shared = {**names, **dict(zip(PLACE, place, strict=True)), "signature": PUBLISHED}
            for task in tasks:
                yield from (shared | row for row in _of_scores(values, task))


def _of_scores(values: Mapping[str, float], scores: TaskScores) -> Iterator[Row]:
    """The row as printed, and one without languages in another script, where there are such."""
    same = {code: code for code in scores.by_language if code in values}
    matchings = {SAME_SCRIPT: same}
    if not scores.by_script:
        # XTREME's zh is zh-Hans.
        other = {code: found for code in scores.by_language if code not in same for found in _in_any_script(code, values)}
        simplified = {code: found for code, found in other.items() if found == f"{code}-Hans"}
        matchings = {AS_PRINTED: same | other} | ({SAME_SCRIPT: same | simplified} if other != simplified else {})
    for matching, matched in matchings.items():
        yield _row(values, scores, matching, matched)


def _in_any_script(code: str, values: Mapping[str, float]) -> list[str]:
    """The first of the compared languages that are this one in some script; none, or one. Simplified Chinese comes first."""
    return sorted(name for name in values if name.partition("-")[0] == code)[:1]


def _row(values: Mapping[str, float], scores: TaskScores, matching: str, matched: Mapping[str, str]) -> Row:
    codes = sorted(matched)
    row = {**scores.names, "matching": matching, "languages": " ".join(matched[code] for code in codes)}
    row |= {"left_out": " ".join(sorted(code for code in scores.by_language if code not in matched)), "where": scores.where or None}
    if scores.reason:
        return row | {"n": 0, "n_too_small": True, "reason": scores.reason}
    found = pearson_correlation(np.array([values[matched[code]] for code in codes]), np.array([scores.by_language[code] for code in codes]))
    row |= {
        **found.columns(),
        "influential": None if found.influential is None else matched[codes[found.influential]],
        "reason": found.reason or None,
    }
    return row | {"note": None if found.reason else note_of(found.n)}


def note_of(n: int) -> str | None:
    """What is said beside an r of so few languages; None of ten or more.

    The r that unrelated normal values exceed in one of twenty is t / sqrt(n - 2 + t^2), t of n - 2 degrees of freedom.

    >>> note_of(4)
    'n = 4: unrelated values reach an |r| of 0.95 in one of 20; no interval says much'
    """
    if n >= _FEW:
        return None
    t = stats.t.isf(LEVEL / 2, n - 2)
    return f"n = {n}: unrelated values reach an |r| of {t / (n - 2 + t**2) ** 0.5:.2f} in one of 20; no interval says much"


def read_own_scores(scores: Path | None) -> pd.DataFrame | None:
    """`metrics/scores.parquet`, where there is one."""
    return None if scores is None else read_of_schema(scores, "scores.schema.yaml")
