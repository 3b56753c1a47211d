"""The examples of a task in a dataset: words, or pairs of words, with their labels.

A pair is a word and its head or, where the dataset has a negative, the word and that one in the head's place.
"""

from pathlib import Path

import pandas as pd

from xlprobe.datasets import read_pairs, read_words
from xlprobe.tasks import ProbeTask

# The columns that hold an example's word or words, as rows of the word table, and those that hold their forms.
WORD_COLUMNS = {"words": ["word"], "pairs": ["word", "head"]}
FORM_COLUMNS = {"words": ["form"], "pairs": ["form", "head_form"]}


def read_examples(dataset: Path, task: ProbeTask) -> pd.DataFrame:
    """A task's examples, in order of the word.

    Returns:
        Columns split, sentence, label, word, form and, of pairs, head and head_form; sentence, word and head are rows of the
        dataset's tables.
    """
    words = read_words(dataset)
    examples = words.assign(word=range(len(words)))
    if task.data == "pairs":
        examples = _pairs(read_pairs(dataset)).sort_values("word", kind="stable", ignore_index=True)
        for column, form in zip(WORD_COLUMNS["pairs"], FORM_COLUMNS["pairs"], strict=True):
            examples[form] = words["form"].to_numpy()[examples[column]]
        for column in ("split", "sentence"):
            examples[column] = words[column].to_numpy()[examples["word"]]
    examples = examples.assign(label=task.label(examples)).dropna(subset="label", ignore_index=True)
    return examples[["split", "sentence", "label", *WORD_COLUMNS[task.data], *FORM_COLUMNS[task.data]]]


def _pairs(arcs: pd.DataFrame) -> pd.DataFrame:
    """Arcs, then the same words with their negatives as heads and without relation; both keep the column `negative`."""
    arcs = arcs.rename(columns={"dependent": "word"})
    drawn = arcs.dropna(subset="negative").assign(head=lambda table: table["negative"].astype("int64"), relation=None)
    return pd.concat([arcs, drawn], ignore_index=True)
