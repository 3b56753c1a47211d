"""Scores by layer over pretraining, a heatmap a curve that is measured at several layers (paper 1: Figures 8, 9, 10 and 12).

`shown` names the paper's curves, one a task in the tasks' order: a language (`ja`), or a pair, source first (`ja-en`; a bitext's languages
have no order). With a pair among them, the figure is one of transfer and alignments; a language on its own parallel set is no transfer.
Behind `not` stand the curves that another figure names in the same way. Of each task a figure shows

- the curve that it names, where the run has it;
- else, without `not`, the first curve by code;
- else all curves, but for the one that the other figure shows, by these rules.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.caption_sentences import counted, not_shown
from xlprobe.figures.drawing import headline
from xlprobe.figures.heatmaps import draw_heatmap, heatmap_panels, name_layers, name_steps
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.metrics.training_outcomes import one_language

COLUMNS = ["task", "curve", "layer", "step", "value"]
LACKING = "no such curve is measured at several layers"
PANEL_WIDTH, PANEL_HEIGHT = 2.1, 1.6  # inches
DOT: dict[str, Any] = {"marker": "o", "markersize": 2.2, "color": "white", "markeredgecolor": "black", "markeredgewidth": 0.4}


def layer_scores(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """The scores of the curves that a figure shows.

    Returns:
        COLUMNS: a curve is called as its panel is, `ja` or `ja → en`.
    """
    named, elsewhere = _named(asked)
    parts = [pd.DataFrame(columns=COLUMNS)]
    for task in asked.tasks:
        rows = _swept(tables, task, "-" in asked.shown)
        codes = sorted(rows["code"].unique())
        chosen = chosen_curves(codes, _code(named, task), _code(elsewhere, task), rest="not " in asked.shown)
        parts.append(rows.loc[rows["code"].isin(chosen), COLUMNS].sort_values(["curve", "layer", "step"]))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def chosen_curves(codes: Sequence[str], named: str | None, elsewhere: str | None, rest: bool) -> Sequence[str]:
    """Which of a task's curves a figure shows, by the rules above.

    Args:
        codes: of all that the run has.
        elsewhere: what another figure names, where this one shows the rest.
    """
    if not rest:
        return [code for code in codes if code == named] or codes[:1]
    taken = () if elsewhere is None else chosen_curves(codes, elsewhere, None, rest=False)
    left = [code for code in codes if code not in taken]
    return [code for code in left if code == named] or left


def _named(asked: Asked) -> tuple[dict[str, str], dict[str, str]]:
    """The codes that `shown` names before and behind `not`, by task."""
    own, _, other = asked.shown.partition("not ")
    named, elsewhere = (dict(zip(asked.tasks, words.strip(", ").split(), strict=False)) for words in (own, other))
    return named, elsewhere


def _code(codes: dict[str, str], task: str) -> str | None:
    """The code that is named for a task, as `_swept` has it."""
    return _unordered(codes[task]) if task == "alignment" and task in codes else codes.get(task)


def _unordered(code: str) -> str:
    return "-".join(sorted(code.split("-")))


def _swept(tables: ModelTables, task: str, is_pairs: bool) -> pd.DataFrame:
    """The scores of a task's curves at several layers, with `code` and `curve`."""
    setting = TRANSFER if is_pairs and task != "alignment" else IN_LANGUAGE
    rows = tables.curves("scores", task, setting)
    rows = rows[rows.groupby(["source", "target"])["layer"].transform("nunique") > 1]
    source, target = (rows[f"{axis}_language"].map(one_language) for axis in ("source", "target"))
    if task == "alignment":
        return rows.assign(code=(source + "-" + target).map(_unordered), curve=rows["language"])
    if setting == IN_LANGUAGE:
        return rows.assign(code=source, curve=rows["language"])
    rows = rows.assign(code=source + "-" + target, curve=rows["source_label"] + " → " + rows["target_label"])
    return rows[source != target]


def plot_layer_scores(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """Layers upwards, steps to the right, each panel with its own colours; a dot at the best layer of each step."""
    grids = {(str(task), str(curve)): _grid(rows) for (task, curve), rows in table.groupby(["task", "curve"], sort=False)}
    titles = {f"{task} {curve}": f"{tables.task(task).title}\n{curve}" for task, curve in grids}
    figure, of_panel = heatmap_panels(titles, PANEL_WIDTH, PANEL_HEIGHT)
    for (task, curve), grid in grids.items():
        axes = of_panel[f"{task} {curve}"]
        image = draw_heatmap(axes, 100 * grid, origin="lower", cmap="viridis")
        axes.plot(grid.index.get_indexer(pd.Index(grid.idxmax())), linestyle="", **DOT)
        name_layers(axes, [*grid.index])
        name_steps(axes, [*grid.columns], 4)
        figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02).set_label(f"{_metric(tables, task)} (%)", fontsize=7)
    headline(figure, asked.title, "layer (0: embeddings)")
    figure.supxlabel("updates", fontsize=8)
    return figure


def _grid(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot(index="layer", columns="step", values="value").dropna(axis="columns", how="all")


def _metric(tables: ModelTables, task: str) -> str:
    return tables.task(task).metric.replace("f1", "F1")


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """How far the best layer moves, by task."""
    said = ["Test scores by layer (up) and step. Each panel has its own colours. A dot marks each step's best layer."]
    named, _ = _named(asked)
    for task, rows in table.groupby("task", sort=False):
        curves = [*rows["curve"].unique()]
        best = rows.loc[rows.groupby(["curve", "step"])["value"].idxmax()]
        first, last = (best[best["step"] == step]["layer"].mean() for step in (rows["step"].min(), rows["step"].max()))
        shown = counted(len(curves), "panel", "panels") + (f" ({', '.join(curves)})" if len(curves) <= 4 else "")
        said.append(
            f"{tables.task(str(task)).title}: {shown}, layers {', '.join(map(str, sorted(rows['layer'].unique())))};"
            f" {100 * rows['value'].min():.1f} to {100 * rows['value'].max():.1f} %; the best layer is {round(first, 1):g} at step"
            f" {rows['step'].min():,} and {round(last, 1):g} at step {rows['step'].max():,}{' on average' if len(curves) > 1 else ''}."
        )
        if task in named and _code(named, str(task)) not in {*_swept(tables, str(task), "-" in asked.shown)["code"]}:
            said.append(f"The paper shows {named[str(task)]} here, which this run does not measure at several layers.")
    setting = TRANSFER if "-" in asked.shown else IN_LANGUAGE
    return " ".join([*said, *not_shown({*table["task"]}, tables, asked, setting, LACKING)])


PAPER_FIGURE = PaperFigureKind(reads=("scores",), table=layer_scores, plot=plot_layer_scores, caption=caption, lacking=LACKING)
