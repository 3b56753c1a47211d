"""A scores table made on the spot, whose curves a person can work out."""

from typing import Any

import pandas as pd

from xlprobe.artifacts.tables import conform
from xlprobe.metrics.curves import Dataset, Scores
from xlprobe.tasks.declaration import load_task

DATASETS = ["en_ewt", "tr_imst", "zh_gsd"]
FACTS = {
    "en_ewt": {"title": "English (en_ewt)", "language": "en", "family": "Indo-European"},
    "tr_imst": {"title": "Turkish (tr_imst)", "language": "tr", "family": "Turkic"},
    "zh_gsd": {"title": "Chinese (zh_gsd)", "language": "zh", "family": "Sino-Tibetan"},
    "en_pud": {"title": "English (en_pud)", "language": "en", "family": "Indo-European"},
    "de_pud": {"title": "German (de_pud)", "language": "de", "family": "Indo-European"},
    "en": {"title": "English", "language": "en", "family": "Indo-European"},
    "tr": {"title": "Turkish", "language": "tr", "family": "Turkic"},
    "align_en_de": {"title": "English - German", "language": "en-de", "family": "Indo-European"},
}
TASKS = ["pos", "arc_prediction", "arc_classification", "number", "xnli"]
# How each is measured; alignments in one way.
PROTOCOLS = {"bpc": "lines", "alignment": None}
LEARNED = {"hypothesis_only": 0.45, "word_overlap": 0.35}


def example_scores() -> pd.DataFrame:
    """Two steps, two layers, two seeds; on dev layer 0 is best at step 0, layer 1 at step 10."""
    rows: list[tuple[Any, ...]] = []
    for dataset in DATASETS:
        for step, layer, split, values in (
            (0, 0, "dev", (0.5, 0.7)),
            (0, 1, "dev", (0.5, 0.5)),
            (0, 0, "test", (0.4, 0.6)),
            (0, 1, "test", (0.9, 0.9)),
            (10, 0, "dev", (0.6, 0.6)),
            (10, 1, "dev", (0.8, 0.8)),
            (10, 0, "test", (0.7, 0.7)),
            (10, 1, "test", (0.75, 0.85)),
        ):
            for seed, value in enumerate(values):
                rows.append(("m", step, layer, "pos", dataset, dataset, split, seed, "accuracy", value, 100))
                rows += [
                    ("m", step, layer, "pos", dataset, dataset, split, seed, f"accuracy_{group}", value - less, n)
                    for group, less, n in (("ambiguous", 0.1, 40), ("unseen", 0.2, 10))
                ]
                # Transfer: half the score to English's parallel set, less to German's.
                rows += [
                    ("m", step, layer, "pos", dataset, target, "test", seed, "accuracy", value * share, 100)
                    for target, share in (("en_pud", 0.5), ("de_pud", 0.25))
                    if split == "test"
                ]
        for metric, value in (("accuracy", 0.6), ("accuracy_ambiguous", 0.5), ("accuracy_unseen", 0.3)):
            rows.append(("majority", None, None, "pos", dataset, dataset, "test", None, metric, 0.2, 100))
            rows.append(("word_type", None, None, "pos", dataset, dataset, "test", None, metric, value, 100))
        # What they reach on the parallel sets is no baseline of the dataset itself.
        rows += [
            (name, None, None, "pos", dataset, target, "test", None, "accuracy", value, 100)
            for name, on_english, on_german in (("majority", 0.1, 0.05), ("word_type", 0.3, 0.15))
            for target, value in (("en_pud", on_english), ("de_pud", on_german))
        ]
    rows += [
        ("m", step, layer, "alignment", "align_en_de", "align_en_de", "test", None, metric, value + layer / 10, 50)
        for step, value in ((0, 0.2), (10, 0.6))
        for layer in (0, 1)
        for metric in ("f1", "aer")
    ]
    rows += [("diagonal", None, None, "alignment", "align_en_de", "align_en_de", "test", None, "f1", 0.3, 50)]
    rows += [
        ("m", step, None, "bpc", name, name, split, None, "bits_per_character", value + (split == "test"), 50)
        for step, value in ((0, 3.5), (10, 1.5))
        for name, split in (("en", "valid"), ("en_pud", "test"), ("tr", "valid"))
    ]
    columns = ["model", "step", "layer", "task", "source", "target", "split", "seed", "metric", "value", "n"]
    table = pd.DataFrame(rows, columns=columns)
    for place, column in ((0, "source"), (-1, "target")):
        table[f"{column}_language"] = [FACTS[name]["language"].split("-")[place] for name in table[column]]
    of_words = table[table["task"] == "pos"]
    of_pairs = of_words[of_words["metric"] == "accuracy"]
    others = [of_words.assign(task="number"), *(of_pairs.assign(task=task) for task in ("arc_prediction", "arc_classification"))]
    # Where sentences are labelled, no form tells, but two baselines of their own.
    of_sentences = of_pairs[of_pairs["model"] != "word_type"]
    learned = [of_pairs[of_pairs["model"] == "word_type"].assign(model=name, value=value) for name, value in LEARNED.items()]
    others += [part.assign(task="xnli") for part in (of_sentences, *learned)]
    # Means stand beside the seeds' rows; a figure that took one for a seed's would be far off.
    means = [part[part["seed"].notna()].assign(seed=None, value=9.0) for part in (table, *others)]
    same = {"training_seed": None, "text_form": None, "low": None, "high": None}
    every = pd.concat([table, *others, *means]).assign(**same)
    every["protocol"] = every["task"].map(lambda task: PROTOCOLS.get(task, "paper")).where(every["step"].notna(), None)
    return conform(every, "scores.schema.yaml")


def with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """With an interval of each score but those of single seeds: of layer 0 from 0.1 to 0.9, of layer 1 from 0.2 to 0.8."""
    without_seed = table["step"].notna() & table["seed"].isna()
    layer = table["layer"].fillna(0).astype(float) / 10
    return table.assign(low=(0.1 + layer).where(without_seed), high=(0.9 - layer).where(without_seed))


def scores_of(table: pd.DataFrame, task: str) -> Scores:
    """What curves are made of, of a task."""
    return Scores(table, "m", load_task(task), {name: Dataset(**facts) for name, facts in FACTS.items()}, PROTOCOLS.get(task, "paper"))
