"""Signatures of nine languages and scores of tasks whose correlations a person can work out, as tables of `metrics/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from compared_languages import last_rows_of, row

from xlprobe.artifacts.tables import write_rows
from xlprobe.metrics.signature_tables import SignatureFacts, SignatureTables
from xlprobe.metrics.task_correlations import COLUMNS, correlation_rows, xtreme_scores
from xlprobe.tables.declaration import make_table

# Invented scores of XTREME's models, as a user's file: of four in PAWS-X, in its seven languages, and of two in some of XQuAD's.
PAWSX = {"de": 88.0, "en": 95.0, "es": 90.0, "fr": 91.0, "ja": 78.0, "ko": 80.0, "zh": 82.0}
MBERT_PAWSX = {"de": 85.0, "en": 94.0, "es": 87.0, "fr": 86.0, "ja": 73.0, "ko": 70.0, "zh": 77.0}
XQUAD = {"de": 70.0, "en": 84.0, "es": 75.0, "ru": 71.0, "th": 43.0, "zh": 58.0}
SCORES = {
    ("PAWS-X", "XLM-R", "accuracy"): PAWSX,
    ("PAWS-X", "mBERT", "accuracy"): MBERT_PAWSX,
    ("PAWS-X", "XLM", "accuracy"): MBERT_PAWSX,
    ("PAWS-X", "MMTE", "accuracy"): MBERT_PAWSX,
    **{("XQuAD", model, metric): XQUAD for model in ("mBERT", "XLM-R") for metric in ("F1", "EM")},
}
OWN = {"de": 0.8, "fi": 0.5, "fr": 0.7, "ru": 0.2}
LANGUAGES = ["de", "en", "es", "fi", "fr", "ja", "ko", "ru", "zh-Hant"]
LAYERS = (0, 1, 2)
FEWEST = 100
# By category and language, other numbers of words than 500.
INSTANCES = {"animacy": {"ru": 120, "de": 300, "en": 3}, "politeness": {"de": 12, "ja": 250, "es": 99}}
PLACES = (("per_layer", "raw"), ("over_layers", "standardised"))
FACTS = SignatureFacts(
    main="main",
    variants=["main", "other"],
    compared=LANGUAGES,
    romanised={},
    cut={},
    resampled=[],
    elsewhere=[],
    models={"model": "xlmr_main", "control": "monolingual_de"},
    languages={
        code: {"name": name, "family": family, "genus": genus, "branch": "", "script": script}
        for code, name, family, genus, script in [
            ("de", "German", "Indo-European", "Germanic", "Latin"),
            ("en", "English", "Indo-European", "Germanic", "Latin"),
            ("es", "Spanish", "Indo-European", "Romance", "Latin"),
            ("fi", "Finnish", "Uralic", "Finnic", "Latin"),
            ("fr", "French", "Indo-European", "Romance", "Latin"),
            ("ja", "Japanese", "Japanese", "Japanese", "Japanese"),
            ("ko", "Korean", "Korean", "Korean", "Korean"),
            ("ru", "Russian", "Indo-European", "Slavic", "Cyrillic"),
            ("zh-Hant", "Chinese (Traditional)", "Sino-Tibetan", "Chinese", "Traditional Han"),
        ]
    },
    categories=["animacy", "case", "part_of_speech", "politeness"],
    fewest=FEWEST,
    world=False,
)


def mean_of(code: str, layer: int) -> float:
    """The mean signature of a language: at the last layer ten times its score of PAWS-X, at the middle one that turned round."""
    score = PAWSX.get(code.partition("-")[0], 50.0)
    return {0: float(len(code) + LANGUAGES.index(code) % 3), 1: 1000 - 10 * score, 2: 10 * score}[layer]


def write_planted_signatures(folder: Path, places: Sequence[tuple[str, str]] = PLACES, languages: Sequence[str] = LANGUAGES) -> list[Path]:
    """Write `signatures` and `task_correlations`; their paths."""
    rows: list[dict[str, Any]] = []
    for fit, scale in places:
        for code in languages:
            for layer in LAYERS:
                # The second verdict is the other way round.
                value = mean_of(code, layer) * (1 if scale == "raw" else -1)
                rows.append(row("main", None, 20, code, layer=layer, fit=fit) | {"scale": scale, "mean_published": value})
                rows += [
                    row("main", None, 20, code, category, layer, fit)
                    | {"scale": scale, "instances": counts.get(code, 0), "reason": None if counts.get(code, 0) >= FEWEST else "too few"}
                    for category, counts in INSTANCES.items()
                ]
                # Another comparison, and an earlier step.
                rows.append(row("other", None, 20, code, layer=layer, fit=fit) | {"scale": scale, "mean_published": -value})
                rows.append(row("main", None, 10, code, "case", layer, fit) | {"scale": scale, "instances": 999})
    metrics = folder / "metrics"
    found = correlation_rows(last_rows_of(rows, folder), xtreme_scores(write_scores(folder)), pd.DataFrame(own_scores()))
    write_rows(found, "task_correlations.schema.yaml", metrics / "task_correlations.parquet")
    return [metrics / "signatures.parquet", metrics / "task_correlations.parquet"]


def write_scores(folder: Path) -> Path:
    """SCORES as a user's file of `signatures.task_scores`."""
    path = folder / "scores.tsv"
    lines = [
        (task, model, language, metric, str(value), "invented")
        for (task, model, metric), by_language in SCORES.items()
        for language, value in by_language.items()
    ]
    path.write_text("".join("\t".join(cells) + "\n" for cells in (COLUMNS, *lines)))
    return path


def own_scores() -> list[dict[str, Any]]:
    """Of the model at its last step: tags, zero-shot from English."""
    shared = {"model": "xlmr_main", "training_seed": None, "step": 20, "layer": 2, "task": "pos", "source": "en_ewt", "text_form": None}
    shared |= {"source_language": "en", "split": "test", "seed": None, "protocol": "paper", "metric": "accuracy", "n": 9}
    return [shared | {"target": f"{code}_pud", "target_language": code, "value": value} for code, value in OWN.items()]


def planted_signature_tables(folder: Path, **chosen: Any) -> SignatureTables:
    """The same, as kinds of tables ask for them."""
    return SignatureTables.of_files(FACTS, write_planted_signatures(folder, **chosen))


def write_kind(kind: str, paths: Sequence[Path], folder: Path, facts: SignatureFacts = FACTS) -> tuple[pd.DataFrame, str, str]:
    """Make a table; its CSV as it is read back, its Markdown and its LaTeX."""
    csv, markdown, latex = (folder / f"table.{ending}" for ending in ("csv", "md", "tex"))
    make_table(kind, "A title", paths, facts, csv, markdown, latex)
    return pd.read_csv(csv, dtype=str, keep_default_na=False), markdown.read_text(encoding="utf-8"), latex.read_text(encoding="utf-8")


def named_once(cells: list[list[str]]) -> list[list[str]]:
    """Rows as Markdown and LaTeX show them: the first cell is blank where it repeats what stands above."""
    return [["" if number and cells[number - 1][0] == row[0] else row[0], *row[1:]] for number, row in enumerate(cells)]


def rows_of_markdown(text: str) -> list[list[str]]:
    """The cells of a table in Markdown, without its head."""
    _, _, *lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in lines]


def rows_of_latex(text: str) -> list[list[str]]:
    """The cells of a table in LaTeX, without its head."""
    plain = text.replace("$-$", "-").replace("--", "–").replace(r"$^\circ$", "°")
    _, *lines = [line.removesuffix("\\\\") for line in plain.splitlines() if line.endswith("\\\\")]
    return [[cell.strip() for cell in line.split(" & ")] for line in lines]
