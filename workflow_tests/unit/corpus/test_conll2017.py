import io
import lzma
import tarfile

import pytest

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.corpus.conll2017 import read_wikipedia
from xlprobe.errors import FormatError, XlprobeError


def token(identifier, form, misc="_"):
    return "\t".join([identifier, form, *"_______", misc]) + "\n"


def sentence(text, comments=""):
    return f"{comments}# text = {text}\n{token('1', 'x')}\n"


def part(name, content):
    return f"English/en-{name}.conllu.xz", lzma.compress(content.encode())


def archive(folder, *parts):
    path = folder / "English-annotated-conll17.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in parts:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def lines(path):
    return [text for _, text in read_wikipedia(path)]


def test_wikipedia_parts_are_read_in_order_and_others_left_out(tmp_path):
    path = archive(
        tmp_path,
        ("English/README", b"words"),
        part("common_crawl-000", sentence("not this")),
        part("wikipedia-000", sentence("One.", "# newdoc\n# newpar\n# sent_id = 1\n") + sentence("Two.")),
        part("wikipedia-001", sentence("Three.") + sentence("Four.", "# newdoc id = 7\n")),
    )
    assert list(read_wikipedia(path)) == list(enumerate(["One.", "Two.", "", "Three.", "", "Four.", ""], 1))


def test_a_long_stretch_without_marks_is_cut_into_documents(tmp_path):
    text = "".join(sentence(str(number)) for number in range(250))
    found = lines(archive(tmp_path, part("wikipedia-000", text)))
    assert [document.split() for document in "\n".join(found).split("\n\n")] == [
        [str(number) for number in block] for block in (range(100), range(100, 200), range(200, 250))
    ]


def test_a_sentence_without_text_is_put_together_from_its_tokens(tmp_path):
    words = [("1", "«", "SpaceAfter=No"), ("2-3", "al", "_"), ("2", "a", "_"), ("3", "el", "_"), ("3.1", "gap", "_"), ("4", "mar", "_")]
    path = archive(tmp_path, part("wikipedia-000", "# sent_id = 1\n" + "".join(token(*columns) for columns in words)))
    assert lines(path) == ["«al mar", ""]


def test_the_archive_is_cleaned_as_cc100_is(tmp_path):
    text = "".join(sentence(f"a\u00a0{number}", "# newdoc\n") for number in (1, 2, 1, 3))
    path = archive(tmp_path, part("wikipedia-000", text))
    counts = clean_corpus(path, tmp_path / "train", tmp_path / "valid", tmp_path / "counts", "en", 0.5, 10, layout="conll2017")
    assert list(text_lines(tmp_path / "train")) == ["a 1", "a 3"] and list(text_lines(tmp_path / "valid")) == ["a 2"]
    assert (counts.documents_read, counts.duplicate_documents) == (4, 1)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_archive_is_refused_at_once(tmp_path, kept):
    path = archive(tmp_path, part("wikipedia-000", "".join(sentence(str(number)) for number in range(3000))))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content.rstrip(b"\0")) * kept)])
    with pytest.raises(XlprobeError, match=r"English-annotated-conll17.tar: not a whole tar archive .*; fetch it again$"):
        next(read_wikipedia(path))


def test_a_part_that_runs_beyond_the_archive_is_refused(tmp_path):
    path = archive(tmp_path, part("wikipedia-000", "".join(sentence(str(number)) for number in range(3000))))
    header = tarfile.TarInfo("English/en-wikipedia-000.conllu.xz")
    header.size = 10**6
    path.write_bytes(header.tobuf() + path.read_bytes()[512:])
    with pytest.raises(XlprobeError, match=r"English-annotated-conll17.tar: not a whole tar archive \(unexpected end of data\)"):
        lines(path)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-40], lambda data: data[:200] + b"\0\0\0\0" + data[204:], lambda data: data + b"plain"]
)
def test_a_damaged_part_ends_in_one_sentence_that_names_it(tmp_path, damage):
    name, content = part("wikipedia-000", "".join(sentence(str(number)) for number in range(3000)))
    with pytest.raises(XlprobeError, match=r"\.tar\(English/en-wikipedia-000\.conllu\.xz\): the compressed data breaks off") as caught:
        lines(archive(tmp_path, (name, damage(content))))
    assert "\n" not in str(caught.value)


def test_a_part_that_is_not_compressed_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match=r"wikipedia-000.conllu.xz\): named as xz data, but does not begin as such data does; fetch it"):
        lines(archive(tmp_path, ("English/en-wikipedia-000.conllu.xz", b"plain")))


def test_what_is_no_such_archive_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match="no Wikipedia text in it"):
        lines(archive(tmp_path, part("common_crawl-000", sentence("One."))))
    (tmp_path / "text").write_text("words " * 1000)
    with pytest.raises(XlprobeError, match="text: not a whole tar archive"):
        lines(tmp_path / "text")
    (tmp_path / "zeros").write_bytes(b"words" + bytes(2043))
    with pytest.raises(XlprobeError, match="zeros: not a whole tar archive"):
        lines(tmp_path / "zeros")
    with pytest.raises(XlprobeError, match="none: no such file"):
        lines(tmp_path / "none")


def test_a_line_that_is_not_conllu_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"wikipedia-000.conllu.xz\):2: found 'plain words', expected a CoNLL-U token"):
        lines(archive(tmp_path, part("wikipedia-000", f"{token('1', 'x')}plain words\n\n")))
    with pytest.raises(FormatError, match=r"wikipedia-000.conllu.xz\):1: found '1{40}', expected a CoNLL-U token"):
        lines(archive(tmp_path, part("wikipedia-000", f"{token('1' * 5000, 'x')}\n\n")))


def test_an_archive_damaged_in_the_middle_is_refused(tmp_path):
    """tarfile takes a header that makes no sense for the archive's end."""
    path = archive(tmp_path, *(part(f"wikipedia-00{number}", sentence(f"s{number}")) for number in range(4)))
    with tarfile.open(path) as tar:
        header = tar.getmembers()[2].offset
    content = bytearray(path.read_bytes())
    content[header : header + 100] = b"x" * 100
    path.write_bytes(content)
    with pytest.raises(XlprobeError, match=rf"not a whole tar archive \(damaged or cut short at byte {header}: bad checksum\)"):
        lines(path)
