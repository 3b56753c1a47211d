"""Contamination: how much of the text that models are tested on stands in the text that they, or their probes, learned from.

Texts are compared by their letters, digits and combining marks alone, normalised (NFKC) and in lower case: white space,
punctuation and symbols do not count, so that a tokenised text is found in a running one, and a sentence that is broken into
lines is found in its document. Nothing is found across documents, nor across the sentences of a train split.

Of a test set and a reference text, two shares are measured.
- Sentences: those that stand in the reference from end to end. One of fewer than 16 characters is too short to tell (many stand
  in any large text by chance); it counts in neither part of the share.
- Windows: of all runs of 32 such characters within a sentence, those that stand in the reference, so that quotations and near
  copies show, too. Sentences below 32 characters have none. English has 7 words in 32 letters; published measures of overlap
  take 13 words (Brown et al. 2020, appendix C), 8 words (Chowdhery et al. 2022, section 8) or 50 characters (OpenAI 2023,
  appendix C). Characters, since not all languages divide words; in scripts that write a syllable or a word as a character, 32
  of them say more, so that shares compare better between models and references than between languages.

Both are exact, whatever the reference's size. Windows of the reference, a block of it in memory at a time, are looked up by rolling
64-bit hashes, and each find is compared letter by letter. Two windows of the test sets that share a hash would be taken for one:
among a million windows the chance of any such pair is below 1 in 100,000. A core of an AMD EPYC searches 15 to 30 MB of text a
second (Chinese, whose punctuation NFKC rewrites, 15; `make bench` has a comparison); half as much where most of the test text is there.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.dataset_folder import read_sentences, read_written
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.dataset_kinds import BITEXT
from xlprobe.artifacts.tables import write_table
from xlprobe.contamination.search import LEAST_CHARACTERS, SentenceSearch, sentence_blocks, text_blocks
from xlprobe.progress import progress

# The name of pretraining text and of what is held out of it, as of the folder that they lie in.
CORPUS = "corpus"
# Of a held-out line: longer ones are taken apart, since what a block keeps of the one before is as long as the longest sentence.
LONGEST = 10_000
SHARE_WORTH_SAYING = 0.01

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TestSet:
    """Sentences that something is measured on: of a dataset's split, or held-out text by lines."""

    __test__ = False

    name: str
    split: str
    sentences: Sequence[str]


def read_texts(dataset: Path, language: str) -> tuple[list[TestSet], list[str]]:
    """Of a dataset, the test sets in a language (a bitext has one a side) and the sentences of its train split, if it has one."""
    identity, split_of_sentence = read_identity(dataset), read_sentences(dataset)["split"]
    splits = ("source", "target") if identity["kind"] == BITEXT else ("test",)
    sides = dict(zip(splits, identity["languages"], strict=True))
    texts = {split: written.to_list() for split, written in read_written(dataset).groupby(split_of_sentence)}
    test_sets = [TestSet(identity["dataset"], side, texts[side]) for side, code in sides.items() if code == language and side in texts]
    return test_sets, texts.get("train", [])


def overlap_of(test_sets: Sequence[TestSet], search: SentenceSearch, reference: str, blocks: Iterable[str]) -> pd.DataFrame:
    """One row a test set, against one reference; `search` is for the sentences of all test sets, in their order."""
    sentences_S, windows_W, characters = search.search(blocks)
    set_of_sentence_S = np.repeat(np.arange(len(test_sets)), [len(test_set.sentences) for test_set in test_sets])
    rows = []
    for number, test_set in enumerate(test_sets):
        of_set_S = set_of_sentence_S == number
        short = int((search.lengths_S[of_set_S] < LEAST_CHARACTERS).sum())
        of_set_W = of_set_S[search.sentence_of_window_W]
        counted, windows = len(test_set.sentences) - short, int(of_set_W.sum())
        found, found_windows = int(sentences_S[of_set_S].sum()), int(windows_W[of_set_W].sum())
        row = {
            "test_set": test_set.name,
            "split": test_set.split,
            "reference": reference,
            "sentences": len(test_set.sentences),
            "sentences_too_short": short,
            "sentences_found": found,
            "share_of_sentences": found / counted if counted else None,
            "windows": windows,
            "windows_found": found_windows,
            "share_of_windows": found_windows / windows if windows else None,
            "reference_characters": characters,
        }
        if found > SHARE_WORTH_SAYING * counted or found_windows > SHARE_WORTH_SAYING * windows:
            logger.info(
                "%s (%s) in %s: %d of %d sentences, %d of %d windows",
                *(test_set.name, test_set.split, reference, found, counted, found_windows, windows),
            )
        rows.append(row)
    return pd.DataFrame(rows)


def measure_contamination(
    language: str,
    datasets: Sequence[Path],
    output: Path,
    corpus: Path | None = None,
    held_out: Path | None = None,
    max_lines: int | None = None,
) -> None:
    """Write how much of a language's test sets stands in its references.

    Args:
        datasets: folders; those with a train split are references, too.
        corpus: the cleaned pretraining text, a reference.
        held_out: what was held out of it, a test set by lines (long ones in parts of LONGEST characters).
        max_lines: lines of that to take, from its start; None takes all.
    """
    test_sets: list[TestSet] = []
    references: dict[str, Iterable[str]] = {}
    for dataset in datasets:
        tests, train = read_texts(dataset, language)
        test_sets += tests
        if train:
            references[dataset.name] = sentence_blocks(train)
    if held_out:
        lines = islice(text_lines(held_out), max_lines)
        parts = [line[start : start + LONGEST] for line in lines for start in range(0, len(line), LONGEST)]
        test_sets.append(TestSet(CORPUS, "valid", parts))
    if corpus:
        references[CORPUS] = progress(text_blocks(corpus), f"searching the {language} corpus", "blocks")
    search = SentenceSearch([sentence for test_set in test_sets for sentence in test_set.sentences])
    tables = [overlap_of(test_sets, search, reference, blocks) for reference, blocks in references.items()]
    # The index counts test sets: what was learned from stands side by side for each of them.
    table = pd.concat(tables).sort_index(kind="stable")
    table.insert(0, "language", language)
    write_table(table, "contamination.schema.yaml", output)
