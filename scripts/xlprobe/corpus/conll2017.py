"""The CoNLL 2017 raw texts (LINDAT, hdl 11234/1-1989): an archive a language, `<Language>-annotated-conll17.tar`.

It holds parts named `<Language>/<code>-wikipedia-000.conllu.xz`, and others from Common Crawl, which are left out here. The
parts are CoNLL-U, annotated by machine; only their text is used.
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from xlprobe.compression import CHUNK_BYTES, decompressed
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import stream_lines
from xlprobe.tar_members import tar_members

WIKIPEDIA = re.compile(r"-wikipedia-[0-9]+\.conllu\.xz\Z")
# Articles need not be marked (UDPipe marks files): a document ends here, too, so that those held out are spread over the text.
LONGEST_DOCUMENT_SENTENCES = 100
END_OF_ARCHIVE_BYTES = 1024


def read_wikipedia(path: Path) -> Iterator[tuple[int, str]]:
    """Yield an archive's Wikipedia text as CC100 has it, `(line number from 1, text)`: a sentence a line, a blank line after a document.

    Parts are read in their order, streamed from the archive. A document ends at `# newdoc`, with the part, and after 100
    sentences.

    Raises:
        XlprobeError: the file is no tar archive, is not whole, holds links, or has no Wikipedia text; or a part's data is corrupt.
        FormatError: a line is not CoNLL-U.
    """
    _check_end(path)
    number = parts = 0
    try:
        with path.open("rb", CHUNK_BYTES) as archive:
            for member in tar_members(archive, path):
                if member.is_folder or not WIKIPEDIA.search(member.name):
                    continue
                parts += 1
                for line in _part_lines(member.content, f"{path}({member.name})"):
                    number += 1
                    yield number, line
    except tarfile.TarError as error:
        raise XlprobeError(f"{path}: not a whole tar archive ({error}); fetch it again") from None
    if not parts:
        raise XlprobeError(f"{path}: no Wikipedia text in it, expected parts named <code>-wikipedia-000.conllu.xz")


def _check_end(path: Path) -> None:
    """Refuse an archive that breaks off, before hours are spent on it: whole ones end in blocks of zeros."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(-min(END_OF_ARCHIVE_BYTES, stream.tell()), 2)
            end = stream.read()
    except FileNotFoundError:
        raise XlprobeError(f"{path}: no such file") from None
    if len(end) < END_OF_ARCHIVE_BYTES or any(end):
        raise XlprobeError(f"{path}: not a whole tar archive (it does not end as one does); fetch it again")


def _part_lines(packed: BinaryIO, name: str) -> Iterator[str]:
    """The sentences of one part, a blank line after each document."""
    length = 0
    with decompressed(packed, name, ".xz") as stream:
        for starts_document, text in _sentences(stream_lines(stream, name), name):
            if length and (starts_document or length == LONGEST_DOCUMENT_SENTENCES):
                yield ""
                length = 0
            length += 1
            yield text
    if length:
        yield ""


def _sentences(lines: Iterator[tuple[int, str]], name: str) -> Iterator[tuple[bool, str]]:
    """Each sentence's text, and whether a document starts with it."""
    starts_document, text, tokens = False, "", list[tuple[int, str]]()
    for number, line in lines:
        if line.startswith("# newdoc"):
            starts_document = True
        elif line.startswith("# text = "):
            text = line.removeprefix("# text = ")
        elif line and not line.startswith("#"):
            tokens.append((number, line))
        elif not line and tokens:
            yield starts_document, text or _joined(tokens, name)
            starts_document, text, tokens = False, "", []
    if tokens:
        yield starts_document, text or _joined(tokens, name)


def _joined(tokens: list[tuple[int, str]], name: str) -> str:
    """A sentence's text from its tokens: multiword tokens as they are written, a space between two unless SpaceAfter=No."""
    text, inside_until = "", 0
    for number, line in tokens:
        columns = line.split("\t")
        if len(columns) != 10 or not re.fullmatch(r"[0-9]{1,9}([-.][0-9]{1,9})?", columns[0]):
            raise FormatError(name, number, f"{line[:40]!r}", "a CoNLL-U token, 10 columns separated by tabs")
        identifier, form, misc = columns[0], columns[1], columns[9]
        first, _, last = identifier.partition("-")
        if "." in identifier or (not last and int(first) <= inside_until):
            continue
        inside_until = int(last or first)
        text += form + ("" if "SpaceAfter=No" in misc.split("|") else " ")
    return text.rstrip(" ")
