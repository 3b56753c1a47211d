"""The one reader of compressed data against the tools, on files whole and damaged: the bytes that `gzip`, `xz`, `zstd` and
`bzip2 -dc` give, or a refusal where they end with another status than 0.

What a file must give is known from how it is made, so that the test holds on a machine without the tools, too (zstd's is often
missing); where a tool is installed, its word is asked for each file.
"""

import bz2
import errno
import gzip
import io
import itertools
import lzma
import os
import random
import shutil
import struct
import subprocess
import tracemalloc
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from backports import zstd

from xlprobe import compression, files
from xlprobe.corpus.cleaning import CorpusCounts, documents
from xlprobe.datasets.bitexts import read_bitext
from xlprobe.datasets.conllu import read_treebank
from xlprobe.datasets.nli import read_nli
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import open_binary, read_lines

TOOLS = {".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2"}
FILES_A_FORMAT = 180
REFUSED = None


@dataclass
class Case:
    """A file, and what it may be read as; the tool may read what is refused here where it is `more_lenient`."""

    content: bytes
    allowed: list[bytes | None]
    checked: bool = True
    more_lenient: bool = False
    how: str = ""


def text(chance: random.Random) -> bytes:
    words = ["", "a", "naïve", "日本", "word\r\n", "\n", "x" * chance.randrange(300)]
    return " ".join(chance.choices(words, k=chance.choice([0, 1, 5, 200]))).encode()


def gzip_member(chance: random.Random, data: bytes, checked: bool) -> bytes:
    """With the fields that a header may have; gzip has no member without a checksum."""
    flags, fields = 0, b""
    if chance.random() < 0.3:
        flags, fields = flags | 4, fields + struct.pack("<H", 3) + b"ext"
    if chance.random() < 0.3:
        flags, fields = flags | 8, fields + b"a name\0"
    if chance.random() < 0.3:
        flags, fields = flags | 16, fields + b"a comment\0"
    compressor = zlib.compressobj(chance.choice([0, 1, 9]), wbits=-15)
    body = compressor.compress(data) + compressor.flush()
    header = struct.pack("<HBBIBB", 0x8B1F, 8, flags, chance.getrandbits(32), 0, 3)
    return header + fields + body + struct.pack("<II", zlib.crc32(data), len(data))


def xz_stream(chance: random.Random, data: bytes, checked: bool) -> bytes:
    checks = [lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256] if checked else [lzma.CHECK_NONE]
    return lzma.compress(data, check=chance.choice(checks), preset=chance.choice([0, 1]))


def zstd_frame(chance: random.Random, data: bytes, checked: bool) -> bytes:
    options = {
        zstd.CompressionParameter.checksum_flag: checked,
        zstd.CompressionParameter.content_size_flag: chance.random() < 0.5,
        zstd.CompressionParameter.compression_level: chance.choice([1, 3, 9]),
    }
    return zstd.compress(data, options=options)


def skippable(chance: random.Random) -> bytes:
    content = chance.randbytes(chance.choice([0, 1, 40]))
    return struct.pack("<II", 0x184D2A50 + chance.randrange(16), len(content)) + content


def bzip2_stream(chance: random.Random, data: bytes, checked: bool) -> bytes:
    return bz2.compress(data, chance.choice([1, 9]))


PART = {".gz": gzip_member, ".xz": xz_stream, ".zst": zstd_frame, ".bz2": bzip2_stream}


def zeros_are_right(suffix: str, zeros: int, at_end: bool) -> bool:
    """Whether zeros may stand after a part: gzip's at the end, xz's in fours."""
    return not zeros or (suffix == ".gz" and at_end) or (suffix == ".xz" and zeros % 4 == 0)


def whole_parts(chance: random.Random, suffix: str, checked: bool) -> list[tuple[bytes, bytes]]:
    """Some parts and what each holds."""
    parts = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        if suffix == ".zst" and chance.random() < 0.4:
            parts.append((skippable(chance), b""))
        data = text(chance)
        parts.append((PART[suffix](chance, data, checked), data))
    if suffix == ".zst" and chance.random() < 0.3:
        parts.append((skippable(chance), b""))
    if suffix == ".zst" and chance.random() < 0.1:
        parts = [(skippable(chance), b"") for _ in parts]
    return parts


def padded(chance: random.Random, suffix: str) -> Case:
    """Parts with zeros after each, 0 to 9."""
    parts = whole_parts(chance, suffix, checked=True)
    zeros = [chance.choice([0, 0, 4, 8, chance.randrange(10)]) for _ in parts]
    right = all(zeros_are_right(suffix, count, number == len(parts)) for number, count in enumerate(zeros, 1))
    content = b"".join(part + bytes(count) for (part, _), count in zip(parts, zeros, strict=True))
    return Case(content, [b"".join(data for _, data in parts) if right else REFUSED])


def whole(chance: random.Random, suffix: str) -> Case:
    parts = whole_parts(chance, suffix, chance.random() < 0.5)
    return Case(b"".join(part for part, _ in parts), [b"".join(data for _, data in parts)])


def truncated(chance: random.Random, suffix: str) -> Case:
    """At the end of a part it is a whole file of fewer parts; anywhere else it is none."""
    parts = whole_parts(chance, suffix, checked=True)
    ends = [*itertools.accumulate(len(part) for part, _ in parts)]
    end = chance.choice([*ends[:-1], chance.randrange(ends[-1]), chance.randrange(ends[-1]), ends[-1] - 1])
    whole_there = end in ends
    kept = [data for (_, data), last in zip(parts, ends, strict=True) if last <= end]
    return Case(b"".join(part for part, _ in parts)[:end], [b"".join(kept) if whole_there else REFUSED])


def flipped(chance: random.Random, suffix: str) -> Case:
    """A bit: what is not checked may change unseen (a time, a name, a skippable frame), the text may not."""
    checked = suffix in (".gz", ".bz2") or chance.random() < 0.7
    parts = whole_parts(chance, suffix, checked)
    content = bytearray(b"".join(part for part, _ in parts))
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return Case(bytes(content), [REFUSED, b"".join(data for _, data in parts)], checked)


def dropped(chance: random.Random, suffix: str) -> Case:
    """A stretch of bytes out of the middle of a part."""
    parts = whole_parts(chance, suffix, checked=True)
    damaged = chance.randrange(len(parts))
    content = [part for part, _ in parts]
    start = chance.randrange(1, len(content[damaged]) - 1)
    end = min(start + chance.choice([1, 1, 4, 100]), len(content[damaged]) - 1)
    content[damaged] = content[damaged][:start] + content[damaged][end:]
    return Case(b"".join(content), [REFUSED, b"".join(data for _, data in parts)])


def with_garbage(chance: random.Random, suffix: str) -> Case:
    content = whole(chance, suffix).content + chance.choice([b"x", b"\xff", b"x" * 4, b"garbage" * 9, b"\0\0\0\0x"])
    return Case(content, [REFUSED])


def with_another_format(chance: random.Random, suffix: str) -> Case:
    """zstd's tool alone goes on with it."""
    other = chance.choice([name for name in PART if name != suffix])
    return Case(whole(chance, suffix).content + PART[other](chance, b"more", True), [REFUSED], more_lenient=suffix == ".zst")


WAYS = [whole, padded, truncated, flipped, flipped, dropped, with_garbage, with_another_format]


def cases(suffix: str) -> list[Case]:
    chance = random.Random(suffix)
    made = []
    for number in range(FILES_A_FORMAT):
        way = WAYS[number % len(WAYS)]
        case = way(chance, suffix)
        case.how = f"{suffix} {number}, {way.__name__}: {case.content.hex()}"
        made.append(case)
    return made


def read_whole(path: Path, size: int = -1) -> bytes | None:
    try:
        with open_binary(path) as stream:
            return b"".join(iter(partial(stream.read, size), b"")) if size > 0 else stream.read()
    except XlprobeError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        return REFUSED


@pytest.mark.parametrize("suffix", TOOLS)
def test_every_byte_is_read_or_the_file_refused(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"file{suffix}"
    outcomes = set()
    for number, case in enumerate(cases(suffix)):
        path.write_bytes(case.content)
        # Parts, zeros and headers lie across the borders of what is read at a time.
        monkeypatch.setattr(compression, "CHUNK_BYTES", (1, 2, 7, 64, 2**17)[number % 5])
        found = read_whole(path, (-1, 1, 100)[number % 3])
        assert found in case.allowed or not case.checked, case.how
        outcomes.add(found is REFUSED)
    assert outcomes == {True, False}


@pytest.mark.parametrize("suffix", TOOLS)
def test_the_tools_say_the_same(tmp_path, suffix):
    tool = shutil.which(TOOLS[suffix])
    if not tool:
        pytest.skip(f"{TOOLS[suffix]} is not installed: the reader is held against what is known of the files alone")
    path = tmp_path / f"file{suffix}"
    for case in cases(suffix):
        path.write_bytes(case.content)
        done = subprocess.run([tool, "-dc"], input=case.content, capture_output=True)
        found = read_whole(path)
        expected = done.stdout if done.returncode == 0 else REFUSED
        if case.more_lenient or suffix == ".bz2" or not case.checked:
            # bzip2 leaves out what follows its last stream, with a warning alone; unchecked damage is seen by one version or another.
            assert found in (REFUSED, done.stdout), case.how
        elif suffix == ".zst":
            # Its versions differ in whether they take a flipped bit that changes nothing.
            assert found in (expected, *case.allowed), case.how
        else:
            assert found == expected, case.how


def with_check_of_unknown_type(data: bytes) -> bytes:
    """An xz stream whose check is of a type that no library has; the tool warns, and ends with status 2."""
    stream = bytearray(lzma.compress(data, check=lzma.CHECK_CRC32))
    stream[7] = stream[-3] = 2
    stream[8:12] = struct.pack("<I", zlib.crc32(stream[6:8]))
    stream[-12:-8] = struct.pack("<I", zlib.crc32(stream[-8:-2]))
    return bytes(stream)


def test_a_stream_that_cannot_be_checked_is_refused(tmp_path):
    (tmp_path / "a.xz").write_bytes(with_check_of_unknown_type(b"text\n"))
    with pytest.raises(XlprobeError, match=r"a.xz: the compressed data .* \(xz: a check of an unknown type\); fetch it again"):
        list(read_lines(tmp_path / "a.xz"))


def zstd_frame_with_window(log: int) -> bytes:
    """Five bytes as they are, under a window of 2^log bytes."""
    return struct.pack("<IBB", 0xFD2FB528, 0, (log - 10) << 3) + (5 << 3 | 1).to_bytes(3, "little") + b"text\n"


def test_windows_over_128_mebibytes_are_refused_as_by_the_tool(tmp_path):
    path = tmp_path / "a.zst"
    path.write_bytes(zstd_frame_with_window(27))
    assert list(read_lines(path)) == [(1, "text")]
    path.write_bytes(zstd_frame_with_window(28))
    with pytest.raises(XlprobeError, match=r"a.zst: takes too much memory .* its zstd data has a large window .*; compress it again with"):
        list(read_lines(path))


def test_a_dictionary_of_xz_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(compression, "XZ_MEMORY_BYTES", 2**16)
    (tmp_path / "a.xz").write_bytes(lzma.compress(b"text\n"))
    with pytest.raises(XlprobeError, match=r"takes too much memory .* its xz data"):
        list(read_lines(tmp_path / "a.xz"))


@pytest.mark.parametrize("suffix", TOOLS)
def test_what_expands_a_thousandfold_is_read_in_little_memory(tmp_path, suffix):
    path = tmp_path / "zeros"
    pack = {".gz": gzip.compress, ".xz": partial(lzma.compress, preset=0), ".zst": zstd.compress, ".bz2": bz2.compress}[suffix]
    path.write_bytes(pack(bytes(2**25)))
    tracemalloc.start()
    try:
        with open_binary(path) as stream:
            assert sum(map(len, iter(partial(stream.read, 2**16), b""))) == 2**25
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_a_line_without_an_end_is_refused_before_memory_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST_LINE_BYTES", 1000)
    (tmp_path / "a.xz").write_bytes(lzma.compress(b"first\n" + bytes(10**6)))
    with pytest.raises(FormatError, match=r"a.xz:2: found a line of more than 64 MiB, expected text in lines"):
        list(read_lines(tmp_path / "a.xz"))


@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_characters_and_line_ends_across_borders_are_whole(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(compression, "CHUNK_BYTES", chunk)
    content = "\ufeffnaïve\r\n日本語\r\n\r\n𝄞 end".encode()
    for number, pack in enumerate((bytes, gzip.compress, lzma.compress, zstd.compress)):
        (tmp_path / str(number)).write_bytes(b"".join(pack(content[start : start + 4]) for start in range(0, len(content), 4)))
        assert list(read_lines(tmp_path / str(number))) == [(1, "naïve"), (2, "日本語"), (3, ""), (4, "𝄞 end")]


def test_damage_is_told_from_text_that_is_not_utf8(tmp_path):
    """Damaged data gives damaged text first, and the checksum that says so at its end."""
    path = tmp_path / "a.gz"
    content = bytearray(gzip.compress("naïve\n".encode() * 2, 0))
    place = content.index(b"\xaf")
    content[place] = 0xFF
    path.write_bytes(content)
    with pytest.raises(XlprobeError, match=r"a.gz: the compressed data breaks off or is corrupt .*incorrect data check"):
        list(read_lines(path))
    path.write_bytes(gzip.compress(b"na\xefve\n"))
    with pytest.raises(FormatError, match=r"a.gz:1: found bytes that are not UTF-8"):
        list(read_lines(path))


@pytest.mark.parametrize("suffix", TOOLS)
def test_a_name_alone_compresses_nothing(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(b"")
    with pytest.raises(XlprobeError, match=rf"a.txt{suffix}: named as {TOOLS[suffix]} data, but is empty; fetch it again"):
        list(read_lines(path))
    path.write_bytes(b"plain\n")
    with pytest.raises(
        XlprobeError, match=rf"but does not begin as such data does; fetch it again, or take {suffix} off the name of plain"
    ):
        list(read_lines(path))
    path.write_bytes(gzip.compress(b"packed\n"))
    assert list(read_lines(path)) == [(1, "packed")]


def test_an_empty_file_has_no_lines_and_short_ones_are_plain(tmp_path):
    for content in (b"", b"B", b"BZ", b"(", b"P*M", b"PK", b"LZIP for short"):
        (tmp_path / "a.txt").write_bytes(content)
        assert [line.encode() for _, line in read_lines(tmp_path / "a.txt")] == ([content] if content else [])


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (lzma.compress(b"x", lzma.FORMAT_ALONE), "lzma"),
        (b"LZIP\1\x0c", "lzip"),
        (struct.pack("<I", 0x184D2204), "lz4"),
        (b"\x1f\x9d\x90", "compress"),
        (b"PK\3\4\x14\0", "zip"),
        (b"7z\xbc\xaf\x27\x1c\0", "7-Zip"),
        (b"\xff\x06\0\0sNaPpY", "snappy"),
    ],
)
def test_formats_that_are_not_read_are_named(tmp_path, content, name):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(
        XlprobeError, match=rf"a.txt: {name} data, which is not read here; decompress it, or compress it with gzip, xz or zstd"
    ):
        list(read_lines(tmp_path / "a.txt"))


def test_what_cannot_be_opened_ends_in_one_sentence(tmp_path):
    with pytest.raises(XlprobeError, match=r": cannot be read \(Is a directory\); expected a file that you may read"):
        list(read_lines(tmp_path))
    reading, writing = os.pipe()
    os.write(writing, b"text\n")
    os.close(writing)
    with pytest.raises(XlprobeError, match=r": cannot be read as a file \(.*not seekable.*\)|: cannot be read \(Illegal seek\)"):
        list(read_lines(Path(f"/dev/fd/{reading}")))
    os.close(reading)


def treebank_row(number: int, form: str, head: int) -> str:
    return "\t".join([str(number), form, "_", "NOUN", "_", "_", str(head), "dep" if head else "root", "_", "_"]) + "\n"


# Each in two halves, and how it is read.
READERS = {
    "corpus": (["One.\n\n", "Two.\n\n"], lambda path: list(documents(path, "cc100", CorpusCounts("en")))),
    "treebank": (
        [treebank_row(1, "one", 0) + treebank_row(2, "two", 1) + "\n", treebank_row(1, "three", 0) + "\n"],
        lambda path: list(read_treebank(path)),
    ),
    "nli": (["It rains.\tIt pours.\tneutral\n", "It rains.\tIt is wet.\tentailment\n"], lambda path: list(read_nli(path, "en"))),
    "bitext": (["1\t0-0\n", "2\t0-0\n"], lambda path: read_bitext("simalign", [*pair_texts(path.parent), path])),
}


def pair_texts(folder: Path) -> list[Path]:
    (folder / "text").write_text("1\tone\n2\ttwo\n")
    return [folder / "text"] * 2


@pytest.mark.parametrize("kind", READERS)
def test_all_that_is_read_goes_through_the_reader(tmp_path, kind):
    """The cases of python/cpython#88300 and facebook/zstd#3255: Python's own reader stops at padding, in silence."""
    halves, read = READERS[kind]
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_text("".join(halves))
    expected = read(plain)
    assert len(expected) == 2
    first, second = (lzma.compress(half.encode()) for half in halves)
    skipped = struct.pack("<II", 0x184D2A50, 4) + b"\1\0\0\0"
    for content in (first + bytes(4) + second, first + second + bytes(8), skipped + zstd.compress("".join(halves).encode())):
        packed.write_bytes(content)
        assert read(packed) == expected
    for content in (first + second[:6] + bytes([second[6] ^ 0xFF]) + second[7:], first + bytes(3) + second, first + second[:-1]):
        packed.write_bytes(content)
        with pytest.raises(
            XlprobeError, match=r"packed: the compressed data breaks off or is corrupt before byte \d+ of the file \(xz: .*\)"
        ):
            read(packed)


def test_a_disk_that_fails_is_no_damage():
    class Failing(io.BytesIO):
        def read(self, *_):
            raise OSError(errno.EIO, "Input/output error")

        def peek(self, _):
            return self.getvalue()

    with pytest.raises(OSError, match="Input/output error"):
        compression.decompressed(Failing(gzip.compress(b"text")), "a.gz").read()
