"""Tables of paper 2's analyses whose numbers are known, of six languages and of the paper's 33, and its figures of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import yaml
from legible import check_legible
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.artifacts.tables import conform, read_schema
from xlprobe.figures.drawing import STYLE
from xlprobe.figures.paper_declaration import Asked, load_paper_figure
from xlprobe.figures.signature_panels import VERDICTS
from xlprobe.metrics.last_signatures import last_rows
from xlprobe.metrics.signature_tables import SIGNATURES, SignatureFacts, SignatureTables
from xlprobe.paths import PROJECT
from xlprobe.statistics.language_trees import upgma
from xlprobe.study import paper2
from xlprobe.study.config import complete
from xlprobe.study.plan import Study

FACTORS = ("data_size", "unique_characters", "type_token_ratio")
# Of few languages: one family of three, one of two, and one language alone.
FEW = {"qaa": "Arvic", "qab": "Arvic", "qac": "Arvic", "qba": "Bantic", "qbb": "Bantic", "qca": "Cetic"}
# Distances within a genus, a family, and beyond.
NEAR, MIDDLE, FAR = 0.1, 0.3, 0.6
RUN = {"training_seed": None, "model": "multilingual", "step": 600}


@dataclass(frozen=True)
class PlantedTables(SignatureTables):
    """Tables that lie in no file, by name."""

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def read(self, name: str) -> pd.DataFrame:
        """As from a file."""
        if name not in self.tables:
            return super().read(name)
        return last_rows(self.tables[name]) if name == SIGNATURES else self.tables[name]


@dataclass(frozen=True)
class Size:
    """How large a run is planted."""

    facts: SignatureFacts
    categories: tuple[str, ...]
    layers: range


def sizes() -> dict[str, Size]:
    """A small run, and one of the paper's size."""
    study = Study(complete(yaml.safe_load((PROJECT / "config" / "signatures.yaml").read_text())))
    small = {
        code: {"name": f"Language {code}", "family": family, "genus": f"Proto-{family}", "branch": "", "script": "Latin"}
        for code, family in FEW.items()
    }
    categories = ("case", ALL_WORDS, "number")
    facts = SignatureFacts(
        main="main",
        variants=["main", "latin"],
        compared=sorted(small),
        romanised={"latin": ["qba"]},
        cut={},
        resampled=[],
        elsewhere=[],
        models={"model": "multilingual", "control": "monolingual_qaa"},
        languages=small,
        categories=categories,
        fewest=100,
        world=True,
    )
    return {
        "demo": Size(facts, categories, range(4)),
        "paper": Size(SignatureFacts(**paper2.signature_facts(study)), tuple(CATEGORIES), range(13)),
    }


def correlation(category: str, layer: int, factor: str) -> float:
    """The planted r: it rises by layer, and tells categories and factors apart."""
    return -0.9 + 0.05 * layer + 0.04 * [*CATEGORIES].index(category) + 0.3 * FACTORS.index(factor)


def mean_signature(place: int, layer: int, verdict: str, variant: str) -> float:
    """The planted mean: languages are apart by their place, and fall by layer; the second verdict is 10 above."""
    return 1.5 - 0.05 * layer + 0.01 * place + 10 * [*VERDICTS].index(verdict) + 0.5 * (variant != "main")


def planted_tables(size: Size) -> PlantedTables:
    """All tables that paper 2's figures read."""
    return PlantedTables(
        size.facts,
        {},
        {
            "signatures": pd.concat(_signatures(size, variant) for variant in ("main", *size.facts.romanised)),
            "signature_correlations": _correlations(size),
            "signature_factors": _factors(size),
            "language_distances": _distances(size),
            "language_trees": _trees(size),
        },
    )


def _table(rows: Sequence[Mapping[str, object]], name: str) -> pd.DataFrame:
    schema = f"{name}.schema.yaml"
    return pd.DataFrame([RUN | {"variant": "main"} | dict(row) for row in rows]).reindex(columns=[*read_schema(schema)["properties"]])


def _signatures(size: Size, variant: str) -> pd.DataFrame:
    rows = [
        {
            **{"variant": variant, "language": code, "layer": layer, "category": category, "step": step, "instances": 500, **chosen},
            "mean_published": mean_signature(place, layer, verdict, variant) + (0 if category == ALL_WORDS and step == 600 else 70),
        }
        for place, code in enumerate(sorted(size.facts.languages))
        for layer in size.layers
        for verdict, chosen in VERDICTS.items()
        for category in (ALL_WORDS, "case")
        for step in (300, 600)
    ]
    return _table(rows, "signatures")


def _correlations(size: Size) -> pd.DataFrame:
    """Case has few languages, and number no correlation at all."""
    rows: list[dict[str, object]] = []
    for chosen, sizes_of, category, factor in product(VERDICTS.values(), ("all", "equal_fixed"), size.categories, FACTORS):
        layers = [*size.layers] if sizes_of == "all" else [*size.layers][:: max(1, len(size.layers) // 2)]
        of_layers = {layer: correlation(category, layer, factor) for layer in layers}
        shared: dict[str, object] = {**chosen, "sizes": sizes_of, "category": category, "factor": factor, "signature": "published"}
        shared |= {"n": 4 if category == "case" else len(size.facts.languages), "n_too_small": category == "case"}
        for layer, r in [(None, float(np.mean([*of_layers.values()]))), *of_layers.items()]:
            found = {"r": r, "low": r - 0.1, "high": r + 0.1}
            none = {"n": 0, "n_too_small": True, "reason": "no language has a value"}
            rows.append(
                shared | {"layer": layer, "layers": len(layers) if layer is None else 1} | (none if category == "number" else found)
            )
    return conform(_table(rows, "signature_correlations"), "signature_correlations.schema.yaml")


def _factors(size: Size) -> pd.DataFrame:
    lacking = (min(size.facts.languages), "type_token_ratio")
    rows: list[dict[str, object]] = [
        {"language": code, "factor": factor, "value": None if (code, factor) == lacking else 10.0}
        for code in size.facts.languages
        for factor in FACTORS[1:]
    ]
    return _table(rows, "signature_factors")


def distance(size: Size, one: str, other: str) -> float:
    """The planted distance of two languages."""
    first, second = size.facts.languages[one], size.facts.languages[other]
    if first["genus"] == second["genus"]:
        return NEAR
    return MIDDLE if first["family"] == second["family"] else FAR


def _distances(size: Size) -> pd.DataFrame:
    codes = sorted(size.facts.languages)
    rows = [
        {
            **{"category": category, "layer": layer, **chosen, "language": one, "other": other},
            "published": distance(size, one, other) + 0.01 * layer,
            "gauged": 0.5,
        }
        for category in (ALL_WORDS, None)
        for layer in size.layers
        for chosen in VERDICTS.values()
        for place, one in enumerate(codes)
        for other in codes[place + 1 :]
    ]
    return _table(rows, "language_distances")


def _trees(size: Size) -> pd.DataFrame:
    codes, middle = sorted(size.facts.languages), size.layers[len(size.layers) // 2]
    # A little apart, so that no two merges are as near; families and genera stay together.
    places = np.arange(len(codes))
    distances = np.array([[distance(size, one, other) for other in codes] for one in codes]) + 0.0007 * np.add.outer(places, places)
    np.fill_diagonal(distances, 0)
    tree = upgma(codes, distances)
    found = {"languages": len(codes), "newick": tree.newick(), "ties": tree.ties, "resolved": 15, "agreed": 12, "share": 0.8}
    rows: list[dict[str, object]] = [
        {"category": category, "layer": layer, **chosen, "signature": signature, "left_out": "", "middle_layer": middle}
        | {**found, "permutation_p": 0.002, "n_too_small": False}
        for category in (ALL_WORDS, "case", None)
        for layer in size.layers
        for chosen in VERDICTS.values()
        for signature in ("published", "gauged")
    ]
    return _table(rows, "language_trees")


@dataclass(frozen=True)
class DrawnComparison:
    """A figure, the table behind it, and its caption."""

    table: pd.DataFrame
    figure: Figure
    caption: str

    @property
    def panels(self) -> dict[str, Axes]:
        """Its panels, by their titles on one line; without colour bars."""
        return {axes.get_title().replace("\n", " "): axes for axes in self.figure.axes if axes.get_title()}


def drawn_comparison(tables: SignatureTables, kind: str, shown: str = "", title: str = "Title") -> DrawnComparison:
    """A figure of a kind, legible and closed: its axes can still be asked."""
    declared, asked = load_paper_figure(kind), Asked(title=title, shown=shown)
    table = declared.table(tables, asked)
    with plt.rc_context(STYLE):
        figure = declared.plot(table, tables, asked)
        check_legible(figure)
    plt.close(figure)
    return DrawnComparison(table, figure, declared.caption(table, tables, asked))
