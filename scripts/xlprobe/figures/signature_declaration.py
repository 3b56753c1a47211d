"""How a kind of figure of signatures is declared, and drawn: PNG, PDF and the CSV behind it."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.checkpoint_names import run_name
from xlprobe.artifacts.tables import read_of_schema
from xlprobe.errors import XlprobeError
from xlprobe.figures.drawing import BLUE, GREEN, GREY, ORANGE, STYLE, blank, save_figure
from xlprobe.metrics import last_signatures

# Okabe and Ito's colours, one a family; of more families the last share grey.
FAMILY_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", "#999933")
LABEL_POINTS = 6.0
# How signatures are shown: as paper 2 takes them, and the second verdict on them.
PUBLISHED = dict(zip(("fit", "scale"), last_signatures.AS_PRINTED, strict=True))


@dataclass(frozen=True, kw_only=True)
class SignatureFigureKind:
    """A kind of figure of signatures.

    Attributes:
        reads: the tables of `metrics/` that it shows, by name; as plain text, since the plan of a run reads it (`figure_kinds`).
        caption: what the report says of it; as plain text, too.
        table: what is drawn, out of these tables, in their order: the rows of all words of one variant, with the columns name and family
            of each language.
        plot: how that is drawn.
        lacking: what the run lacks where there is no row.
    """

    reads: tuple[str, ...]
    caption: str
    table: Callable[..., pd.DataFrame]
    plot: Callable[[pd.DataFrame], Figure]
    lacking: str


def draw_signatures(
    kind: str, tables: Sequence[Path], variant: str, languages: Mapping[str, Mapping[str, str]], png: Path, pdf: Path, csv: Path
) -> None:
    """Draw a kind of figure of one variant.

    Args:
        tables: those that the kind reads, named after them.
        variant: as paths name it, with its training seed.
        languages: name and family of each, by code.

    Raises:
        XlprobeError: a table is missing, damaged, or another one.
    """
    declared: SignatureFigureKind = importlib.import_module(f"xlprobe.figures.{kind}").SIGNATURE_FIGURE
    paths = {path.stem: path for path in tables}
    if absent := [name for name in declared.reads if name not in paths]:
        raise XlprobeError(f"--tables: {kind} reads {absent[0]}.parquet, which is not among them; name it, too")
    table = declared.table(*(_of_variant(read_of_schema(paths[n], f"{n}.schema.yaml"), variant, languages) for n in declared.reads))
    with plt.rc_context(STYLE):
        drawn = declared.plot(table) if len(table) else blank(f"{variant}: {kind.replace('_', ' ')}", declared.lacking)
        save_figure(drawn, table, png, pdf, csv)


def _of_variant(rows: pd.DataFrame, variant: str, languages: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The rows of all words of a variant, with the name and family of each language; of what is over languages, these are missing."""
    named = [
        run_name(name, None if pd.isna(seed) else int(seed)) for name, seed in zip(rows["variant"], rows["training_seed"], strict=True)
    ]
    # As an array: a list without a row would be one of columns.
    rows = rows[np.array([name == variant for name in named], dtype=bool) & (rows["category"] == ALL_WORDS).to_numpy(dtype=bool)]
    facts = {fact: {code: known[fact] for code, known in languages.items()} for fact in ("name", "family")}
    return rows.assign(**{fact: rows["language"].map(by_code) for fact, by_code in facts.items()})


def family_colours(table: pd.DataFrame) -> dict[str, str]:
    """The colour of each language by code; languages of a family share one. The families with most languages come first."""
    languages = table.drop_duplicates("language")
    families = languages["family"].value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable").index
    of_family = {family: FAMILY_COLOURS[place] if place < len(FAMILY_COLOURS) else GREY for place, family in enumerate(families)}
    return {code: of_family[family] for code, family in zip(languages["language"], languages["family"], strict=True)}


def panel_height(table: pd.DataFrame, least: float) -> float:
    """The height in inches of a panel in which the codes of all languages have room below each other."""
    return max(least, 0.3 + 1.1 * LABEL_POINTS / 72 * table["language"].nunique())


def name_lines(axes: Axes, ends: Mapping[str, float], place: float, colours: Mapping[str, str]) -> None:
    """Write codes beside the ends of lines, moved apart where they would overlap. Call it once all is drawn.

    Args:
        ends: where each line ends on the vertical axis.
        place: where they end on the horizontal one.
    """
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    least = (high - low) * LABEL_POINTS * 1.1 / height
    codes = sorted(ends, key=lambda code: ends[code])
    wanted = np.array([ends[code] for code in codes])
    # The places nearest to the ends that keep their order and a distance, inside the axes: means of the runs in which they collide.
    shifted = wanted - least * np.arange(len(codes))
    room = high - low - least * len(codes)
    places = np.clip(_isotonic(shifted), low + least / 2, low + least / 2 + max(room, 0)) + least * np.arange(len(codes))
    for code, end, shown in zip(codes, wanted, places, strict=True):
        axes.annotate(
            code,
            (place, end),
            (10, (shown - end) / (high - low) * height),
            textcoords="offset points",
            fontsize=LABEL_POINTS,
            va="center",
            color=colours[code],
            arrowprops={"arrowstyle": "-", "linewidth": 0.3, "color": colours[code], "shrinkA": 0, "shrinkB": 1, "relpos": (0, 0.5)},
            annotation_clip=False,
        )


def _isotonic(values: np.ndarray) -> np.ndarray:
    """The non-decreasing numbers nearest to some, by pooling neighbours that are out of order."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, count), (other, others) = pools[-2:]
            pools[-2:] = [((one * count + other * others) / (count + others), count + others)]
    return np.repeat([mean for mean, _ in pools], [count for _, count in pools])
