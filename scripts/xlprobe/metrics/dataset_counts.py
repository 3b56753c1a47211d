"""What a run's datasets hold, by split: sentences, words, pairs, links, and the examples of each task by label."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xlprobe.artifacts.dataset_folder import read_links, read_pairs, read_sentences
from xlprobe.artifacts.splits import SPLITS
from xlprobe.artifacts.tables import write_table
from xlprobe.probes.examples import read_examples
from xlprobe.tasks.declaration import load_probe_task

# A row of the table, but for dataset and kind: language, split, what, label and count.
Row = tuple[str, str, str, str | None, int]


@dataclass(frozen=True)
class Counted:
    """What a dataset is: its kind (treebank, nli or bitext), its languages (of a bitext source and target), and its tasks."""

    kind: str
    languages: Sequence[str]
    tasks: Sequence[str]


def write_counts(folders: Iterable[Path], datasets: Mapping[str, Counted], output: Path) -> None:
    """Count what lies in datasets; columns in `schemas/datasets.schema.yaml`.

    Args:
        folders: the datasets'.
        datasets: what they are, by name.
    """
    named = [(folder, datasets[folder.name]) for folder in sorted(folders)]
    rows = [(folder.name, dataset.kind, *row) for folder, dataset in named for row in count(folder, dataset)]
    columns = ["dataset", "kind", "language", "split", "what", "label", "count"]
    write_table(pd.DataFrame(rows, columns=columns), "datasets.schema.yaml", output)


def count(folder: Path, dataset: Counted) -> Iterator[Row]:
    """Rows of one dataset."""
    return _of_bitext(folder, dataset.languages) if dataset.kind == "bitext" else _of_splits(folder, dataset)


def _of_splits(folder: Path, dataset: Counted) -> Iterator[Row]:
    (language,) = dataset.languages
    sentences, pairs = read_sentences(folder), read_pairs(folder)
    of_word = sentences["split"].repeat(sentences["words"]).to_numpy()
    splits = {"sentences": sentences["split"]}
    if dataset.kind == "treebank":
        splits |= {"words": of_word, "arcs": of_word[pairs["dependent"]]}
    else:
        splits["pairs"] = sentences["split"].to_numpy()[pairs["premise"]]
    examples = {task: read_examples(folder, load_probe_task(task))[["split", "label"]] for task in dataset.tasks}
    for split in (split for split in SPLITS if split in set(sentences["split"])):
        for what, of_row in splits.items():
            yield language, split, what, None, int((of_row == split).sum())
        for task, table in examples.items():
            yield from ((language, split, *row) for row in _labelled(task, table.loc[table["split"] == split, "label"]))


def _of_bitext(folder: Path, languages: Sequence[str]) -> Iterator[Row]:
    """All of a bitext is for testing."""
    sentences, links = read_sentences(folder), read_links(folder)
    for side, language in zip(("source", "target"), languages, strict=True):
        own = sentences[sentences["split"] == side]
        yield language, "test", "sentences", None, len(own)
        yield language, "test", "words", None, int(own["words"].sum())
    both = " ".join(languages)
    yield both, "test", "pairs", None, len(sentences) // 2
    kinds = links["sure"].map({True: "sure", False: "possible"})
    yield from ((both, "test", *row) for row in _labelled("links", kinds))


def _labelled(what: str, labels: pd.Series) -> Iterator[tuple[str, str | None, int]]:
    """How many there are, and how many of each label."""
    yield what, None, len(labels)
    yield from ((what, label, int(count)) for label, count in labels.value_counts().sort_index().items())
