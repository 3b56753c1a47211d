"""How a kind of paper 2's figures is declared, and one of its figures drawn: PNG, PDF, the CSV behind it, and a caption of this run.

They are of the comparisons of a run at their last step: of the main one, the first that the configuration names, and where it has one of
the romanised one beside. Of several training seeds of the multilingual model the first is shown.
"""

import importlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xlprobe.artifacts.captions import write_caption
from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.artifacts.tables import read_of_schema, read_schema
from xlprobe.figures.drawing import STYLE, blank, save_figure
from xlprobe.figures.signature_declaration import PUBLISHED, family_colours

# What signatures are taken from, by the titles of panels: as paper 2 does, and the second verdict, on one scale at all layers.
VERDICTS = {
    "as published: each layer by itself": PUBLISHED,
    "standardised, all layers together": {"fit": "over_layers", "scale": "standardised"},
}
FIRST_VERDICT, SECOND_VERDICT = VERDICTS
ALL_WORDS_TITLE = "All words"
PAPER_LAYERS = 13


@dataclass(frozen=True, kw_only=True)
class LanguageAsked:
    """One figure of paper 2, as its row of `resources/published/paper2_figures.tsv` asks for it.

    Attributes:
        shown: what the kind shows, in its words.
    """

    title: str
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class ComparisonFacts:
    """What the study says of the run's comparisons (`xlprobe.study.paper2.figure_facts`).

    Attributes:
        main: the first comparison in the configuration.
        romanised: of each comparison with romanised languages, these.
        languages: name, family, genus, branch and script of each language, by code.
    """

    main: str
    romanised: Mapping[str, Sequence[str]]
    languages: Mapping[str, Mapping[str, str]]

    @classmethod
    def of_json(cls, text: str) -> "ComparisonFacts":
        """The facts that a command line names."""
        return cls(**json.loads(text))

    def in_order(self, codes: Collection[str]) -> list[str]:
        """Languages by family, genus and branch, so that those which are related stand together."""
        return sorted(codes, key=lambda code: (*(self.languages[code][fact] for fact in ("family", "genus", "branch")), code))


@dataclass(frozen=True)
class ComparisonTables:
    """Tables of `metrics/` by name; one that the run does not have is empty."""

    facts: ComparisonFacts
    tables: Mapping[str, pd.DataFrame]

    @classmethod
    def of_files(cls, facts: ComparisonFacts, paths: Sequence[Path]) -> "ComparisonTables":
        """Tables that are named after their files.

        Raises:
            XlprobeError: a file is gone or damaged, or is another table.
        """
        return cls(facts, {path.stem: read_of_schema(path, f"{path.stem}.schema.yaml") for path in paths})

    def rows(self, table: str, variant: str | None = None) -> pd.DataFrame:
        """The rows of a comparison (the main one) at its last step, of its first training seed."""
        if table not in self.tables:
            return pd.DataFrame(columns=[*read_schema(f"{table}.schema.yaml")["properties"]])
        rows = self.tables[table]
        rows = rows[rows["variant"] == (variant or self.facts.main)]
        if rows["training_seed"].notna().any():
            rows = rows[rows["training_seed"] == rows["training_seed"].min()]
        return rows[rows["step"] == rows["step"].max()]


@dataclass(frozen=True, kw_only=True)
class LanguagePaperFigureKind:
    """A kind of paper 2's figures.

    Attributes:
        reads: the tables of `metrics/` that it is made of; as plain text, since the plan of a run reads it (`figure_kinds`).
        table: the data that is drawn, one row a mark; no row where there is nothing to show.
        plot: how that is drawn.
        caption: what it shows in this run, in sentences that begin after the title.
        lacking: why there is nothing to show where the tables give no reason.
    """

    reads: tuple[str, ...]
    table: Callable[[ComparisonTables, LanguageAsked], pd.DataFrame]
    plot: Callable[[pd.DataFrame, ComparisonTables, LanguageAsked], Figure]
    caption: Callable[[pd.DataFrame, ComparisonTables, LanguageAsked], str]
    lacking: str


def load_language_figure(kind: str) -> LanguagePaperFigureKind:
    """The kind that the module `xlprobe.figures.<kind>` declares."""
    declared: LanguagePaperFigureKind = importlib.import_module(f"xlprobe.figures.{kind}").LANGUAGE_FIGURE
    return declared


def draw_language_figure(
    kind: str, asked: LanguageAsked, tables: Sequence[Path], facts: ComparisonFacts, png: Path, pdf: Path, csv: Path, caption: Path
) -> None:
    """Draw one of paper 2's figures, from tables of `metrics/` (each named after its file); an empty one says why it is."""
    declared, of_run = load_language_figure(kind), ComparisonTables.of_files(facts, tables)
    table = declared.table(of_run, asked)
    with plt.rc_context(STYLE):
        if len(table):
            figure, said = declared.plot(table, of_run, asked), declared.caption(table, of_run, asked)
        else:
            why = why_nothing(of_run, declared)
            figure, said = blank(asked.title, why), f"Nothing to show: {why}."
        save_figure(figure, table, png, pdf, csv)
    write_caption(caption, said)


def why_nothing(tables: ComparisonTables, declared: LanguagePaperFigureKind) -> str:
    """Why a figure has nothing to show: what the kind lacks, and the reason that the first of its tables gives most often, if any."""
    reasons = [*tables.rows(declared.reads[0])["reason"].dropna().mode()]
    return f"{declared.lacking} ({reasons[0]})" if reasons else declared.lacking


def of_verdict(rows: pd.DataFrame, verdict: str) -> pd.DataFrame:
    """The rows of one way to take signatures."""
    chosen = VERDICTS[verdict]
    return rows[(rows["fit"] == chosen["fit"]) & (rows["scale"] == chosen["scale"])]


def category_order(categories: Collection[str]) -> list[str]:
    """Those of the 17 that occur, by title; all words last, as in the paper's figures."""
    return [*(name for name in CATEGORIES if name in categories and name != ALL_WORDS), *({ALL_WORDS} & {*categories})]


def category_title(category: str) -> str:
    """A category's name; part of speech is of all words."""
    return ALL_WORDS_TITLE if category == ALL_WORDS else CATEGORIES[category]


def layer_title(layer: int) -> str:
    """A layer's name above a panel."""
    return "layer 0 (embeddings)" if layer == 0 else f"layer {layer}"


def said_of_run(tables: ComparisonTables, rows: pd.DataFrame) -> str:
    """Which comparison is shown: its name, model and step."""
    first = rows.iloc[0]
    seed = "" if pd.isna(first["training_seed"]) else f", training seed {int(first['training_seed'])} (the first)"
    return f"Comparison {tables.facts.main}: {first['model']} at step {int(first['step']):,}{seed}"


def second_verdict_missing(shown: Collection[str]) -> list[str]:
    """A sentence where the run has no second verdict; none where it has."""
    if SECOND_VERDICT in shown:
        return []
    return ["The second verdict, standardised vectors in one fit of all layers, is not taken in this run (config key signatures)."]


def listed(codes: Collection[str], most: int = 12) -> str:
    """Languages, or how many where they are more than a reader looks through."""
    return ", ".join(sorted(codes)) if len(codes) <= most else f"{len(codes)} languages"


def family_legend(figure: Figure, families: pd.DataFrame) -> dict[str, str]:
    """Say below a figure which colour is of which family; the colour of each language by code.

    Args:
        families: columns language and family.
    """
    colours = family_colours(families)
    by_colour: dict[str, list[str]] = {}
    for code, family in zip(families["language"], families["family"], strict=True):
        if family not in by_colour.setdefault(colours[code], []):
            by_colour[colours[code]].append(family)
    handles = [Line2D([], [], color=colour, linewidth=3) for colour in by_colour]
    names = [named[0] if len(named) == 1 else "other families" for named in by_colour.values()]
    columns = min(len(names), max(2, int(figure.get_figwidth() / 1.5)))
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, fontsize=7)
    return colours


def stands_for(layer: int, paper: int, layers: Sequence[int]) -> str:
    """What stands for a layer of the paper's; nothing where it is the layer itself."""
    if layer == paper and (paper == 0 or max(layers) == PAPER_LAYERS - 1):
        return ""
    return f"layer {layer} of 0 to {max(layers)} stands for the paper's layer {paper}"
