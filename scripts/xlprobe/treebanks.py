"""Universal Dependencies treebanks, read by the `conllu` package and checked line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import conllu

from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_lines

COLUMNS = 10
UNIVERSAL_TAGS = frozenset(
    ("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X")
)
# Kept as they are written; the package would make dictionaries of them.
_FIELD_PARSERS = {name: (lambda line, i: line[i]) for name in ("xpos", "feats", "deps", "misc")}


@dataclass
class Word:
    """A syntactic word; `start` and `end` are code points in the sentence's text."""

    form: str
    start: int
    end: int
    upos: str
    feats: str
    head: int
    deprel: str


@dataclass
class Sentence:
    """A sentence as text and its syntactic words in order; `head` counts from 1, 0 is the root.

    In `written`, multiword tokens stand as they are written: `du`, where `text` has `de le`.
    """

    sent_id: str
    text: str = ""
    words: list[Word] = field(default_factory=list)
    written: str = ""


def read_treebank(path: Path) -> Iterator[Sentence]:
    """Read the sentences of a CoNLL-U file; one without `sent_id` is named by its place in the file, from 1.

    The text is put together from the syntactic words, so that each word is there: a space between two words unless
    SpaceAfter=No, the words of a multiword token apart. Empty nodes are left out.

    Raises:
        FormatError: a line does not follow CoNLL-U v2.
        XlprobeError: the text is withheld (every FORM is `_`).
    """
    words = blanks = 0
    for number, (first_line, lines) in enumerate(_blocks(path), 1):
        sentence = _parse(path, first_line, lines, number)
        words += len(sentence.words)
        blanks += sum(word.form == "_" for word in sentence.words)
        yield sentence
    if not words:
        raise XlprobeError(f"{path}: no sentence in it; expected a CoNLL-U file")
    if blanks == words:
        raise XlprobeError(f"{path}: the text is withheld (every FORM is '_'); merge it in from its source, as the treebank's README says")


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of each sentence and the number of the first."""
    block: list[str] = []
    number = 0
    for number, line in read_lines(path):
        if line:
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number - len(block) + 1, block


def _parse(path: Path, first_line: int, lines: list[str], number: int) -> Sentence:
    token_lines = [first_line + offset for offset, line in enumerate(lines) if not line.startswith("#")]
    for offset, line in enumerate(lines):
        if not line.startswith("#") and line.count("\t") != COLUMNS - 1:
            raise FormatError(path, first_line + offset, f"{line.count(chr(9)) + 1} columns", f"{COLUMNS} separated by tabs")
    try:
        # The package also splits at two spaces, which occur inside FORM and MISC.
        (parsed,) = conllu.parse("\n".join(re.sub(" {2,}", " ", line) for line in lines), field_parsers=_FIELD_PARSERS)
    except (conllu.exceptions.ParseException, ValueError) as error:
        raise FormatError(path, first_line, f"a sentence that does not parse ({error})", "CoNLL-U") from None

    sentence = Sentence(parsed.metadata.get("sent_id") or str(number))
    word_lines: list[int] = []
    text, written, end_of_token, space_after_token = "", "", 0, True
    for line_number, token in zip(token_lines, parsed, strict=True):
        if isinstance(token["id"], tuple):
            if token["id"][1] == "-":
                end_of_token, space_after_token = token["id"][2], _space_after(token)
                written += token["form"] + " " * space_after_token
            continue
        if token["id"] != len(sentence.words) + 1:
            raise FormatError(path, line_number, f"word id {token['id']}", str(len(sentence.words) + 1))
        if token["upos"] not in UNIVERSAL_TAGS:
            raise FormatError(path, line_number, f"UPOS {token['upos']!r}", "one of UD v2's 17 tags")
        if not isinstance(token["head"], int):
            raise FormatError(path, line_number, f"HEAD {token['head']!r}", "a number")
        start = len(text)
        text += token["form"]
        word = Word(token["form"], start, len(text), token["upos"], token["feats"], token["head"], token["deprel"])
        sentence.words.append(word)
        word_lines.append(line_number)
        inside_token = token["id"] < end_of_token
        if inside_token or (space_after_token if token["id"] == end_of_token else _space_after(token)):
            text += " "
        if token["id"] > end_of_token:
            written += token["form"] + " " * _space_after(token)
    for own, (line_number, word) in enumerate(zip(word_lines, sentence.words, strict=True), 1):
        if not 0 <= word.head <= len(sentence.words) or word.head == own:
            raise FormatError(path, line_number, f"HEAD {word.head}", f"0 to {len(sentence.words)} but its own {own}")
    if not sentence.words:
        raise FormatError(path, first_line, "a sentence without words", "at least one word")
    sentence.text, sentence.written = text.rstrip(" "), written.rstrip(" ")
    return sentence


def _space_after(token: conllu.Token) -> bool:
    return "SpaceAfter=No" not in (token["misc"] or "").split("|")
