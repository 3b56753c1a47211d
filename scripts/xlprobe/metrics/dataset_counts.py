"""What a run's datasets hold, by split: sentences, words, pairs, links, and the examples of each task by label."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.categories import CATEGORIES
from xlprobe.artifacts.dataset_folder import read_links, read_pairs, read_sentences, read_words
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.dataset_kinds import BITEXT, MORPHOLOGY, TREEBANK
from xlprobe.artifacts.splits import SPLITS
from xlprobe.artifacts.tables import write_table
from xlprobe.probes.examples import read_examples
from xlprobe.tasks.declaration import load_probe_task

# A row of the table, but for dataset and kind: language, split, what, label and count.
Row = tuple[str, str, str, str | None, int]


def write_counts(folders: Iterable[Path], tasks: Mapping[str, Sequence[str]], output: Path) -> None:
    """Count what lies in datasets; columns in `schemas/datasets.schema.yaml`.

    Args:
        folders: the datasets'.
        tasks: of each dataset by name, the tasks whose examples are counted.
    """
    rows = [row for folder in sorted(folders) for row in count(folder, tasks[folder.name])]
    columns = ["dataset", "kind", "language", "split", "what", "label", "count"]
    write_table(pd.DataFrame(rows, columns=columns), "datasets.schema.yaml", output)


def count(folder: Path, tasks: Sequence[str]) -> Iterator[tuple[str | int | None, ...]]:
    """The rows of one dataset."""
    identity = read_identity(folder)
    kind, languages = identity["kind"], identity["languages"]
    if kind == BITEXT:
        found = _of_bitext(folder, *languages)
    else:
        found = _of_morphology(folder, languages[0]) if kind == MORPHOLOGY else _of_splits(folder, kind, languages[0], tasks)
    yield from ((folder.name, kind, *row) for row in found)


def _of_splits(folder: Path, kind: str, language: str, tasks: Sequence[str]) -> Iterator[Row]:
    sentences, pairs = read_sentences(folder), read_pairs(folder)
    of_sentence = sentences["split"].to_numpy()
    of_word = np.repeat(of_sentence, sentences["words"].to_numpy())
    splits: dict[str, np.ndarray] = {"sentences": of_sentence}
    if kind == TREEBANK:
        splits |= {"words": of_word, "arcs": of_word[pairs["dependent"]]}
    else:
        splits["pairs"] = of_sentence[pairs["premise"]]
    examples = {task: read_examples(folder, load_probe_task(task))[["split", "label"]] for task in tasks}
    for split in (split for split in SPLITS if split in set(sentences["split"])):
        for what, of_row in splits.items():
            yield language, split, what, None, int((of_row == split).sum())
        for task, table in examples.items():
            yield from ((language, split, *row) for row in _labelled(task, table.loc[table["split"] == split, "label"]))


def _of_morphology(folder: Path, language: str) -> Iterator[Row]:
    """Of each split its sentences, its words, and those of each morphosyntactic category by its values."""
    words = read_words(folder)
    sentences = read_sentences(folder)
    for split in (split for split in SPLITS if split in set(sentences["split"])):
        own = words[words["split"] == split]
        yield language, split, "sentences", None, int((sentences["split"] == split).sum())
        yield language, split, "words", None, len(own)
        for category in CATEGORIES:
            yield from ((language, split, *row) for row in _labelled(category, own[category].dropna()))


def _of_bitext(folder: Path, source: str, target: str) -> Iterator[Row]:
    """All of a bitext is for testing."""
    sentences, links = read_sentences(folder), read_links(folder)
    for side, language in (("source", source), ("target", target)):
        own = sentences[sentences["split"] == side]
        yield language, "test", "sentences", None, len(own)
        yield language, "test", "words", None, int(own["words"].sum())
    both = f"{source} {target}"
    yield both, "test", "pairs", None, len(sentences) // 2
    kinds = links["sure"].map({True: "sure", False: "possible"})
    yield from ((both, "test", *row) for row in _labelled("links", kinds))


def _labelled(what: str, labels: pd.Series) -> Iterator[tuple[str, str | None, int]]:
    """How many there are, and how many of each label."""
    yield what, None, len(labels)
    yield from ((what, str(label), int(count)) for label, count in labels.value_counts().sort_index().items())
