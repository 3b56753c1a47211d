"""Text for pretraining, cleaned, deduplicated and split by document into CC100's format: a blank line between documents.

It is read in the layouts that it is published in: CC100's own, a paragraph a line, and that of the CoNLL 2017 raw texts.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xlprobe.corpus.conll2017 import read_wikipedia
from xlprobe.corpus.text_writing import TextCounts, TextWriter
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import atomic_zstd_writer, read_lines, reading, write_json
from xlprobe.progress import progress

# Control characters, and U+FEFF, which is a byte-order mark that ended up inside the text.
CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f\ufeff]")
MAX_DOCUMENT_CHARACTERS = 64 * 2**20
# By layout: a source's lines with their numbers, blank ones between documents.
LAYOUTS: dict[str, Callable[[Path], Iterator[tuple[int, str]]]] = {"cc100": read_lines, "conll2017": read_wikipedia}


@dataclass
class CorpusCounts:
    """What cleaning one language's corpus read, dropped and kept. Reading stops where a cap is reached."""

    language: str
    lines_read: int = 0
    documents_read: int = 0
    duplicate_documents: int = 0
    empty_lines: int = 0
    capped: bool = False
    train: TextCounts = field(default_factory=TextCounts)
    valid: TextCounts = field(default_factory=TextCounts)


def normalise(line: str) -> str:
    """Replace control characters by a space, runs of whitespace (Unicode's) by one, and strip the ends."""
    if CONTROL.search(line):
        line = CONTROL.sub(" ", line)
    return " ".join(line.split())


def documents(path: Path, layout: str, counts: CorpusCounts) -> Iterator[list[str]]:
    """Yield the documents of a corpus as lists of normalised, non-empty lines, one document in memory at a time.

    Lines that hold only whitespace or control characters are dropped and counted; a truly blank line ends a document.

    Raises:
        FormatError: a document is longer than 64 MiB, so the file has no blank lines between documents.
    """
    document: list[str] = []
    characters = 0
    with reading(path, "text") as place:
        for place.line, raw in LAYOUTS[layout](path):
            counts.lines_read += 1
            if raw:
                if line := normalise(raw):
                    document.append(line)
                    characters += len(line)
                else:
                    counts.empty_lines += 1
                if characters > MAX_DOCUMENT_CHARACTERS:
                    raise FormatError(path, place.line, "a document of more than 64 MiB", "a blank line between documents")
            elif document:
                yield document
                document, characters = [], 0
    if document:
        yield document


def unique_documents(path: Path, layout: str, counts: CorpusCounts) -> Iterator[bytes]:
    """Yield each distinct document's UTF-8 bytes, lines ended by `\\n`.

    Documents are compared by 64-bit hashes, about 90 bytes of memory each; among 10^8 documents the chance that one
    is dropped for a chance collision is 3 in 10,000.
    """
    seen: set[bytes] = set()
    for document in documents(path, layout, counts):
        counts.documents_read += 1
        content = "".join(f"{line}\n" for line in document).encode()
        fingerprint = hashlib.blake2b(content, digest_size=8).digest()
        if fingerprint in seen:
            counts.duplicate_documents += 1
            continue
        seen.add(fingerprint)
        yield content


def clean_corpus(
    source: Path,
    train: Path,
    valid: Path,
    counts: Path,
    language: str,
    valid_fraction: float,
    valid_max_documents: int,
    max_bytes: int | None = None,
    max_documents: int | None = None,
    layout: str = "cc100",
) -> CorpusCounts:
    """Clean one language's corpus and split it into train and valid text in CC100 format, zstd-compressed.

    Every k-th distinct document (k = 1 / valid_fraction) is held out, up to `valid_max_documents`: the split depends
    on the text alone, and text added at the end moves no earlier document. Paper 1 evaluates on a "validation split of CC100"
    (2.2) that is not published; this one is ours.

    Args:
        max_bytes, max_documents: what to keep of it, train and valid together, in whole documents from the start; None keeps all.
        layout: cc100, or conll2017 for an archive of the CoNLL 2017 raw texts.

    Raises:
        XlprobeError: the corpus is too small to hold a document out, or its archive is not whole.
        FormatError: the source does not follow the layout.
    """
    found = CorpusCounts(language)
    period = max(2, round(1 / valid_fraction))
    with atomic_zstd_writer(train) as train_stream, atomic_zstd_writer(valid) as valid_stream:
        writers = {"train": TextWriter(train_stream, found.train), "valid": TextWriter(valid_stream, found.valid)}
        for number, content in enumerate(progress(unique_documents(source, layout, found), f"cleaning {language}", "documents"), 1):
            too_long = max_bytes is not None and found.train.bytes + found.valid.bytes + len(content) > max_bytes
            if too_long or number - 1 == max_documents:
                found.capped = True
                break
            held_out = number % period == 0 and found.valid.documents < valid_max_documents
            writers["valid" if held_out else "train"].write(content)
        if not found.valid.documents:
            raise XlprobeError(
                f"{source}: {found.train.documents} distinct documents are too few to hold out every {period}th;"
                " raise corpus.valid_fraction or give more text"
            )
    for writer in writers.values():
        writer.finish()
    write_json(counts, asdict(found))
    return found
