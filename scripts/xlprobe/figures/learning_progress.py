"""When each language comes to shares of its best, in language: a panel a task (paper 1: Figures 2 and 16)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xlprobe.figures.caption_sentences import counted, not_shown, surely_after, without_step
from xlprobe.figures.drawing import GREY, headline, legend_below
from xlprobe.figures.language_panels import DARK, SLIM, language_panels, mark
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.model_tables import EARLY, PRINTED_STEPS, ModelFacts, ModelTables

# Of the best: each with the place of its colour in viridis, and its size. Where several are reached at one step, all are seen.
SHARES = {0.98: (0.0, 5.0), 0.95: (0.35, 4.0), 0.9: (0.65, 3.0), 0.8: (0.9, 2.0)}
LAST = max(SHARES)
# With fewer checkpoints in the part of training that the paper shows, all of it is shown.
FEWEST = 3
COLUMNS = ["task", "language", "share", "step", "later", "low", "high", "interval"]


def learning_progress(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """A row a task, language and share; in each task the language that is learned first stands first.

    Returns:
        COLUMNS. `later`: the step lies after those that are shown. `low` to `high`: the steps that it may be, where other
        sentences chose the best (cross-fitted); no `high` where they go on after the last checkpoint, no `low` where all lie there.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    for task in asked.tasks:
        curves = _steps(tables, task)
        sets = curves.loc[curves["rule"] == "cross-fitted", ["source", "share", "low", "high", "interval"]]
        rows = curves[curves["rule"] == "as printed"].dropna(subset="value")
        if len(rows):
            rows = (
                rows.drop(columns=["low", "high", "interval"])
                .merge(sets, on=["source", "share"], how="left")
                .rename(columns={"value": "step"})
            )
            rows["later"] = rows["step"] > _shown(tables.facts)
            steps = rows.pivot(index="language", columns="share", values="step")
            order = steps.reset_index().sort_values([*sorted(steps.columns, reverse=True), "language"])["language"]
            parts.append(rows.set_index("language").loc[[*order]].reset_index()[COLUMNS])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _steps(tables: ModelTables, task: str) -> pd.DataFrame:
    """The steps to SHARES."""
    curves = tables.curves("steps", task, IN_LANGUAGE)
    curves = curves.assign(share=curves["share"].astype(float).round(6))
    return curves[curves["share"].isin([*SHARES])]


def _without_step(tables: ModelTables, task: str) -> list[str]:
    """The languages that come to no share of their best."""
    printed = _steps(tables, task).query("rule == 'as printed'")
    return sorted({*printed["language"]} - {*printed.dropna(subset="value")["language"]})


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _shown(facts: ModelFacts) -> int:
    """The last step that the figure shows: that of the paper, or of the whole training where there are too few checkpoints before it."""
    early = facts.early or 0
    return early if sum(0 < step <= early for step in facts.steps) >= FEWEST else max(facts.steps)


def plot_learning_progress(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """Languages from the one that comes first to 98 % of its best."""
    by_task = {task: rows for task in asked.tasks if len(rows := table[table["task"] == task])}
    languages = {task: [*rows["language"].unique()] for task, rows in by_task.items()}
    figure, panels = language_panels({task: tables.task(task).title for task in by_task}, languages, SLIM)
    limit = _shown(tables.facts)
    for task, axes in panels.items():
        place_of = {language: place for place, language in enumerate(languages[task])}
        rows = by_task[task].assign(place=by_task[task]["language"].map(place_of))
        last = rows[rows["share"] == LAST]
        sets = last[last["low"].le(limit)]
        ends = sets["high"].astype(float).fillna(limit).clip(upper=limit)
        axes.vlines(sets["place"], sets["low"], ends, color=GREY, alpha=0.35, linewidth=1.6, label=f"{_per_cent(LAST)}, cross-fitted")
        for share, (colour, size) in SHARES.items():
            here = rows[(rows["share"] == share) & ~rows["later"]]
            if len(here):
                axes.plot(
                    here["place"], here["step"], label=f"{_per_cent(share)} of the best", **mark(plt.get_cmap("viridis")(colour), "o", size)
                )
        after = last[last["later"]]
        if len(after):
            axes.plot(after["place"], np.full(len(after), 1.03 * limit), label=f"{_per_cent(LAST)} after {limit:,}", **mark(DARK, "^", 4))
        if (early := tables.facts.early) and early < limit:
            axes.axhline(early, color="black", linestyle=":", linewidth=1, label=f"{early:,} updates")
        axes.set_ylim(0, 1.06 * limit)
        axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_ylabel("updates")
    legend_below(figure, 6 if figure.get_figwidth() >= 9 else 2)
    headline(figure, asked.title, "")
    return figure


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """When languages are learned, and how many after the steps that are shown."""
    limit, last = _shown(tables.facts), max(tables.facts.steps)
    shares = " / ".join(f"{100 * share:.0f}" for share in sorted({*table["share"]}))
    early, printed = tables.facts.early, f"the share of training that the paper shows ({EARLY:,} of {PRINTED_STEPS:,} updates)"
    if limit == early:
        part = f"The first {limit:,} of {last:,} updates are shown{'' if limit == EARLY else ', ' + printed}"
    else:
        part = f"All {last:,} updates are shown, since fewer than {FEWEST} checkpoints lie in {printed}"
    said = [
        f"Each dot is the first checkpoint whose test score is {shares} %"
        f" of the best one of the language (rule as printed; step 0 does not count). {part}."
        f" Grey lines are the steps at which {_per_cent(LAST)} may be reached, where other sentences chose the best (cross-fitted)."
    ]
    for task in asked.tasks:
        rows = table[(table["task"] == task) & (table["share"] == LAST)]
        if len(rows):
            languages = counted(len(rows), "language", "languages")
            steps = f"{rows['step'].mean():,.0f} updates on average, the last one at {rows['step'].max():,.0f}"
            how = "arrows" if limit == early else "dotted line"
            surely = surely_after(rows, early) if early else 0
            later = f"; {(rows['step'] > early).sum()} after {early:,} ({how}), {surely} for sure (cross-fitted)" if early else ""
            said.append(f"{tables.task(task).title}: {languages}, {_per_cent(LAST)} at {steps}{later}.")
            said += without_step(_without_step(tables, task), "language", "languages")
    return " ".join([*said, *not_shown({*table["task"]}, tables, asked, IN_LANGUAGE, PAPER_FIGURE.lacking)])


PAPER_FIGURE = PaperFigureKind(reads=("steps",), table=learning_progress, plot=plot_learning_progress, caption=caption)
