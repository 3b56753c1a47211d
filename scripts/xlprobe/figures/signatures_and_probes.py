"""Signatures of all words and probes over the same steps, a panel a language: do both agree on when it is learned, and on forgetting?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.figures.drawing import BLUE, GREEN, GREY, ORANGE, add_note, headline, legend_below, scale_steps
from xlprobe.figures.signature_declaration import SignatureFigureKind
from xlprobe.metrics.measures import Direction
from xlprobe.metrics.model_tables import TASKS
from xlprobe.metrics.signature_agreement import CURVES, FALLS, SHARE, shares
from xlprobe.metrics.signature_trajectories import FEWEST_STEPS, LAST, OVER_STEPS, PER_STEP

# What lines are called, by fit and scale.
SIGNATURES = {OVER_STEPS: "signature, standardised, all steps", PER_STEP: "signature, as printed, each step"}
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00")
# Behind a correlation: not when it is learned, not whether it is forgotten.
NOT_WHEN, NOT_FORGETTING = "≠", "†"
ANSWERS = ["agrees_on_learning", "agrees_on_forgetting"]
COLUMNS = ["language", "name", "family", "curve", "fit", "scale", "layer", "step", "value", "share", "learned", "rho", *ANSWERS]
# Inches of a panel, and languages above which there are more columns.
WIDTH, HEIGHT, FEW, MOST_COLUMNS, COLUMNS_OF_FEW = 1.85, 1.6, 12, 6, 3
# Points of what stands above a panel, of few tasks and of more.
FONT, SMALL, FEW_TASKS = 6.0, 5.2, 4


def curves_of_languages(trajectories: pd.DataFrame, agreement: pd.DataFrame) -> pd.DataFrame:
    """The curves of the last layer that both methods have, as shares of their best.

    Of probes with what they are held against: the first way to take signatures of SIGNATURES that the run has.

    Returns:
        COLUMNS, a row a step; `learned` is the step that a curve is learned at; rho and ANSWERS are of probes, against signatures.
    """
    layer = trajectories.loc[trajectories["depth"] == LAST, "layer"].max()
    rows = trajectories[(trajectories["layer"] == layer) & trajectories["signature"].notna() & trajectories["score"].notna()]
    said = agreement[(agreement["layer"] == layer) & (agreement["compared"] == CURVES)]
    found, of_ways = [pd.DataFrame(columns=COLUMNS)], dict([*rows.groupby(["fit", "scale"])])
    for number, way in enumerate(way for way in SIGNATURES if way in of_ways):
        of_way = said[(said["fit"] == way[0]) & (said["scale"] == way[1])].set_index(["language", "task"])
        shown = set()
        for (language, task), curve in of_ways[way].groupby(["language", "task"]):
            one, curve = of_way.loc[(language, task)], curve.sort_values("step")
            if len(curve) < FEWEST_STEPS:
                continue
            # A language's signature is the same beside each task.
            if language not in shown:
                shown.add(language)
                direction: Direction = "lower" if one["signature_direction"] == FALLS else "higher"
                share_C = shares(curve["signature"].to_numpy(dtype=float), direction)
                found.append(curve.assign(curve=SIGNATURES[way], value=curve["signature"], share=share_C, learned=one["signature_step"]))
            if number == 0:
                share_C = shares(curve["score"].to_numpy(dtype=float), "higher")
                told = {name: one[name] for name in ("rho", *ANSWERS)} | {"learned": one["probe_step"]}
                found.append(curve.assign(curve=title(task), value=curve["score"], share=share_C, **told))
    table = pd.concat([part.reindex(columns=COLUMNS) for part in found if len(part)] or found)
    answers = {name: table[name].astype("boolean") for name in ANSWERS}
    table = table.assign(share=table["share"].astype(float), learned=table["learned"].astype("Int64"), **answers)
    order = {name: place for place, name in enumerate([*SIGNATURES.values(), *(title(task) for task in _in_order(rows["task"]))])}
    return table.sort_values(
        ["family", "language", "curve", "step"],
        key=lambda column: column.map(order) if column.name == "curve" else column,
        ignore_index=True,
    )


def _in_order(tasks: pd.Series) -> list[str]:
    """Tasks in the order of paper 1, others behind them."""
    known = [*TASKS]
    return sorted(tasks.unique(), key=lambda task: (known.index(task) if task in known else len(known), task))


def title(task: str) -> str:
    """What a task is called."""
    return TASKS.get(task, task.replace("_", " "))


def plot_curves(table: pd.DataFrame) -> Figure:
    """A panel a language, families beside each other; a line a task, and one or two of signatures."""
    codes = [*table["language"].unique()]
    tasks = [name for name in table["curve"].unique() if name not in {*SIGNATURES.values()}]
    ways = [way for way in SIGNATURES.values() if way in {*table["curve"]}]
    colours = {name: COLOURS[place] if place < len(COLOURS) else GREY for place, name in enumerate(tasks)}
    columns = min(len(codes), COLUMNS_OF_FEW if len(codes) <= FEW else MOST_COLUMNS)
    rows = math.ceil(len(codes) / columns)
    size = (max(6.0, WIDTH * columns + 0.6), HEIGHT * rows + 1.5)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained")
    places = [*grid.ravel()]
    for unused in places[len(codes) :]:
        unused.remove()
    for code, axes in zip(codes, places, strict=False):
        _draw_language(axes, table[table["language"] == code], colours, ways)
    # A signature as printed beside another one, whose scale differs from step to step, may leave the panel.
    lowest = min(SHARE - 0.05, float(table.loc[~table["curve"].isin(ways[1:]), "share"].min()))
    grid[0, 0].set_ylim(max(lowest - 0.03, 0), 1.03)
    steps = sorted(int(step) for step in table["step"].unique())
    for place, axes in enumerate(places[: len(codes)]):
        scale_steps(axes, steps)
        axes.tick_params(labelsize=6, length=2)
        if place + columns < len(codes):
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("updates", fontsize=7)
    headline(
        figure, f"Signatures of all words and probes over the same steps, at layer {table['layer'].iloc[0]}", "share of a curve's best"
    )
    add_note(figure, _summary(table, tasks))
    legend_below(figure, 2)
    return figure


def _draw_language(axes: Axes, curves: pd.DataFrame, colours: Mapping[str, str], ways: Sequence[str]) -> None:
    """Draw a panel.

    Args:
        colours: of each task.
        ways: the lines of signatures, the first of which probes are held against.
    """
    axes.axhline(SHARE, color=GREY, linewidth=0.5, linestyle=(0, (4, 3)), label=f"{100 * SHARE:.0f} % of the best: learned")
    styles: list[dict[str, Any]] = [{"color": "black", "linewidth": 1.6}, {"color": "0.6", "linewidth": 0.7, "linestyle": ":"}]
    lines = dict(zip(ways, styles, strict=False)) | {task: {"color": colour, "linewidth": 0.9} for task, colour in colours.items()}
    for name, style in lines.items():
        curve = curves[curves["curve"] == name]
        axes.plot(curve["step"], curve["share"], label=name, **style)
        learned = curve[curve["step"] == curve["learned"]]
        if name not in ways[1:]:
            # The one square lies on top.
            shape, size, above = ("s", 3.2, 4) if name in ways else ("o", 4.4, 3)
            mark: dict[str, Any] = {"marker": shape, "markersize": size, "linestyle": "none", "zorder": above}
            axes.plot(learned["step"], learned["share"], color=style["color"], **mark)
    first = curves.iloc[0]
    told = curves.drop_duplicates("curve").set_index("curve", drop=False)
    disagree = any((~told[name]).any() for name in ANSWERS)
    axes.set_title(f"{first['name']} ({first['language']})", fontsize=7, pad=11, fontweight="bold" if disagree else "normal")
    font = FONT if len(colours) <= FEW_TASKS else SMALL
    axes.text(-0.06, 1.03, "ρ", transform=axes.transAxes, fontsize=font, color=GREY)
    for place, (name, colour) in enumerate(colours.items()):
        said = "".join(_correlation(row) for row in told[told["curve"] == name].to_dict("records"))
        axes.text(place / len(colours) + 0.02, 1.03, said, transform=axes.transAxes, fontsize=font, color=colour)


def _correlation(row: dict[Any, Any]) -> str:
    """A rank correlation with its marks, such as -.54≠."""
    marks = "".join(
        mark for name, mark in zip(ANSWERS, (NOT_WHEN, NOT_FORGETTING), strict=True) if not pd.isna(row[name]) and not row[name]
    )
    rho = "–" if pd.isna(row["rho"]) else f"{row['rho']:.2f}".replace("0.", ".").replace("-", "−")
    return f"{rho}{marks}"


def _summary(table: pd.DataFrame, tasks: list[str]) -> str:
    """On how many languages both methods agree, task by task."""
    of_tasks = [table[table["curve"] == task].drop_duplicates("language") for task in tasks]
    parts = []
    for name, what in zip(ANSWERS, ("when it is learned", "forgetting"), strict=True):
        counts = [rows[name].dropna() for rows in of_tasks]
        said = (f"{task} {int(found.sum())} of {len(found)}" for task, found in zip(tasks, counts, strict=True))
        parts.append(f"{what}, {', '.join(said)}")
    return f"Languages on which both agree: {'; '.join(parts)}"


SIGNATURE_FIGURE = SignatureFigureKind(
    reads=("signature_trajectories", "signature_agreement"),
    caption=(
        "Mean signatures of all words and the accuracy of probes at the same steps, of each language, at the last layer that both have"
        " (a task that is probed at lower layers alone is not shown). Neither paper has both. Each curve is a share of its own best, as"
        " in paper 1's Figure 3; of a signature that falls, best / value. A mark is where a curve first comes to 95 % of its best"
        " (dashed): the language is learned. Thick: signatures of standardised vectors, all steps in one fit, which compares steps;"
        " marks and numbers are of these where the run has them. Dotted: as paper 2 takes signatures, each step by itself, whose scale"
        " differs from step to step, so that it may leave the panel. Above a panel, Spearman's rho of signature and accuracy over steps,"
        " in the colours of the tasks. ≠: the two methods are more than one checkpoint apart on when the language is learned; †: one of"
        " them forgets and the other does not. Bold: a language with either. metrics/signature_agreement.parquet has intervals, p-values"
        " and reasons; few steps support no claim, and neighbouring ones are alike."
    ),
    table=curves_of_languages,
    plot=plot_curves,
    lacking="no language has both signatures and probes at two steps",
)
