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
# What Hebrew HTB sets at the ends of words that are not written so.
MARK = "_"
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
    for number, (first_line, lines) in enumerate(_blocks(path), 1):
        sentence = _parse(path, first_line, lines, number, clean_forms)
        name_lines = [first_line + n for n, line in enumerate(lines) if re.match(r"#\s*sent_id\s*=", line)]
        if len(name_lines) > 1:
            raise FormatError(path, name_lines[1], "a second sent_id of a sentence", "one")
        name_line = name_lines[0] if name_lines else first_line
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
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number - len(block) + 1, block


def _parse(path: Path, first_line: int, lines: list[str], number: int, clean_forms: bool) -> Sentence:
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
    text, written, token_form, token_line, end_of_token, space_after_token = "", "", "", first_line, 0, True
    for line_number, token in zip(token_lines, parsed, strict=True):
        if isinstance(token["id"], tuple):
            if token["id"][1] == "-":
                _check_range(path, line_number, token, len(sentence.words) + 1, end_of_token)
                token_form, token_line, end_of_token, space_after_token = token["form"], line_number, token["id"][2], _space_after(token)
                written += token_form + " " * space_after_token
            continue
        _check_word(path, line_number, token, len(sentence.words) + 1)
        form = token["form"]
        inside_token = token["id"] <= end_of_token
        if inside_token and _is_marked(form, token_form):
            sentence.marked += 1
            form = form.strip(MARK) if clean_forms else form
        start = len(text)
        text += form
        sentence.words.append(Word(form, start, len(text), token["upos"], token["feats"], token["head"], token["deprel"]))
        word_lines.append(line_number)
        if token["id"] < end_of_token or (space_after_token if inside_token else _space_after(token)):
            text += " "
        if not inside_token:
            written += form + " " * _space_after(token)
    if not sentence.words:
        raise FormatError(path, first_line, "a sentence without words", "at least one word")
    if end_of_token > len(sentence.words):
        raise FormatError(path, token_line, f"a multiword token up to word {end_of_token}", f"one within the {len(sentence.words)} words")
    _check_tree(path, word_lines, sentence.words)
    sentence.text, sentence.written = text.rstrip(" "), written.rstrip(" ")
    return sentence


def _check_word(path: Path, line: int, token: conllu.Token, place: int) -> None:
    if token["id"] != place:
        raise FormatError(path, line, f"word id {token['id']}", str(place))
    _check_form(path, line, token["form"])
    if token["upos"] not in UNIVERSAL_TAGS:
        raise FormatError(path, line, f"UPOS {token['upos']!r}", "one of UD v2's 17 tags")
    if not isinstance(token["head"], int):
        raise FormatError(path, line, f"HEAD {token['head']!r}", "a number")
    if token["deprel"].strip() in ("", "_"):
        raise FormatError(path, line, f"DEPREL {token['deprel']!r}", "a relation")


def _check_form(path: Path, line: int, form: str) -> None:
    """Spaces at the ends could not be told from those between words."""
    if not form.strip(" "):
        raise FormatError(path, line, "an empty FORM", "a word, or '_' where it is not known")
    if form != form.strip(" "):
        raise FormatError(path, line, f"FORM {form!r}", "no space at its ends")


def _check_range(path: Path, line: int, token: conllu.Token, next_word: int, end_of_last: int) -> None:
    start, _, end = token["id"]
    _check_form(path, line, token["form"])
    if start != next_word or start <= end_of_last or end <= start:
        found = f"a multiword token of words {start} to {end}" + (f" inside one up to word {end_of_last}" if start <= end_of_last else "")
        raise FormatError(path, line, found, f"several words, of which the first is the next one ({next_word})")


def _check_tree(path: Path, lines: list[int], words: list[Word]) -> None:
    """That each word has a head in the sentence and one is the root, to which the heads lead from everywhere."""
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


def _is_marked(form: str, token_form: str) -> bool:
    """Whether a word of a multiword token has marks at its ends: `_` that is not part of what is written."""
    return form != form.strip(MARK) and form.strip(MARK) != "" and form not in token_form


def _space_after(token: conllu.Token) -> bool:
    return "SpaceAfter=No" not in (token["misc"] or "").split("|")
