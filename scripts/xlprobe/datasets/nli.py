"""Natural language inference (XNLI; Conneau et al. 2018): pairs of sentences in the layouts they are published in; their datasets.

official   `xnli.dev.tsv`, `xnli.test.tsv`: all languages in one file, columns named in the first line
           `multinli.train.<language>.tsv`: the train set (MultiNLI's, translated), three columns named in the first line
xtreme     `{train,dev,test}-<language>.tsv`: premise, hypothesis, label, without a first line; Windows line ends and quoted
           fields where Python's csv module wrote it (XTREME's script does), neither where others did

Text comes in two forms: raw, as it was written or translated, or tokenized: punctuation apart, Chinese and Thai words between
blanks. The official dev and test sets have both, each in columns of its own; the official train sets, English too, are
tokenized. Which form a file is in is declared (`xlprobe.sources.nli_forms`), never guessed from its text.

Paper 1 does not say which form it measured. Its translations of train are those of Singh et al. (2019), which we found nowhere;
ours are XNLI-MT 1.0's, after Conneau et al. 2018.

A dataset holds sentences.parquet (a sentence that comes several times in a split, as most premises do, stands there once),
pairs.parquet and identity.json. It has no words: what features hold of it is a vector a sentence.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.dataset_kinds import NLI
from xlprobe.artifacts.splits import SPLITS
from xlprobe.artifacts.tables import write_table
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_lines, reading, sha256, write_json

LABELS = ("contradiction", "entailment", "neutral")
# MultiNLI's translated train sets spell it so.
SPELLINGS = {"contradictory": "contradiction"}
# The first column's name in the files of all languages, and in the train sets.
OFFICIAL = {"language": ("sentence1", "sentence2", "gold_label"), "premise": ("premise", "hypo", "label")}
RAW, TOKENIZED = "raw", "tokenized"
# Of a set: each file as it is.
PUBLISHED = "published"
# Of the files of all languages, the columns that hold the same sentences tokenised.
TOKENIZED_COLUMNS = ("sentence1_tokenized", "sentence2_tokenized")
# Far more than any layout has.
MOST_COLUMNS = 1000
# A translation may have come out empty; a file read in the wrong layout has more of these: a share, and more than a few.
MOST_LEFT_OUT, A_FEW = 0.01, 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SentencePair:
    """A premise, a hypothesis, and how the second stands to the first (one of LABELS).

    Attributes:
        line: where the file has it.
        number: which of the file's pairs in its language it is, from 1: the same in every language.
    """

    line: int
    number: int
    premise: str
    hypothesis: str
    label: str


def read_nli(path: Path, language: str, form: str = RAW) -> Iterator[SentencePair]:
    """Read the pairs of one language from a file in any of the layouts, one at a time.

    Args:
        language: as XNLI calls it (`zh`); chooses the lines of a file that holds all languages.
        form: RAW or TOKENIZED; chooses the columns of a file that has both. Other files are taken as they are.

    Raises:
        FormatError: a line has other columns than its layout, or an unknown label; or the file lacks the form's columns.
        XlprobeError: the file has no pair in that language.
    """
    number = 0
    columns: list[str] = []
    chosen: tuple[str, ...] = ()
    with reading(path, "XNLI") as place:
        for place.line, line in read_lines(path):
            if (tabs := line.count("\t")) > MOST_COLUMNS:
                raise FormatError(path, place.line, f"{tabs + 1:,} columns", "XNLI's")
            fields = line.split("\t")
            if place.line == 1 and fields[0] in OFFICIAL and {*OFFICIAL[fields[0]]} <= {*fields}:
                columns, chosen = fields, _columns(path, fields, form)
                continue
            if columns and len(fields) != len(columns):
                raise FormatError(path, place.line, f"{len(fields)} columns", f"the {len(columns)} that the first line names")
            if not columns and len(fields) != 3:
                advice = "; XTREME withholds the labels of its test sets, take XNLI's own" if len(fields) == 2 else ""
                raise FormatError(path, place.line, f"{len(fields)} columns", f"premise, hypothesis and label{advice}")
            if columns:
                row = dict(zip(columns, fields, strict=True))
                if row.get("language", language) != language:
                    continue
                premise, hypothesis, label = (row[name] for name in chosen)
            else:
                premise, hypothesis, label = map(_unquoted, fields)
            number += 1
            label = SPELLINGS.get(label.strip(), label.strip())
            if label not in LABELS:
                raise FormatError(path, place.line, f"label {label!r}", f"one of {', '.join(LABELS)}")
            yield SentencePair(place.line, number, premise.strip(), hypothesis.strip(), label)
    if not number:
        raise XlprobeError(f"{path}: holds no pair in language {language!r}; give a file that does, or take the language out of xnli")


def read_splits(
    files: Mapping[str, Path], language: str, max_pairs: int | None = None, forms: Mapping[str, str] | None = None
) -> tuple[dict[str, list[SentencePair]], dict[str, int]]:
    """Read the pairs of some splits.

    A pair with an empty sentence is upstream's slip, which nobody here can mend: it is left out with a warning, and counted.

    Args:
        files: by split.
        language: as XNLI calls it.
        max_pairs: pairs of each split to use, from its start.
        forms: by split, RAW or TOKENIZED; RAW where nothing is given.

    Returns:
        The pairs by split, and how many are left out.

    Raises:
        XlprobeError: more than 1 % of a split's pairs, and more than 5, have an empty sentence.
    """
    splits, left_out = {}, {}
    for split in SPLITS:
        if split in files:
            pairs = list(islice(read_nli(files[split], language, (forms or {}).get(split, RAW)), max_pairs))
            splits[split] = [pair for pair in pairs if pair.premise and pair.hypothesis]
            left_out[split] = len(pairs) - len(splits[split])
            if empty := [pair.line for pair in pairs if not (pair.premise and pair.hypothesis)]:
                found = f"{files[split]}:{empty[0]}: the first of {len(empty)} pairs (of {len(pairs)}) with an empty sentence"
                if len(empty) > max(A_FEW, MOST_LEFT_OUT * len(pairs)):
                    raise XlprobeError(f"{found}; this is too much to be left out, so fetch the file again or correct it")
                logger.warning("%s; they are left out", found)
    return splits, left_out


def split_of_file(path: PurePath) -> str:
    """The split that a file of XNLI holds, from its name.

    Raises:
        XlprobeError: the name does not follow XNLI's or XTREME's.
    """
    match = re.match(r"(train|dev|test)-|xnli\.(dev|test)\.|multinli\.(train)\.", path.name)
    if not match:
        raise XlprobeError(
            f"{path}: the name does not say the split, expected xnli.dev.tsv, multinli.train.LANGUAGE.tsv or dev-LANGUAGE.tsv"
        )
    return next(filter(None, match.groups()))


def write_nli(
    splits: Mapping[str, Sequence[SentencePair]],
    folder: Path,
    dataset: str,
    language: str,
    left_out: Mapping[str, int] | None = None,
    text_form: str = RAW,
    forms: Mapping[str, str] | None = None,
    parallel: str | None = None,
) -> None:
    """Write an inference dataset: sentences, each once a split, pairs of them, and the identity.

    Args:
        language: CC100's code.
        left_out: by split, pairs that the files have and `splits` has not; none where it is not given.
        text_form: what the whole set is: RAW, TOKENIZED or PUBLISHED.
        forms: by split, RAW or TOKENIZED; all of `text_form` where it is not given.
        parallel: the name of its parallel group, where it has one.
    """
    sentence_rows: list[tuple[Any, ...]] = []
    pair_rows: list[tuple[Any, ...]] = []
    for split, pairs in splits.items():
        places: dict[str, int] = {}
        for pair in pairs:
            for text in (pair.premise, pair.hypothesis):
                if text not in places:
                    places[text] = len(sentence_rows)
                    sentence_rows.append((split, f"{split}-{len(places)}", text, len(sentence_rows), 1))
            pair_rows.append((pair.number, places[pair.premise], places[pair.hypothesis], pair.label))
    sentences = pd.DataFrame(sentence_rows, columns=["split", "sent_id", "text", "first_word", "words"])
    write_table(sentences, "sentences.schema.yaml", folder / "sentences.parquet")
    table = pd.DataFrame(pair_rows, columns=["pair", "premise", "hypothesis", "label"])
    write_table(table, "sentence_pairs.schema.yaml", folder / "pairs.parquet")
    write_json(
        folder / "identity.json",
        {
            **declaration(dataset, NLI, [language], parallel),
            "text_form": text_form,
            "text_form_of_splits": dict(forms or dict.fromkeys(splits, text_form)),
            "sentences": dict(Counter(sentences["split"])),
            "pairs": {split: len(pairs) for split, pairs in splits.items()},
            "pairs_left_out": dict(left_out or {}),
            "labels": {split: dict(Counter(pair.label for pair in pairs)) for split, pairs in splits.items()},
            "sha256": {name: sha256(folder / f"{name}.parquet") for name in ("sentences", "pairs")},
        },
    )


def _columns(path: Path, fields: list[str], form: str) -> tuple[str, ...]:
    """The columns of premise, hypothesis and label in a file of the official layout, by its first line."""
    *sentences, label = OFFICIAL[fields[0]]
    if twice := [name for name, times in Counter(fields).items() if times > 1]:
        raise FormatError(path, 1, f"the column {twice[0]!r} twice", "each of them once")
    if fields[0] != "language" and form == RAW:
        logger.warning(
            "%s:1: begins as XNLI's translated train sets do, which are tokenized, but is declared raw; if it is one of them, say so"
            " under datasets.nli_files, or in its source's row of resources/sources.tsv",
            path,
        )
    if fields[0] == "language" and form == TOKENIZED:
        if missing := [name for name in TOKENIZED_COLUMNS if name not in fields]:
            raise FormatError(
                path,
                1,
                f"no column {missing[0]}",
                "XNLI 1.0's columns, which tokenized text is read from; fetch it again, or set datasets.nli_text to published",
            )
        sentences = [*TOKENIZED_COLUMNS]
    return *sentences, label


def _unquoted(field: str) -> str:
    """A field as it was before the csv module quoted it: one that holds quotes stands in quotes, and its own are doubled.

    >>> _unquoted('"He said ""no""."'), _unquoted('"No," he said.'), _unquoted('"No."')
    ('He said "no".', '"No," he said.', '"No."')
    """
    inner = field[1:-1]
    quoted = len(field) > 2 and field[0] == field[-1] == '"' and '""' in inner and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else field
