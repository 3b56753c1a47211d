"""The examples of a task in a dataset: words, pairs of words, or pairs of sentences, with their labels.

A pair of words is a word and its head or, where the dataset has a negative, the word and that one in the head's place.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.dataset_folder import read_pairs, read_sentences, read_words
from xlprobe.errors import XlprobeError
from xlprobe.statistics.resampling import sums_by
from xlprobe.tasks.declaration import ProbeTask

# The columns that hold the one or two rows of the vectors that a probe reads of an example, and those that hold words' forms.
VECTOR_COLUMNS = {"words": ["word"], "pairs": ["word", "head"], "sentence_pairs": ["premise", "hypothesis"]}
FORM_COLUMNS = {"words": ["form"], "pairs": ["form", "head_form"], "sentence_pairs": []}


def read_examples(dataset: Path, task: ProbeTask) -> pd.DataFrame:
    """A task's examples, in order of the word or the premise.

    Returns:
        Columns split, sentence, label and those of VECTOR_COLUMNS and FORM_COLUMNS, and of pairs of sentences `pair`, their number;
        sentence (of such a pair, the premise) and those of VECTOR_COLUMNS are rows of the dataset's tables.
    """
    if task.data == "sentence_pairs":
        pairs = read_pairs(dataset).sort_values("premise", kind="stable", ignore_index=True)
        split = read_sentences(dataset)["split"].to_numpy()[pairs["premise"]]
        own = pairs[["pair", *VECTOR_COLUMNS[task.data]]]
        return own.assign(split=split, sentence=pairs["premise"], label=task.label(pairs))
    words = read_words(dataset)
    examples = words.assign(word=range(len(words)))
    if task.data == "pairs":
        examples = _pairs(read_pairs(dataset)).sort_values("word", kind="stable", ignore_index=True)
        for column, form in zip(VECTOR_COLUMNS["pairs"], FORM_COLUMNS["pairs"], strict=True):
            examples[form] = words["form"].to_numpy()[examples[column]]
        for column in ("split", "sentence"):
            examples[column] = words[column].to_numpy()[examples["word"]]
    # Of no rows a task could not tell the type of the columns.
    labels = task.label(examples) if len(examples) else pd.Series(dtype="str")
    examples = examples.assign(label=labels).dropna(subset="label", ignore_index=True)
    return examples[["split", "sentence", "label", *VECTOR_COLUMNS[task.data], *FORM_COLUMNS[task.data]]]


def read_probed_examples(dataset: Path, task: ProbeTask) -> pd.DataFrame:
    """A task's examples in a dataset that probes are trained on.

    Raises:
        XlprobeError: train or dev has none.
    """
    examples = read_examples(dataset, task)
    if not {"train", "dev"} <= {*examples["split"]}:
        advice = (
            "take its language out of `xnli`"
            if task.data == "sentence_pairs"
            else f"name it under `probes.leave_out.{task.name}`, or take it out of `treebanks`"
        )
        raise XlprobeError(
            f"{dataset.name}: has no examples of {task.name} in train or in dev, so that no probe can be trained on it; {advice}"
        )
    return examples


@dataclass(frozen=True)
class Sentences:
    """The sentences of a split, or its pairs of sentences, to which examples' outcomes are added up.

    Attributes:
        clusters: [sentences], by name what is drawn together: each sentence itself, or all pairs with one premise.
        place_N: [examples], the number of each example's sentence.
    """

    clusters: np.ndarray
    place_N: np.ndarray

    def sums(self, values_SN: np.ndarray) -> np.ndarray:
        """The sums over sentences of what each seed's probe earns for each example, [sentences, seeds], of integers."""
        return sums_by(self.place_N, len(self.clusters), values_SN.T)


def read_sentences_of(dataset: Path, split: str, examples: pd.DataFrame, task: ProbeTask) -> Sentences:
    """The sentences that the examples of a split stand in, and those of the split without an example."""
    if task.data == "sentence_pairs":
        # A premise is named by its first pair, whose number is the same in all languages that do not leave that pair out.
        premises = examples.groupby("premise")["pair"].transform("min")
        return Sentences(premises.astype(str).to_numpy(str), np.arange(len(examples)))
    sentences = read_sentences(dataset)
    rows = np.flatnonzero(sentences["split"] == split)
    return Sentences(sentences["sent_id"].to_numpy(str)[rows], np.searchsorted(rows, examples["sentence"].to_numpy()))


def _pairs(arcs: pd.DataFrame) -> pd.DataFrame:
    """Arcs, then the same words with their negatives as heads and without relation; both keep the column `negative`."""
    arcs = arcs.rename(columns={"dependent": "word"})
    drawn = arcs.dropna(subset="negative").assign(head=lambda table: table["negative"].astype("int64"), relation=None)
    return pd.concat([arcs, drawn], ignore_index=True)
