"""The best performance in language over all checkpoints, a panel a task and a mark a language (paper 1: Figure 1)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.caption_sentences import counted, not_shown
from xlprobe.figures.drawing import BLUE, GREY, ORANGE, headline, legend_below
from xlprobe.figures.language_panels import SLIM, language_panels, mark, said_of_bits
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.model_tables import ModelTables

# What stands beside the best that was chosen on the test sentences: the first of these that a task has.
HONEST = ("dev", "cross-fitted")
# The later, the further in front.
MARKS = {
    "baseline": ("best baseline without vectors", mark(GREY, "_", 5, markeredgewidth=1.2)),
    "honest": ("checkpoint chosen on other sentences", mark(ORANGE, "o", 5, markerfacecolor="none", alpha=0.6)),
    "value": ("best of all checkpoints (as printed)", mark(BLUE, "o", 2.5)),
}
COLUMNS = ["task", "language", "source", "step", "value", "rule", "honest", "low", "high", "majority", "baseline", "baseline_name"]


def best_performance(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """A row a language and task, the best first.

    Returns:
        COLUMNS. `value`, at `step`, was chosen on the test sentences; `honest`, with an interval where there is one, by `rule`.
        `baseline` is the best one without vectors beside `majority`. Bits are no shares: less is better.
    """
    parts = []
    for task in asked.tasks:
        curves = tables.curves("best", task, IN_LANGUAGE)
        rows = curves[curves["rule"] == "as printed"].dropna(subset="value")
        rules = [rule for rule in HONEST if rule in {*curves["rule"]}][:1]
        honest = curves[curves["rule"].isin(rules)].rename(columns={"value": "honest"})[["source", "rule", "honest", "low", "high"]]
        rows = rows[["task", "language", "source", "step", "value"]].merge(honest, on="source", how="left")
        rows = rows.merge(_baselines(tables, task), on="source", how="left")
        parts.append(rows.sort_values(["value", "language"], ascending=[tables.task(task).direction == "lower", True]))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _baselines(tables: ModelTables, task: str) -> pd.DataFrame:
    """Of each dataset the share of the most frequent label, and the best other baseline, with its name."""
    scores = tables.baselines(task, IN_LANGUAGE).pivot_table(index="source", columns="model", values="value")
    others = scores.drop(columns="majority", errors="ignore").dropna(how="all")
    made = {"majority": scores.get("majority", np.nan), "baseline": others.max(axis=1), "baseline_name": others.idxmax(axis=1)}
    return pd.DataFrame(made, index=scores.index).reset_index()


def plot_best_performance(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """Languages from the best to the worst."""
    by_task = {task: rows for task in asked.tasks if len(rows := table[table["task"] == task])}
    titles = {task: "\n".join([_title(tables, task), *_majority(rows)]) for task, rows in by_task.items()}
    figure, panels = language_panels(titles, {task: [*rows["language"]] for task, rows in by_task.items()}, SLIM)
    for task, axes in panels.items():
        rows, declared = by_task[task], tables.task(task)
        scale, places = (1 if declared.direction == "lower" else 100), range(len(rows))
        for column, (label, options) in MARKS.items():
            if rows[column].notna().any():
                axes.plot(places, scale * rows[column].astype(float), label=label, **options)
        low, high = (scale * rows[end].astype(float) for end in ("low", "high"))
        axes.vlines(places, low, high, color=ORANGE, linewidth=0.8, alpha=0.5)
        axes.set_ylabel(f"{declared.metric} (%)" if scale > 1 else declared.metric.replace("_", " "))
    legend_below(figure, 3 if figure.get_figwidth() >= 9 else 2)
    headline(figure, asked.title, "")
    return figure


def _majority(rows: pd.DataFrame) -> list[str]:
    """The share of the most frequent label, from the least to the most; as marks beside the others, they would flatten these."""
    if rows["majority"].isna().all():
        return []
    return [f"majority: {'–'.join(dict.fromkeys(f'{100 * share:.1f}' for share in (rows['majority'].min(), rows['majority'].max())))} %"]


def _title(tables: ModelTables, task: str) -> str:
    """A task's name; of bits also how they are taken."""
    declared = tables.task(task)
    return f"{declared.title} ({said_of_bits(tables)})" if declared.direction == "lower" else declared.title


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """How many languages there are, and from what to what they reach."""
    checkpoints = counted(sum(step > 0 for step in tables.facts.steps), "checkpoint", "checkpoints")
    said = [
        f"Each dot is the best score of a language on test (bits: on held-out text) over {checkpoints}. The checkpoint is chosen on the"
        " same sentences, as the paper does, so it looks a little too good. The open circle is the score at a checkpoint that other"
        " sentences chose: those of dev; where there is no dev, one half of the same ones (cross-fitted). Majority is the share of the"
        " most frequent label; dashes are the best other baseline without vectors, which knows the forms of words, or one sentence of"
        " two. Languages stand from the best to the worst."
    ]
    for task in asked.tasks:
        if len(rows := table[table["task"] == task]):
            said.append(_range_of(rows, tables, task))
    return " ".join([*said, *not_shown({*table["task"]}, tables, asked, IN_LANGUAGE, PAPER_FIGURE.lacking)])


def _range_of(rows: pd.DataFrame, tables: ModelTables, task: str) -> str:
    bits, ends = tables.task(task).direction == "lower", (rows.iloc[0], rows.iloc[-1])
    values = [f"{row['value']:.2f} ({row['language']})" if bits else f"{100 * row['value']:.1f} % ({row['language']})" for row in ends]
    span = f"from {values[0]} to {values[1]}" if len(rows) > 1 else values[0]
    return f"{_title(tables, task)}: {counted(len(rows), 'language', 'languages')}, {span}."


PAPER_FIGURE = PaperFigureKind(reads=("best", "scores"), table=best_performance, plot=plot_best_performance, caption=caption)
