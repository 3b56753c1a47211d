"""Universal Dependencies treebanks, read and checked line by line.

The columns are taken apart here: the `conllu` package, which tests compare with, also splits at two spaces, drops empty last
columns, and takes columns in the order that a comment says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_lines, reading

COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
# Of a word, of a multiword token, of an empty node.
ID = re.compile(r"([1-9][0-9]{0,8})|([1-9][0-9]{0,8})-([1-9][0-9]{0,8})|([0-9]{1,9})\.[1-9][0-9]{0,8}")
HEAD = re.compile("0|[1-9][0-9]{0,8}")
SENT_ID, COLUMN_ORDER = re.compile(r"#\s*sent_id\s*=(.*)"), re.compile(r"#\s*global\.columns\s*=(.*)")
# Far more than any sentence has; its lines are held in memory.
MOST_LINES = 100_000
UNIVERSAL_TAGS = frozenset(
    ("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X")
)
# What Hebrew HTB sets at the ends of words that are not written so.
MARK = "_"


@dataclass
class Word:
    """A syntactic word; `start` and `end` are code points in the sentence's text.

    `token` is the number in the sentence, from 1, of the token that it is written in, which may hold several words; `token_start`
    and `token_end` are code points of that token in the text as written. A `lemma` that the treebank does not give is `_`.
    """

    form: str
    start: int
    end: int
    upos: str
    feats: str
    head: int
    deprel: str
    lemma: str = "_"
    token: int = 0
    token_start: int = 0
    token_end: int = 0


@dataclass
class Sentence:
    """A sentence as text and its syntactic words in order; `head` counts from 1, 0 is the root.

    In `written`, multiword tokens stand as they are written: `du`, where `text` has `de le`. `marked` counts the words
    that the treebank marks with `_` (`read_treebank`).
    """

    sent_id: str
    text: str = ""
    words: list[Word] = field(default_factory=list)
    written: str = ""
    marked: int = 0


def read_treebank(path: Path, clean_forms: bool = False) -> Iterator[Sentence]:
    """Read the sentences of a CoNLL-U file; one without `sent_id` is named by its place in the file, from 1.

    The text is put together from the syntactic words, so that each word is there: a space between two words unless
    SpaceAfter=No, the words of a multiword token apart. Empty nodes are left out. Paper 1 does not say what a word is where
    a written token holds several; after Universal Dependencies.

    Hebrew HTB marks words of multiword tokens that are not written, or otherwise, with `_` at their ends: `בחייו` is `ב`,
    `חיים_`, `_של_`, `_הוא`. Paper 1 does not say whether its model read these; its pretraining text does not have them.

    Args:
        clean_forms: take the marks off, in the words and in the text. Elsewhere `_` is part of the word (`_____`, addresses,
            Greek's `2_Δεκεμβρίου`), and so is a FORM that is `_` alone.

    Raises:
        FormatError: a line does not follow CoNLL-U v2, a sentence is no tree, or a sent_id is given twice.
        XlprobeError: the text is withheld (every FORM is `_`).
    """
    words = blanks = 0
    seen: dict[str, int] = {}
    with reading(path, "CoNLL-U") as place:
        for number, (place.line, lines) in enumerate(_blocks(path), 1):
            sentence, name_line = _parse(path, place.line, lines, number, clean_forms)
            if sentence.sent_id in seen:
                found = f"a second sentence named {sentence.sent_id!r} (the first: line {seen[sentence.sent_id]})"
                raise FormatError(path, name_line, found, "a sent_id of its own for each sentence")
            seen[sentence.sent_id] = name_line
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
            if len(block) > MOST_LINES:
                raise FormatError(path, number, f"a sentence of more than {MOST_LINES:,} lines", "a blank line after each sentence")
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number - len(block) + 1, block


def _parse(path: Path, first_line: int, lines: list[str], number: int, clean_forms: bool) -> tuple[Sentence, int]:
    """A sentence, and the line that names it."""
    sentence = Sentence(str(number))
    name_line = 0
    word_lines: list[int] = []
    token = token_start = 0
    text, written, token_form, token_line, end_of_token, space_after_token = "", "", "", first_line, 0, True
    for line_number, line in enumerate(lines, first_line):
        if line.startswith("#"):
            if name := SENT_ID.fullmatch(line):
                if name_line:
                    raise FormatError(path, line_number, "a second sent_id of a sentence", "one")
                sentence.sent_id, name_line = name[1].strip() or sentence.sent_id, line_number
            if (order := COLUMN_ORDER.fullmatch(line)) and order[1].split() != [*COLUMNS]:
                raise FormatError(path, line_number, f"columns {order[1].strip()}", f"CoNLL-U's: {' '.join(COLUMNS)}")
            continue
        if (tabs := line.count("\t")) != len(COLUMNS) - 1:
            raise FormatError(path, line_number, f"{tabs + 1:,} columns", f"{len(COLUMNS)} separated by tabs")
        identifier, form, lemma, upos, _, feats, head, relation, _, misc = line.split("\t")
        found = ID.fullmatch(identifier)
        if not found:
            raise FormatError(path, line_number, f"ID {identifier!r}", "a word's number, two with '-' or '.' between them")
        word, start, end, before = (int(part) if part else None for part in found.groups())
        last, space_after = len(sentence.words), "SpaceAfter=No" not in misc.split("|")
        if before is not None:
            if before != last:
                raise FormatError(path, line_number, f"an empty node after word {before}", f"one after the last word ({last})")
            continue
        _check_form(path, line_number, form)
        if start and end:
            _check_range(path, line_number, start, end, last + 1, end_of_token)
            token_form, token_line, end_of_token, space_after_token = form, line_number, end, space_after
            token, token_start = token + 1, len(written)
            written += token_form + " " * space_after_token
            continue
        if word != last + 1:
            raise FormatError(path, line_number, f"word id {word}", str(last + 1))
        _check_labels(path, line_number, upos, head, relation)
        inside_token = word <= end_of_token
        if not inside_token:
            token, token_start, token_form = token + 1, len(written), form
        if inside_token and _is_marked(form, token_form):
            sentence.marked += 1
            form = form.strip(MARK) if clean_forms else form
        written_in = (token, token_start, token_start + len(token_form))
        sentence.words.append(Word(form, len(text), len(text) + len(form), upos, feats, int(head), relation, lemma or "_", *written_in))
        word_lines.append(line_number)
        text += form
        if word < end_of_token or (space_after_token if inside_token else space_after):
            text += " "
        if not inside_token:
            written += form + " " * space_after
    if not sentence.words:
        raise FormatError(path, first_line, "a sentence without words", "at least one word")
    if end_of_token > len(sentence.words):
        raise FormatError(path, token_line, f"a multiword token up to word {end_of_token}", f"one within the {len(sentence.words)} words")
    _check_tree(path, word_lines, sentence.words)
    sentence.text, sentence.written = text.rstrip(" "), written.rstrip(" ")
    return sentence, name_line or first_line


def _check_labels(path: Path, line: int, upos: str, head: str, relation: str) -> None:
    if upos not in UNIVERSAL_TAGS:
        raise FormatError(path, line, f"UPOS {upos!r}", "one of UD v2's 17 tags")
    if not HEAD.fullmatch(head):
        raise FormatError(path, line, f"HEAD {head!r}", "a number")
    if relation.strip() in ("", "_"):
        raise FormatError(path, line, f"DEPREL {relation!r}", "a relation")


def _check_form(path: Path, line: int, form: str) -> None:
    """Spaces at the ends could not be told from those between words."""
    if not form.strip(" "):
        raise FormatError(path, line, "an empty FORM", "a word, or '_' where it is not known")
    if form != form.strip(" "):
        raise FormatError(path, line, f"FORM {form!r}", "no space at its ends")


def _check_range(path: Path, line: int, start: int, end: int, next_word: int, end_of_last: int) -> None:
    if start != next_word or start <= end_of_last or end <= start:
        found = f"a multiword token of words {start} to {end}" + (f" inside one up to word {end_of_last}" if start <= end_of_last else "")
        raise FormatError(path, line, found, f"several words, of which the first is the next one ({next_word})")


def _check_tree(path: Path, lines: list[int], words: list[Word]) -> None:
    """That each word has a head in the sentence and one is the root, to which the heads lead from everywhere; none else is called so."""
    for own, (line, word) in enumerate(zip(lines, words, strict=True), 1):
        if not 0 <= word.head <= len(words) or word.head == own:
            raise FormatError(path, line, f"HEAD {word.head}", f"0 to {len(words)} but its own {own}")
    roots = [line for line, word in zip(lines, words, strict=True) if not word.head]
    if len(roots) != 1:
        found = "a second root" if roots else "a sentence without a root"
        raise FormatError(path, roots[1] if roots else lines[0], found, "one word of HEAD 0 a sentence")
    leads_to_root = {0}
    for own in range(1, len(words) + 1):
        passed: dict[int, None] = {}
        while own not in leads_to_root:
            if own in passed:
                raise FormatError(path, lines[own - 1], f"HEAD {words[own - 1].head}, which leads back to word {own}", "a tree")
            passed[own] = None
            own = words[own - 1].head
        leads_to_root.update(passed)
    for line, word in zip(lines, words, strict=True):
        if word.head and word.deprel.partition(":")[0] == "root":
            raise FormatError(path, line, f"DEPREL {word.deprel!r} of a word whose HEAD is {word.head}", "HEAD 0, or another relation")


def _is_marked(form: str, token_form: str) -> bool:
    """Whether a word of a multiword token has marks at its ends: `_` that is not part of what is written."""
    return form != form.strip(MARK) and form.strip(MARK) != "" and form not in token_form
