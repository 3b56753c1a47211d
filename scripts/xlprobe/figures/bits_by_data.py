"""Bits per character over pretraining, a line a language, by how much text of it the model saw (paper 1: Figure 14)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from xlprobe.figures.caption_sentences import counted
from xlprobe.figures.drawing import GREY, headline, legend_below, scale_steps
from xlprobe.figures.language_panels import said_of_bits
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.model_tables import ModelTables

# Up to so many languages all lines have names and intervals; of more, so many have names at each end.
FEW, AT_ENDS = 12, 4
# Viridis without its yellow, which is not seen on white.
COLOURS = LinearSegmentedColormap.from_list("size", plt.get_cmap("viridis")(np.linspace(0, 0.9, 256)))


def bits_by_data(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """Bits per character on held-out text.

    Returns:
        Columns language, step, value, low, high (of the interval, where there is one), gib (of the text that the model was pretrained
        on; missing where no size is known) and flag (why it is, or what to know of it). The language that ends best stands first.
    """
    (task,) = asked.tasks
    curves = tables.curves("scores", task, IN_LANGUAGE)[["language", "step", "value", "low", "high"]]
    factors = tables.table("factors")
    sizes = factors[(factors["factor"] == "pretraining_data") & factors["default"].eq(True)].set_index("language")
    curves = curves.assign(gib=curves["language"].map(sizes["value"]), flag=curves["language"].map(sizes["flag"]))
    ends = curves.sort_values("step").groupby("language")["value"].last().sort_values(kind="stable")
    place = curves["language"].map({language: place for place, language in enumerate(ends.index)})
    return curves.assign(place=place).sort_values(["place", "step"]).drop(columns="place").reset_index(drop=True)


def plot_bits_by_data(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """Lines of little text lie in front of those of much."""
    figure, axes = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
    scale, unit = _unit(table)
    sizes = scale * table.groupby("language")["gib"].first().astype(float)
    norm = _norm(sizes[sizes > 0])
    colours = {language: COLOURS(norm(size)) if size > 0 else GREY for language, size in sizes.items()}
    lines = {language: table[table["language"] == language] for language in table["language"].unique()}
    few = len(lines) <= FEW
    for language in sizes.fillna(np.inf).sort_values(ascending=False).index:
        rows, colour = lines[language], colours[language]
        style: dict[str, Any] = {"color": colour, "linewidth": 1.1 if few else 0.7, "marker": "o", "markersize": 2.0 if few else 0.0}
        if not sizes[language] > 0:
            untrained = sizes[language] == 0
            style |= {"linestyle": ":" if untrained else "--", "label": "not pretrained on" if untrained else "no size known"}
        axes.plot(rows["step"], rows["value"], **style)
        if few:
            low, high = (rows[end].astype(float) for end in ("low", "high"))
            axes.fill_between(rows["step"], low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set_xlabel("updates")
    scale_steps(axes, sorted(table["step"].unique()))
    names = [*lines] if few else [*lines][:AT_ENDS] + [*lines][-AT_ENDS:]
    _name_ends(axes, {language: lines[language].iloc[-1] for language in names}, colours)
    if (sizes > 0).any():
        bar = figure.colorbar(ScalarMappable(norm, COLOURS), ax=axes, shrink=0.8, pad=0.02)
        bar.set_label(f"text in pretraining ({unit})")
        ticks = norm.inverse(np.linspace(0, 1, 5)).tolist()
        bar.set_ticks(ticks, labels=[f"{size:,.3g}" for size in ticks])
        bar.ax.minorticks_off()
    if axes.get_legend_handles_labels()[0]:
        legend_below(figure, 2)
    (task,) = asked.tasks
    headline(figure, f"{asked.title} ({said_of_bits(tables)})", tables.task(task).metric.replace("_", " "))
    return figure


def _unit(table: pd.DataFrame) -> tuple[int, str]:
    """What GiB are multiplied with to be shown, and the unit."""
    return (1, "GiB") if table["gib"].max() >= 1 else (1024, "MiB")


def _norm(sizes: pd.Series) -> LogNorm:
    """From the smallest size to the largest; around it, where there is but one, since a colour bar has two ends."""
    return LogNorm(sizes.min(), sizes.max()) if sizes.nunique() > 1 else LogNorm(sizes.min() / 2, sizes.min() * 2)


def _name_ends(axes: Axes, ends: Mapping[str, pd.Series], colours: Mapping[Any, Any]) -> None:
    """Names beside the ends of lines, which ascend, moved apart where they are close."""
    bottom, top = axes.get_ylim()
    gaps = 0.04 * (top - bottom) * np.arange(len(ends))
    # The places closest to the ends that leave a gap between neighbours, and lie beside the axes.
    fitted = isotonic_regression(np.array([row["value"] for row in ends.values()]) - gaps).x
    for place, (language, row) in zip(fitted.clip(bottom, top - gaps[-1]) + gaps, ends.items(), strict=True):
        line = {"arrowstyle": "-", "linewidth": 0.6, "color": colours[language], "shrinkA": 0, "shrinkB": 1}
        beside: dict[str, Any] = {"xytext": (1.03, place), "textcoords": axes.get_yaxis_transform(), "va": "center", "fontsize": 7}
        axes.annotate(language, (row["step"], row["value"]), arrowprops=line, annotation_clip=False, **beside)


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """From what to what the bits and the sizes reach."""
    scale, unit = _unit(table)
    by_language = table.groupby("language", sort=False)
    last, sizes, flags = by_language.last(), scale * by_language["gib"].first().astype(float), by_language["flag"].first()
    known = sizes[sizes > 0]
    said = [
        f"Each line is a language: bits per character on its held-out text ({said_of_bits(tables)}),"
        f" over {counted(table['step'].nunique(), 'checkpoint', 'checkpoints')}; step 0 is not shown."
    ]
    ends = " to ".join(f"{last['value'].iloc[place]:.2f} ({last.index[place]})" for place in ([0, -1] if len(last) > 1 else [0]))
    said.append(f"{counted(len(last), 'language', 'languages')}, with {ends} at the final checkpoint.")
    if len(known):
        span = " to ".join(dict.fromkeys(f"{size:,.3g} ({language})" for language, size in known.sort_values().iloc[[0, -1]].items()))
        said.append(f"The colour is how much text of the language the model was pretrained on: {span} {unit}.")
    if flags.eq("assumed").any():
        said.append("What this model was pretrained on is not known: the sizes are those of CC100.")
    for why, count in (("no size is known", sizes.isna().sum()), ("the model saw no text", (sizes == 0).sum())):
        if count:
            said.append(f"Of {counted(count, 'language', 'languages')} {why} (grey).")
    if len(last) > FEW:
        said.append(f"The {AT_ENDS} best and the {AT_ENDS} worst at the end have names.")
    elif table["low"].notna().any():
        said.append("Bands are bootstrap intervals.")
    return " ".join(said)


PAPER_FIGURE = PaperFigureKind(reads=("scores", "factors"), table=bits_by_data, plot=plot_bits_by_data, caption=caption)
