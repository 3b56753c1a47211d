"""Claims on mean signatures and scores of tasks, mostly XTREME's, which are in a run if a user's file has them (paper 2: 5.3 and E.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from statistics import median

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.published_tables import published_rows
from xlprobe.claims.comparison import LAST, JudgedComparison, correlation_finding
from xlprobe.claims.curve_values import each
from xlprobe.claims.finding import COUNT, PERCENT, Finding, NotMeasured
from xlprobe.metrics.task_correlations import AS_PRINTED, THIS_RUN, XTREME_MODELS, XTREME_TASKS, absent, column_of

FORMULA = "task_correlations, r"
# Columns of Tables 4 to 7, each with its task and metric.
TABLE_COLUMNS = {
    column_of(task, "Acc" if metric == "accuracy" else metric): (task, metric)
    for task, metrics in XTREME_TASKS.items()
    for metric in metrics
}
TABLE_OF_MODEL = dict(zip(XTREME_MODELS, (4, 5, 6, 7), strict=True))
XLMR = "XLM-R"
# Of the twelve columns, so many are enough to speak of most.
FEWEST_TESTS = 7


def _rows(run: JudgedComparison, own: bool = False) -> pd.DataFrame:
    """The correlations with XTREME's models' scores; or with the run's own."""
    rows = run.rows("task_correlations", category=ALL_WORDS)
    return rows[rows["source"] == THIS_RUN] if own else rows[(rows["source"] != THIS_RUN) & (rows["matching"] == AS_PRINTED)]


def _of_test(run: JudgedComparison, model: str, task: str, metric: str) -> dict[int, Finding]:
    """By layer, a correlation.

    Raises:
        NotMeasured: there are no scores.
    """
    rows = _rows(run)
    rows = rows[(rows["score_model"] == model) & (rows["task"] == task) & (rows["metric"] == metric)]
    if rows["r"].isna().all():
        raise NotMeasured("; ".join(rows["reason"].dropna().unique()) or absent(task))
    return {int(row["layer"]): correlation_finding(row, FORMULA) for _, row in rows.iterrows() if pd.notna(row["r"])}


def _at(by_layer: Mapping[int, Finding], layer: int) -> Finding:
    """The correlation at a layer.

    Raises:
        NotMeasured: there is none.
    """
    if layer not in by_layer:
        raise NotMeasured(f"nothing correlates at layer {layer}: signatures or scores do not vary")
    return by_layer[layer]


def _r(found: Finding) -> float:
    """The correlation itself, which each of these findings has."""
    assert found.value is not None
    return found.value


def task_correlation(run: JudgedComparison, *, task: str) -> list[Finding]:
    """Pearson's r of the last layer's mean signatures and the scores of XTREME's models, over languages (Table 1).

    Where the paper prints no number there is no part.
    """
    last, metrics = run.layer(LAST), XTREME_TASKS[task]
    tests = [(model, metric) for model in XTREME_MODELS for metric in metrics if _is_printed(model, task, metric)]
    names = {f"{model} {metric}" if len(metrics) > 1 else model: (model, metric) for model, metric in tests}

    def of(name: str) -> Finding:
        model, metric = names[name]
        return _at(_of_test(run, model, task, metric), last)

    return each(names, of, str)


def _is_printed(model: str, task: str, metric: str) -> bool:
    return any(test == (task, metric) for _, test, _ in _printed_cells(TABLE_OF_MODEL[model]))


def printed_table(run: JudgedComparison, *, model: str) -> list[Finding]:
    """The share of the cells of Table 4, 5, 6 or 7 whose printed r lies in the interval of the run's, in per cent (E.2).

    Args:
        model: XTREME's, which the table is of.
    """
    cells = _printed_cells(TABLE_OF_MODEL[model])
    held, reasons = [], dict[str, None]()
    by_test: dict[tuple[str, str], Mapping[int, Finding]] = {}
    for test in dict.fromkeys(test for _, test, _ in cells):
        try:
            by_test[test] = _of_test(run, model, *test)
        except NotMeasured as error:
            reasons[str(error)] = None
    for layer, test, printed in cells:
        found = by_test.get(test, {}).get(layer)
        if found and found.low is not None and found.high is not None:
            held.append(found.low - 0.005 <= printed <= found.high + 0.005)
    if not held:
        raise NotMeasured("; ".join(reasons) or "no cell has an interval")
    beside = Finding(part="cells", value=float(len(held)), n=len(held), formula=FORMULA, unit=COUNT, beside=True)
    value = 100 * sum(held) / len(held)
    return [Finding(part="held", value=value, n=len(held), formula=f"{FORMULA}, its interval holds the printed one", unit=PERCENT), beside]


@cache
def _printed_cells(number: int) -> list[tuple[int, tuple[str, str], float]]:
    """The cells of a printed table: layer, task and metric, r."""
    rows = published_rows(f"published/paper2_table{number}.tsv")
    return [(int(row["layer"]), test, float(row[name])) for row in rows for name, test in TABLE_COLUMNS.items() if row.get(name)]


def _tests_of(run: JudgedComparison, model: str) -> dict[tuple[str, str], dict[int, Finding]]:
    """By task and metric, the correlations of a model's scores by layer; of those that are there, in enough languages.

    Raises:
        NotMeasured: these are no more than half of all.
    """
    found, last, reasons = {}, run.layer(LAST), list[str]()
    for test in TABLE_COLUMNS.values():
        try:
            by_layer = _of_test(run, model, *test)
            if why := _at(by_layer, last).why:
                reasons.append(why)
            else:
                found[test] = by_layer
        except NotMeasured as error:
            reasons.append(str(error))
    if len(found) < FEWEST_TESTS:
        why = f"of XTREME's {len(TABLE_COLUMNS)} columns of scores by language {len(found)} can be correlated"
        raise NotMeasured("; ".join(dict.fromkeys([why, *reasons])))
    return found


def strength(run: JudgedComparison) -> list[Finding]:
    """The median r of the last layer's mean signatures with XLM-R's scores, over tasks and metrics (Abstract; Table 1).

    Beside it the same of the run's own scores of the same model, which are no more than a stand-in.
    """
    last, found = run.layer(LAST), list[Finding]()
    try:
        values = [_r(by_layer[last]) for by_layer in _tests_of(run, XLMR).values()]
        found.append(Finding(value=median(values), n=len(values), formula=f"{FORMULA}, median over tasks and metrics"))
    except NotMeasured as error:
        found.append(Finding(why=str(error)))
    own = _rows(run, own=True)
    own = own[(own["layer"] == last) & own["r"].notna()]
    stand_ins = ((row["task"], correlation_finding(row, FORMULA)) for _, row in own.iterrows())
    return [*found, *(replace(one, part=f"stand-in, own {task}", beside=True) for task, one in stand_ins)]


def model_in_front(run: JudgedComparison, *, model: str) -> list[Finding]:
    """The share of tasks and metrics at whose last layer no model's scores have a higher r than this one's, in per cent (5.3)."""
    last = run.layer(LAST)
    of_model = {name: _tests_of(run, name) for name in XTREME_MODELS}
    first = []
    for test, by_layer in of_model[model].items():
        others = [_r(found[test][last]) for name, found in of_model.items() if name != model and test in found]
        if others:
            first.append(_r(by_layer[last]) >= max(others))
    value = 100 * sum(first) / len(first)
    return [Finding(value=value, n=len(first), formula=f"{FORMULA}, tasks and metrics where it is the highest", unit=PERCENT)]


def highest_at_last_layer(run: JudgedComparison, *, model: str) -> list[Finding]:
    """The share of tasks and metrics whose r with a model's scores is highest at the last layer of all, in per cent (5.3)."""
    last, layers = run.layer(LAST), len(run.layers)
    if layers < 2:
        raise NotMeasured(f"n too small: {layers} layer")
    tests = _tests_of(run, model).values()
    first = [_r(by_layer[last]) >= max(map(_r, by_layer.values())) for by_layer in tests]
    return [Finding(value=100 * sum(first) / len(first), n=len(first), formula=f"{FORMULA}, layer of the highest", unit=PERCENT)]


def least_over_layers(run: JudgedComparison, *, model: str, tasks: Sequence[str]) -> list[Finding]:
    """The lowest r with a model's scores at any layer (5.3)."""

    def of(task: str) -> Finding:
        by_layer = _of_test(run, model, task, XTREME_TASKS[task][0])
        if len(by_layer) < len(run.layers):
            raise NotMeasured("at some layer nothing correlates: signatures or scores do not vary")
        return replace(min(by_layer.values(), key=_r), p=None, formula=f"{FORMULA}, lowest over layers")

    return each(tasks, of, str)


def lead_of_last_layer(run: JudgedComparison, *, model: str, task: str) -> list[Finding]:
    """The last layer's r with a model's scores, and by how much it is higher than that of any other layer (5.3)."""
    by_layer = _of_test(run, model, task, XTREME_TASKS[task][0])
    found = _at(by_layer, last := run.layer(LAST))
    if not (others := [_r(other) for layer, other in by_layer.items() if layer != last]):
        raise NotMeasured("no other layer has a correlation")
    formula = f"{FORMULA}, last layer less the highest other"
    lead = Finding(part="lead", value=_r(found) - max(others), n=found.n, formula=formula, why=found.why)
    return [replace(found, part="last layer"), lead]
