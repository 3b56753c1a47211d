"""A small run of paper 2, planted from its signatures on, of which each number of each figure and table follows by arithmetic.

Six languages: a family of three, one of two, and one alone. Seven layers, so that trends can be told; three categories; a main comparison,
one with romanised Chinese, one in which Finnish has a tenth of its text. `golden/paper2/README.md` works the numbers out.

Shape letters: L languages, D dimensions of a signature.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from compared_languages import row, write_table_of

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.signature_file import SignaturePlace, Signatures, write_signatures
from xlprobe.artifacts.tables import seal, write_rows
from xlprobe.files import write_json
from xlprobe.metrics.language_comparisons import compare_languages
from xlprobe.metrics.signature_analyses import write_signature_analyses
from xlprobe.metrics.signature_tables import SignatureFacts
from xlprobe.metrics.task_correlations import COLUMNS

STEP, EARLIER = 100, 50
LAYERS = range(7)
CODES = ("de", "en", "et", "fi", "sv", "zh-Hant")
GERMANIC, FINNIC, CHINESE = ("de", "en", "sv"), ("et", "fi"), "zh-Hant"
VARIANTS = ("main", "romanised", "tenth")
PLACES = {"first": ("per_layer", "raw"), "second": ("over_layers", "standardised")}

# Three lists of -3, -2, -1, 1, 2, 3: sums of 0, of squares 28, and of products of two of them 0. So the list a U + b V + c W has a
# Pearson's r of a / sqrt(a^2 + b^2 + c^2) with U, and so on; whole roots make plain numbers of it.
U = np.array([-3, -2, -1, 1, 2, 3])
V = np.array([-3, 2, 1, 3, -2, -1])
W = np.array([-1, 2, 1, -3, -2, 3])
# By layer, a, b and c; the roots are 7, 9, 3, 11, 13, 9, 15.
WEIGHTS = ((6, 2, 3), (7, 4, -4), (2, 1, -2), (6, -6, 7), (3, 4, 12), (1, 8, 4), (-2, 14, 5))
# The same of five languages, all but Chinese: squares 10; the roots are 1, 13, 5, 5, 13, 1, 5.
X = np.array([-2, -1, 0, 1, 2])
Y = np.array([1, 0, -1, -2, 2])
CASE_WEIGHTS = ((-1, 0), (-12, 5), (-4, 3), (-3, 4), (-5, 12), (0, 1), (3, 4))

# How many words have a category, unique characters, and unique lemmas of 20 words.
ALL_INSTANCES = dict(zip(CODES, (1000 + 100 * U).tolist(), strict=True))
CASE_INSTANCES = dict(zip(CODES, [*(300 + 50 * X).tolist(), 23], strict=True))
NUMBER_INSTANCES = dict.fromkeys(CODES, 500)
INSTANCES = {ALL_WORDS: ALL_INSTANCES, "case": CASE_INSTANCES, "number": NUMBER_INSTANCES}
CHARACTERS = dict(zip(CODES, (60 + 4 * V).tolist(), strict=True))
WORDS = 20
LEMMAS = dict(zip(CODES, (10 + W).tolist(), strict=True))
FEWEST, TOO_FEW = 100, "23 instances, fewer than 100"
CHECKED = (0, 3, 6)

# Signatures as sets of ten dimensions, each 1 in its dimensions and 0 in others: two that share k of them are 1 - k / 10 apart. A block
# is so many dimensions of some languages.
Blocks = Sequence[tuple[int, Sequence[str]]]
EARLY: Blocks = [
    (6, CODES),
    (2, ("de", "en")),
    *((2, (code,)) for code in ("de", "en")),
    *((4, (code,)) for code in (*FINNIC, "sv", CHINESE)),
]
MIDDLE: Blocks = [
    *((2, CODES), (2, (*GERMANIC, *FINNIC)), (3, GERMANIC), (4, FINNIC), (2, ("de", "en")), (1, ("sv", "fi"))),
    *((1, ("de",)), (1, ("en",)), (2, ("sv",)), (2, ("et",)), (1, ("fi",)), (8, (CHINESE,))),
]
# Finnish is with Swedish, Estonian with Chinese.
LATE: Blocks = [
    *((2, CODES), (3, (*GERMANIC, "fi")), (4, ("de", "en")), (3, ("sv", "fi")), (1, ("et", CHINESE))),
    *((1, ("de",)), (1, ("en",)), (2, ("sv",)), (2, ("fi",)), (7, ("et",)), (7, (CHINESE,))),
]
CASE: Blocks = [
    *((2, CODES[:5]), (2, GERMANIC), (5, ("en", "sv")), (5, FINNIC)),
    *((6, ("de",)), (1, ("en",)), (1, ("sv",)), (3, ("et",)), (3, ("fi",))),
]

FACTS = SignatureFacts(
    main="main",
    variants=[*VARIANTS],
    compared=[*CODES],
    romanised={"romanised": [CHINESE]},
    cut={"tenth": {"fi": 0.1}},
    resampled=[],
    elsewhere=[],
    models={"model": "multilingual", "control": "monolingual_de"},
    languages={
        code: {"name": name, "family": family, "genus": genus, "branch": "", "script": script}
        for code, name, family, genus, script in [
            ("de", "German", "Indo-European", "Germanic", "Latin"),
            ("en", "English", "Indo-European", "Germanic", "Latin"),
            ("et", "Estonian", "Uralic", "Finnic", "Latin"),
            ("fi", "Finnish", "Uralic", "Finnic", "Latin"),
            ("sv", "Swedish", "Indo-European", "Germanic", "Latin"),
            ("zh-Hant", "Chinese (Traditional)", "Sino-Tibetan", "Chinese", "Traditional Han"),
        ]
    },
    categories=["case", "number", ALL_WORDS],
    fewest=FEWEST,
    world=False,
)
SETS = {"diverse": ["de", "et", CHINESE], "related": {"Germanic": [*GERMANIC]}}
# Where a variant has other text than the main comparison.
OTHER_TEXT = {"main": {}, "romanised": {CHINESE: "romanised/zh-Hant"}, "tenth": {"fi": "tenth/fi"}}

# A user's file of scores, all invented.
USERS_SCORES = {
    ("XNLI", "mBERT", "accuracy"): dict(zip(CODES, 60 + 2 * U, strict=True)),
    ("PAWS-X", "mBERT", "accuracy"): dict(zip(CODES, 70 - 3 * V, strict=True)),
    ("POS", "XLM", "F1"): dict(zip(CODES, 80 + W, strict=True)),
    ("NER", "XLM-R", "F1"): dict(zip(CODES[:5], 50 + 4 * V, strict=False)),
    ("XQuAD", "XLM-R", "F1"): {"de": 60, "en": 80, CHINESE: 70},
    ("BUCC", "XLM-R", "F1"): {"de": 60, CHINESE: 50},
    ("Tatoeba", "MMTE", "accuracy"): dict.fromkeys(CODES, 40),
    ("Sentiment", "Another", "accuracy"): dict(zip(CODES, 50 + U + V, strict=True)),
}


def mean_signature(variant: str, verdict: str, category: str, layer: int, code: str) -> float:
    """The planted mean; NaN where a language has too few words.

    All words fall by 3 from layer to layer, case rises by 1, number falls by 1; of the second verdict all rise by a half, and the
    factors change their places.
    """
    if category == "case":
        if code not in CODES[:5]:
            return np.nan
        x, y = CASE_WEIGHTS[layer]
        one, other = (X, Y) if verdict == "first" else (Y, X)
        apart = x * one + y * other
    else:
        a, b, c = WEIGHTS[layer]
        lists = {ALL_WORDS: (U, V, W), "number": (W, U, V)}[category]
        first, second, third = lists if verdict == "first" else (lists[2], lists[0], lists[1])
        apart = a * first + b * second + c * third
    level = {ALL_WORDS: 30 - 3 * layer, "case": 5 + layer, "number": 12 - layer}[category] if verdict == "first" else 5 + layer / 2
    return level + 0.01 * float(apart[CODES.index(code)]) + changed_by_variant(variant, code)


def changed_by_variant(variant: str, code: str) -> float:
    """Romanised, all are a half above the main comparison, Chinese 1.5; with a tenth of its text, Finnish is 2 below."""
    return {"main": 0.0, "romanised": 1.5 if code == CHINESE else 0.5, "tenth": -2.0 if code == "fi" else 0.0}[variant]


def equal_means(layer: int, code: str) -> dict[str, float]:
    """Means of equally many words: what goes together with the data size among all does not among these."""
    (a, b, c), place = WEIGHTS[layer], CODES.index(code)
    fixed, smallest = a * V + b * W + c * U, a * W + b * U + c * V
    return {"equal_fixed_mean": 4 + 0.01 * float(fixed[place]), "equal_smallest_mean": 3 + 0.01 * float(smallest[place])}


def blocks_of(verdict: str, category: str, layer: int) -> Blocks:
    """The sets of a place; of the second verdict, which no figure shows distances of, those of late layers."""
    if category != ALL_WORDS:
        return CASE if category == "case" else MIDDLE
    if verdict == "second" or layer > 3:
        return LATE
    return MIDDLE if layer == 3 else EARLY


def directions(blocks: Blocks) -> dict[str, np.ndarray]:
    """Of each language its set as 1 and 0, [D]."""
    columns = [[float(code in members) for code in CODES] for size, members in blocks for _ in range(size)]
    return {code: direction_D for code, direction_D in zip(CODES, np.array(columns).T, strict=True) if direction_D.any()}


def write_paper2_run(folder: Path) -> None:
    """Write what paper 2's analyses read, and let them write their tables to `metrics` in the folder."""
    rows = [found for variant in VARIANTS for found in _signatures(folder, variant)]
    signatures = write_table_of(rows, folder)
    metrics = signatures.parent
    texts = sorted({*CODES, *(text for other in OTHER_TEXT.values() for text in other.values())})
    comparisons = {
        variant: {
            "languages": [*CODES],
            "texts": [OTHER_TEXT[variant].get(code, code) for code in CODES],
            "text_of": "multilingual",
            "datasets": [f"morph_{code}" for code in CODES],
        }
        for variant in VARIANTS
    }
    kinds = ("factors", "spreads", "standings", "trends", "correlations", "variances")
    write_signature_analyses(
        signatures,
        comparisons,
        SETS,
        texts,
        [_text(folder, text) for text in texts],
        [_dataset(folder, code) for code in CODES],
        **{f"signature_{kind}_output": metrics / f"signature_{kind}.parquet" for kind in kinds},
    )
    write_rows(own_scores(), "scores.schema.yaml", metrics / "scores.parquet")
    names = {"distances": "language_distances", "trees": "language_trees", "groups": "language_groups"}
    names |= {"differences": "variant_differences", "correlations": "task_correlations"}
    compare_languages(
        signatures,
        folder,
        {code: dict(known) for code, known in FACTS.languages.items()},
        "main",
        comparisons,
        **{option: metrics / f"{name}.parquet" for option, name in names.items()},
        scores=metrics / "scores.parquet",
        task_scores=_users_scores(folder),
    )


def _signatures(folder: Path, variant: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for category in FACTS.categories if variant == "main" else [ALL_WORDS]:
        name = f"signatures/{variant}/{category}.h5"
        places = {}
        for verdict, (fit, scale) in PLACES.items():
            for layer in LAYERS:
                means = {code: mean_signature(variant, verdict, category, layer, code) for code in CODES}
                places[SignaturePlace(fit, scale, layer, STEP)] = _of_means(means, directions(blocks_of(verdict, category, layer)))
                for code, mean in means.items():
                    found = row(variant, None, STEP, code, category, layer, fit) | {"scale": scale, "instances": INSTANCES[category][code]}
                    found |= {"reason": TOO_FEW} if np.isnan(mean) else {"mean_published": mean, "vectors": name}
                    if (variant, verdict, category) == ("main", "first", ALL_WORDS) and layer in CHECKED:
                        found |= equal_means(layer, code)
                    # An earlier step counts for nothing.
                    rows += [found | {"step": EARLIER, "mean_published": 77.0, "vectors": None, "reason": None}, found]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_signatures(folder / name, variant, category, places)
    return rows


def _of_means(means: Mapping[str, float], directions_D: Mapping[str, np.ndarray]) -> Signatures:
    """Signatures with these directions and means; the gauged ones are twice as strong in the first two dimensions, which all share."""
    languages = [code for code in CODES if not np.isnan(means[code])]
    published_LD = np.array([directions_D[code] / directions_D[code].mean() * means[code] for code in languages])
    gauge_D = np.where(np.arange(published_LD.shape[1]) < 2, 2.0, 1.0)
    return Signatures(languages, published_LD, published_LD * gauge_D, {})


def _text(folder: Path, text: str) -> Path:
    path = folder / "corpus" / text / "counts.json"
    # Of other texts than the main comparison's, no figure shows the characters.
    write_json(path, {"train": {"bytes": 1000, "unique_characters": CHARACTERS.get(text, 30)}})
    return path


def _dataset(folder: Path, code: str) -> Path:
    """Words of which no two are alike, and the first lemma is that of all that have no own one."""
    dataset = folder / "datasets" / f"morph_{code}"
    counts = {"units": WORDS, "unique_lemmas": LEMMAS[code], "lemmas_missing": 0.0, "sha256": {}}
    write_json(dataset / "identity.json", declaration(dataset.name, "morphology", [code]) | counts)
    lemmas = [f"lemma{min(place, LEMMAS[code] - 1)}" for place in range(WORDS)]
    pd.DataFrame({"form": [f"form{place}" for place in range(WORDS)], "lemma": lemmas}).to_parquet(dataset / "words.parquet", index=False)
    seal(dataset / "words.parquet")
    return dataset


def _users_scores(folder: Path) -> Path:
    """The file, in which Chinese is called as XTREME does."""
    lines = [
        (task, model, language.removesuffix("-Hant"), metric, str(value), "invented")
        for (task, model, metric), by_language in USERS_SCORES.items()
        for language, value in by_language.items()
    ]
    path = folder / "scores.tsv"
    path.write_text("".join("\t".join(cells) + "\n" for cells in (COLUMNS, *lines)))
    return path


def own_scores() -> list[dict[str, Any]]:
    """The model's own scores: tags and inference zero-shot from English, and alignment with it, of the last layer; others do not count."""
    shared = {"model": "xlmr_main", "step": STEP, "layer": 6, "split": "test", "protocol": "paper", "metric": "accuracy", "n": 9}
    rows: list[dict[str, Any]] = []
    for code, of_tags, of_inference, of_words in zip(CODES, 0.6 + 0.05 * U, 0.6 + 0.05 * V, 0.5 + 0.1 * W, strict=True):
        tags = {"task": "pos", "source": "en_ewt", "source_language": "en", "target": f"{code}_pud", "target_language": code}
        rows.append(shared | tags | {"value": of_tags})
        rows += [shared | tags | other | {"value": 0.5} for other in ({"layer": 3}, {"split": "dev"}, {"step": EARLIER}, {"seed": 1})]
        # Inference sets are in simplified letters, which are none that are compared.
        simplified = "zh-Hans" if code == CHINESE else code
        names = {"source": "xnli_en", "source_language": "en", "target": f"xnli_{simplified}", "target_language": simplified}
        rows.append(shared | names | {"task": "xnli", "value": of_inference})
        if code != "en":
            pair = {"source": f"align_en_{code}", "target": f"align_en_{code}", "source_language": "en", "target_language": code}
            rows.append(shared | pair | {"task": "alignment", "metric": "f1", "protocol": None, "value": of_words})
    return rows
