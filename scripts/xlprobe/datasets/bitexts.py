"""Bitexts with gold word alignment, in the layouts that they are published in; their datasets.

awesome    `source ||| target` a line; gold a line a pair, `1-1 2p3`, counted from 1 (p: possible, not sure)
pharaoh    the same, counted from 0
wpt        two files of `<s snum=7> ... </s>`; gold a line a link, `7 1 1 S` or P, from 1, sure without a letter (WPT 2003, 2005)
simalign   two files of `id<TAB>tokens`; gold `id<TAB>0-0 1p2`, counted from 0

A dataset holds sentences.parquet (split source, then target), words.parquet, links.parquet and identity.json.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.dataset_kinds import BITEXT
from xlprobe.artifacts.tables import write_table
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_lines, reading, sha256, write_json

# Upstream's slips stay below it (one link of 1,409 in the WPT 2005 English-Hindi gold); a set read in the wrong layout does not.
MOST_LINKS_OUT_OF_RANGE = 0.01
# Far more than any sentence has; its words and links are held apart in memory.
LONGEST_LINE = 1_000_000
# A word's; no sentence is so long that more digits are of use.
NUMBER = "[0-9]{1,9}"

logger = logging.getLogger(__name__)

Tokens = list[str]
Link = tuple[int, int]


@dataclass
class Pair:
    """Two tokenised sentences and the gold links (source word, target word) between them, counted from 0.

    `possible` includes `sure`; `left_out` counts links that point outside the sentences.
    """

    name: str
    source: Tokens
    target: Tokens
    sure: set[Link] = field(default_factory=set)
    possible: set[Link] = field(default_factory=set)
    left_out: int = 0


@dataclass(frozen=True)
class GoldLine:
    """A line of a gold file: the pair that it belongs to, and (source word, target word, sure) as they are counted there."""

    number: int
    pair: str
    links: list[tuple[int, int, bool]]


@dataclass(frozen=True)
class Layout:
    """How a set is written: its readers, its files, the number of the first word, whether each pair has its line in the gold."""

    read_pairs: Callable[[Sequence[Path]], dict[str, Pair]]
    read_gold: Callable[[Path], Iterator[GoldLine]]
    files: int
    first_word: int
    line_a_pair: bool


def read_bitext(layout_name: str, files: Sequence[Path], max_pairs: int | None = None) -> list[Pair]:
    """Read an alignment set.

    A link that points beyond its sentence is upstream's slip, which nobody here can mend: it is left out with a warning, and
    counted. More than 1 % of such links is taken for a wrong layout.

    Args:
        layout_name: awesome, pharaoh, wpt or simalign.
        files: the sentences, in one file or in two, and last the gold.
        max_pairs: pairs to use, from the start.

    Raises:
        FormatError: a line does not follow the layout, files do not match, or too many links point outside their sentences.
        XlprobeError: the layout has another number of files, or the gold holds no sure link.
    """
    layout = LAYOUTS[layout_name]
    if len(files) != layout.files:
        named = " ".join(map(str, files))
        raise XlprobeError(f"{named}: {len(files)} files, but layout {layout_name} has {layout.files}; correct resources/alignments.tsv")
    *texts, gold = files
    pairs = layout.read_pairs(texts)
    _read_links(layout_name, gold, pairs)
    used = list(pairs.values())[:max_pairs]
    if not any(pair.sure for pair in used):
        raise XlprobeError(
            f"{gold}: no sure link for the {len(used)} pairs to use, so nothing can be measured against it; give a file with sure links"
        )
    if without := [pair.name for pair in used if not pair.possible]:
        logger.warning("%s: %d sentence pairs have no gold link (the first: %s)", gold, len(without), without[0])
    return used


def _read_links(layout_name: str, gold: Path, pairs: dict[str, Pair]) -> None:
    """Add the gold's links to the pairs."""
    layout = LAYOUTS[layout_name]
    links = number = 0
    outside: list[tuple[int, str]] = []
    without_line = dict.fromkeys(pairs)
    for line in layout.read_gold(gold):
        number = line.number
        if line.pair not in pairs:
            raise FormatError(gold, number, f"links of sentence {line.pair}", f"one of the {len(pairs)} sentences in the text")
        if layout.line_a_pair and line.pair not in without_line:
            raise FormatError(gold, number, f"links of sentence {line.pair} a second time", "a line a sentence")
        pair = pairs[line.pair]
        without_line.pop(line.pair, None)
        links += len(line.links)
        for source, target, sure in line.links:
            if min(source, target) < layout.first_word:
                raise FormatError(gold, number, f"a link of word {source} to {target}", f"words counted from {layout.first_word}")
            link = source - layout.first_word, target - layout.first_word
            if link[0] >= len(pair.source) or link[1] >= len(pair.target):
                pair.left_out += 1
                outside.append((number, f"word {source} to {target} in sentences of {len(pair.source)} and {len(pair.target)} words"))
                continue
            pair.possible.add(link)
            if sure:
                pair.sure.add(link)
    if len(outside) > MOST_LINKS_OUT_OF_RANGE * links:
        found = f"the first of {len(outside)} links (of {links}) that point outside their sentences"
        raise FormatError(gold, outside[0][0], found, f"words counted from {layout.first_word}, as layout {layout_name} has them")
    for number_outside, what in outside:
        logger.warning("%s:%d: a gold link is left out, of %s", gold, number_outside, what)
    if layout.line_a_pair and without_line:
        missing = next(iter(without_line))
        raise FormatError(gold, number + 1, f"no line for sentence {missing}", f"a line for each of {len(pairs)} sentences")


def write_bitext(pairs: Sequence[Pair], folder: Path, dataset: str, source: str, target: str) -> None:
    """Write a bitext's dataset: tables and identity; `source` and `target` are the languages' CC100 codes."""
    sentence_rows: list[tuple[Any, ...]] = []
    word_rows: list[tuple[Any, ...]] = []
    for split in ("source", "target"):
        for pair in pairs:
            tokens = pair.source if split == "source" else pair.target
            sentence_rows.append((split, pair.name, " ".join(tokens), len(word_rows), len(tokens)))
            start = 0
            for token in tokens:
                word_rows.append((len(sentence_rows) - 1, token, start, start + len(token)))
                start += len(token) + 1
    link_rows = [(number, *link, link in pair.sure) for number, pair in enumerate(pairs) for link in sorted(pair.possible)]
    sentences = pd.DataFrame(sentence_rows, columns=["split", "sent_id", "text", "first_word", "words"])
    links = pd.DataFrame(link_rows, columns=["pair", "source_word", "target_word", "sure"])
    write_table(sentences, "sentences.schema.yaml", folder / "sentences.parquet")
    write_table(pd.DataFrame(word_rows, columns=["sentence", "form", "start", "end"]), "bitext_words.schema.yaml", folder / "words.parquet")
    write_table(links, "links.schema.yaml", folder / "links.parquet")
    write_json(
        folder / "identity.json",
        {
            **declaration(dataset, BITEXT, [source, target]),
            "pairs": len(pairs),
            "words": {split: int(group["words"].sum()) for split, group in sentences.groupby("split")},
            "links": {"sure": int(links["sure"].sum()), "possible": len(links), "left_out": sum(pair.left_out for pair in pairs)},
            "sha256": {name: sha256(folder / f"{name}.parquet") for name in ("sentences", "words", "links")},
        },
    )


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[tuple[int, str]]]:
    """A file's lines, with their numbers; what fails while one is worked on ends in one sentence with its number."""
    with reading(path, "a file of an alignment set") as place:

        def lines() -> Iterator[tuple[int, str]]:
            for place.line, line in read_lines(path):
                if len(line) > LONGEST_LINE:
                    raise FormatError(path, place.line, f"a line of {len(line):,} characters", "a sentence pair, or its links")
                yield place.line, line

        yield lines()


def _tokens(path: Path, number: int, text: str) -> Tokens:
    # Gold counts what ASCII blanks divide; a no-break space stands inside a token.
    tokens = re.findall(r"[^ \t]+", text)
    if not tokens:
        raise FormatError(path, number, "a sentence without words", "at least one word")
    return tokens


def _pairs_of_one_file(texts: Sequence[Path]) -> dict[str, Pair]:
    """Pairs of `source ||| target` lines, named by line number."""
    (path,) = texts
    pairs = {}
    with _lines(path) as lines:
        for number, line in lines:
            parts = line.split("|||")
            if len(parts) != 2:
                raise FormatError(path, number, f"{len(parts)} parts", "two sentences separated by '|||'")
            pairs[str(number)] = Pair(str(number), _tokens(path, number, parts[0]), _tokens(path, number, parts[1]))
    return pairs


def _pairs_of_two_files(pattern: str, expected: str, texts: Sequence[Path]) -> dict[str, Pair]:
    """Pairs of two files, a sentence a line, that `pattern` takes apart into name and text."""
    sentences: list[dict[str, tuple[int, Tokens]]] = [{}, {}]
    for path, found in zip(texts, sentences, strict=True):
        with _lines(path) as lines:
            for number, line in lines:
                match = re.fullmatch(pattern, line)
                if not match:
                    raise FormatError(path, number, repr(line[:40]), expected)
                name, text = match.groups()
                if name in found:
                    raise FormatError(path, number, f"sentence {name} a second time", "each sentence once")
                found[name] = number, _tokens(path, number, text)
    source, target = sentences
    for path, here, there, other in ((texts[0], source, target, texts[1]), (texts[1], target, source, texts[0])):
        for name, (number, _) in here.items():
            if name not in there:
                raise FormatError(path, number, f"sentence {name}, which {other} does not have", "the same sentences in both files")
    return {name: Pair(name, tokens, target[name][1]) for name, (_, tokens) in source.items()}


def _link(path: Path, number: int, text: str) -> tuple[int, int, bool]:
    match = re.fullmatch(f"({NUMBER})([-p])({NUMBER})", text)
    if not match:
        raise FormatError(path, number, f"link {text!r}", "two word numbers joined by '-' (sure) or 'p' (possible)")
    return int(match[1]), int(match[3]), match[2] == "-"


def _gold_by_line(path: Path) -> Iterator[GoldLine]:
    with _lines(path) as lines:
        for number, line in lines:
            yield GoldLine(number, str(number), [_link(path, number, text) for text in line.split()])


def _gold_by_name(path: Path) -> Iterator[GoldLine]:
    with _lines(path) as lines:
        for number, line in lines:
            name, tab, links = line.partition("\t")
            if not tab:
                raise FormatError(path, number, repr(line[:40]), "id<TAB>links")
            yield GoldLine(number, name, [_link(path, number, text) for text in links.split()])


def _gold_by_link(path: Path) -> Iterator[GoldLine]:
    with _lines(path) as lines:
        for number, line in lines:
            match = re.fullmatch(rf"([0-9]+)\s+({NUMBER})\s+({NUMBER})(?:\s+([SP]))?\s*", line)
            if not match:
                raise FormatError(path, number, repr(line[:40]), "the numbers of a sentence and of two words, and S or P")
            yield GoldLine(number, match[1], [(int(match[2]), int(match[3]), match[4] != "P")])


_WPT_PAIRS = partial(_pairs_of_two_files, r"\s*<s snum=([0-9]+)>(.*)</s>\s*", "<s snum=NUMBER> ... </s>")
_SIMALIGN_PAIRS = partial(_pairs_of_two_files, r"([^\t]+)\t(.*)", "id<TAB>tokens")
LAYOUTS = {
    "awesome": Layout(_pairs_of_one_file, _gold_by_line, files=2, first_word=1, line_a_pair=True),
    "pharaoh": Layout(_pairs_of_one_file, _gold_by_line, files=2, first_word=0, line_a_pair=True),
    "wpt": Layout(_WPT_PAIRS, _gold_by_link, files=3, first_word=1, line_a_pair=False),
    "simalign": Layout(_SIMALIGN_PAIRS, _gold_by_name, files=3, first_word=0, line_a_pair=True),
}
