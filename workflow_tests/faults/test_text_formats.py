"""Files of text damaged at random: each is read as another, naive reader reads it, or refused in one short sentence."""

import bz2
import gzip
import logging
import lzma
import resource
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import conllu
import pytest
from backports import zstd
from conftest import amount, count
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlprobe.datasets.bitexts import read_bitext
from xlprobe.datasets.conllu import read_treebank
from xlprobe.datasets.nli import LABELS, RAW, TOKENIZED, read_nli
from xlprobe.errors import XlprobeError

fuzzed = settings(
    max_examples=amount(10_000),
    derandomize=True,
    database=None,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Beside the paths, a message holds its own words and what it repeats of the file.
LONGEST_MESSAGE, MOST_MEBIBYTES = 800, 256
# zstd's checksum is optional, and damage is not seen without.
CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
PACKS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": partial(lzma.compress, preset=0),
    ".bz2": bz2.compress,
    ".zst": partial(zstd.compress, options=CHECKED),
}

CONLLU = """# newdoc id = a
# sent_id = one
# text = New York va aux États.
1\tNew York\tN\tPROPN\t_\t_\t2\tnsubj\t_\t_
2\tva\tva\tVERB\tV\tMood=Ind|Number=Sing\t0\troot\t_\t_
2.1\tvide\t_\tVERB\t_\t_\t_\t_\t0:x\t_
3-4\taux\t_\t_\t_\t_\t_\t_\t_\t_
3\tà\tà\tADP\t_\t_\t5\tcase\t5:case\t_
4\tles\tle\tDET\t_\t_\t5\tdet\t_\t_
5\tÉtats\tÉtat\tPROPN\t_\t_\t2\tobl:arg\t_\tSpaceAfter=No
6\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_

# sent_id = two
1-2\t_x\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tx_\t_\tNOUN\t_\t_\t0\troot\t_\t_
2\t_of_\t_\tADP\t_\t_\t1\tcase\t_\t_
3\t!\t!\tPUNCT\t_\t_\t1\tpunct\t_\t_

0.1\tça\t_\tPRON\t_\t_\t_\t_\t_\t_
1\t私\t私\tPRON\t_\t_\t0\troot\t0:root\tSpaceAfter=No|X=1

"""
# Of multiword tokens and empty nodes, which are left out, the package refuses more.
UNPARSED = {name: (lambda line, i: line[i]) for name in ("xpos", "feats", "head", "deps", "misc")}
TEXT = "the house ||| la maison  là \nten 10\u00a0000 |||  dix\nno ||| non\n"
SOURCE, TARGET = (
    "".join(f"<s snum={n}> {line} </s>\n" for n, line in enumerate(lines, 1))
    for lines in (["the house", "ten 10\u00a0000", "no"], ["la maison là", "dix", "non"])
)
BITEXTS = {
    "awesome": (TEXT, "1-1 2-2 2p3\n1-1\n1-1\n"),
    "pharaoh": (TEXT, "0-0 1-1 1p2\n0-0\n0p0\n"),
    "wpt": (SOURCE, TARGET, "1 1 1\n1 2 2 S\n1 2 3 P\n2 1 1 P\n2 1 1 S\n"),
    "simalign": ("1\tthe house\n2\tten 10\u00a0000\na\tno\n", "2\tdix\n1\tla maison là\na\tnon\n", "2\t0-0\n1\t0-0 1-1 1p2\na\t\n"),
}
NLI = {
    "official": "language\tgold_label\tsentence1\tsentence2\tsentence1_tokenized\tsentence2_tokenized\tpairID\n"
    "ar\tneutral\tلا\tنعم\tلا\tنعم\t1\n" + 'en\tentailment\tHe said "no".\tNo.\tHe said " no " .\tNo .\t2\n'
    "en\tcontradiction\tIt rains.\tIt is dry.\tIt rains .\tIt is dry .\t3\n",
    "train": "premise\thypo\tlabel\nIt rains .\tIt 's wet .\tentailment\nYes .\tNo .\tcontradictory\n",
    "xtreme": 'It rains.\tIt is wet.\tentailment\r\n"He said ""no""."\tNo.\tneutral\r\nYes.\t"No," he said.\tcontradiction\r\n',
}
PIECES = [
    *(b"", b"_", b"0", b"1", b"2", b"3", b"-1", b"01", b"1-2", b"2-1", b"1-1", b"1.1", b"0.1", b"1-99999999999", b"9" * 11, b"9" * 5000),
    *(b"1p1", b"0p0", b"5-5", b"S", b"P", b"\xff", b"\0", b"\r", b"\n", b"\n\n", b"\t", b"\t\t", b" ", b"  ", b"\x1b[31m", b"\xed\xa0\x80"),
    *("\u00a0".encode(), "\u2028".encode(), "\ufeff".encode(), "\x85".encode(), b"\x1d", "٣".encode(), "é".encode()),
    *(b"#", b"# sent_id = two", b"# sent_id =", b"# global.columns = ID LEMMA FORM", b"root", b"root:x", b"X", b"CONJ", b"SpaceAfter=No"),
    *(b"|||", b"<s snum=1>", b"</s>", b'"', b'""', b"'", b"'" * 300, b"a" * 300, b"a b " * 300, b"premise", b"language", b"neutral"),
    *(b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh9", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"version https://git-lfs.github.com/spec"),
]
LINE_CHANGES = ("cell", "cell", "cell", "cell", "no line", "line twice", "lines change places")
BYTE_CHANGES = ("insert", "overwrite", "cut out", "end")
PLACES = st.integers(0, 2**16)
CHANGE, BYTE_CHANGE = (
    st.tuples(st.sampled_from(kinds), PLACES, PLACES, st.sampled_from(PIECES)) for kinds in (LINE_CHANGES + BYTE_CHANGES, BYTE_CHANGES)
)
# How a file is compressed, and a change after that.
PACKED = st.sampled_from(["", "", "", "", "", *PACKS]).flatmap(
    lambda pack: st.tuples(st.just(pack), st.lists(BYTE_CHANGE, max_size=bool(pack)))
)


def changed(content: bytes, changes: Iterable[tuple[str, int, int, bytes]]) -> bytes:
    """The content with some changes, each of a line's cell, of lines, or of bytes anywhere."""
    for kind, place, other, piece in changes:
        if kind in BYTE_CHANGES:
            at = place % (len(content) + 1)
            end = {"insert": at, "overwrite": at + len(piece), "cut out": at + other % 16, "end": len(content)}[kind]
            content = content[:at] + (b"" if kind in ("cut out", "end") else piece) + content[end:]
            continue
        lines = content.split(b"\n")
        at, another = place % len(lines), other % len(lines)
        if kind == "cell":
            separator = b"\t" if b"\t" in lines[at] else b" "
            cells = lines[at].split(separator)
            cells[other % len(cells)] = piece
            lines[at] = separator.join(cells)
        elif kind == "lines change places":
            lines[at], lines[another] = lines[another], lines[at]
        else:
            lines[at : at + 1] = [] if kind == "no line" else [lines[at]] * 2
        content = b"\n".join(lines)
    return content


def written(path: Path, content: str, changes: list, pack: str = "", packed_changes: list | tuple = ()) -> tuple[Path, str | None]:
    """A file of the changed content, compressed where `pack` says so, and what a reader should see; None where it is no text."""
    raw = changed(content.encode(), changes)
    data = changed(PACKS[pack](raw), packed_changes) if pack else raw
    path = path.with_name(path.name + pack)
    path.write_bytes(data)
    try:
        lines = [line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r").decode() for line in raw.split(b"\n")]
    except UnicodeDecodeError:
        return path, None
    return path, "\n".join(lines)


def read(reader: Callable[[], list], *paths: Path) -> list | None:
    """What a reader gives; None where it refuses the files in one sentence that names one of them."""
    count("inputs tried")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        return reader()
    except XlprobeError as error:
        said = str(error)
        assert said.isprintable() and len(said) < LONGEST_MESSAGE + 2 * max(len(str(path)) for path in paths), said
        assert any(str(path) in said for path in paths), said
        assert error.__cause__ is None, "a fault that the reader's own checks do not say"
        return None
    finally:
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEBIBYTES * 1024


@pytest.fixture
def folder() -> Iterator[Path]:
    """Files are written 10,000 times over: in memory, where there is such a folder."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@fuzzed
@given(changes=st.lists(CHANGE, max_size=3), packed=PACKED, clean_forms=st.booleans())
def test_treebanks(folder, changes, packed, clean_forms):
    path, text = written(folder / "xx-ud-dev.conllu", CONLLU, changes, *packed)
    sentences = read(lambda: list(read_treebank(path, clean_forms)), path)
    if sentences is None:
        return
    assert len({sentence.sent_id for sentence in sentences}) == len(sentences)
    for sentence in sentences:
        heads = [word.head for word in sentence.words]
        assert heads.count(0) == 1
        for own in range(1, len(heads) + 1):
            # A path to the root has no more words than the sentence.
            for _ in heads:
                own = heads[own - 1] if own else 0
            assert own == 0
        assert all(word.form == sentence.text[word.start : word.end] and word.deprel.strip("_ ") for word in sentence.words)
    # What the package reads otherwise: two spaces, blanks at a line's ends, columns in another order.
    lines = (text or "").split("\n")
    if text is None or "  " in text or "global.columns" in text or any(line != line.strip() for line in lines):
        return
    parsed = conllu.parse(text, field_parsers=UNPARSED)
    theirs = [[token for token in sentence if isinstance(token["id"], int)] for sentence in parsed]
    assert [[w.upos for w in s.words] for s in sentences] == [[t["upos"] for t in s] for s in theirs]
    assert [[(str(w.head), w.deprel) for w in s.words] for s in sentences] == [[(t["head"], t["deprel"]) for t in s] for s in theirs]
    if not clean_forms:
        assert [[w.form for w in s.words] for s in sentences] == [[t["form"] for t in s] for s in theirs]


def naive_pairs(layout: str, texts: list[str]) -> dict[str, tuple]:
    """Sentences and links of a set in a layout, nothing checked."""
    *sides, gold = [text.removesuffix("\n").split("\n") for text in texts]
    words, links = {}, {}
    if len(sides) == 1:
        for number, line in enumerate(sides[0], 1):
            words[str(number)] = [[token for token in part.replace("\t", " ").split(" ") if token] for part in line.split("|||")]
    else:
        for line in sides[0] + sides[1]:
            name, rest = line.split("\t", 1) if layout == "simalign" else line.strip()[len("<s snum=") : -len("</s>")].split(">", 1)
            words.setdefault(name, []).append([token for token in rest.replace("\t", " ").split(" ") if token])
    first = int(layout in ("awesome", "wpt"))
    for number, line in enumerate(gold, 1):
        name, found = str(number), line.split()
        if layout == "simalign":
            name, found = line.split("\t", 1)[0], line.split("\t", 1)[1].split()
        elif layout == "wpt":
            name, one, other, *kind = line.split()
            found = [one + ("p" if kind == ["P"] else "-") + other]
        for link in found:
            one, other = map(int, link.replace("p", "-").split("-"))
            links.setdefault(name, {}).setdefault((one - first, other - first), set()).add("p" in link)
    return {
        name: (source, target, {link for link in own if link[0] < len(source) and link[1] < len(target)}, own)
        for name, (source, target) in words.items()
        for own in [links.get(name, {})]
    }


@fuzzed
@given(layout=st.sampled_from([*BITEXTS]), changes=st.lists(st.tuples(st.integers(0, 2), CHANGE), max_size=3), packed=PACKED)
def test_bitexts(folder, layout, changes, packed):
    made = []
    for number, part in enumerate(BITEXTS[layout]):
        own = [change for place, change in changes if place == number]
        made.append(written(folder / f"xx.{number}", part, own, *packed if number == 1 else ()))
    pairs = read(lambda: read_bitext(layout, [path for path, _ in made]), *(path for path, _ in made))
    if pairs is None:
        return
    texts = [text for _, text in made]
    assert None not in texts
    expected = naive_pairs(layout, texts)
    assert {pair.name: (pair.source, pair.target, pair.possible) for pair in pairs} == {
        name: (source, target, inside) for name, (source, target, inside, _) in expected.items()
    }
    for pair in pairs:
        *_, inside, links = expected[pair.name]
        assert pair.sure == {link for link in inside if False in links[link]}


def naive_nli(text: str, form: str) -> list[tuple[str, str, str]]:
    """Premise, hypothesis and label of the lines in English, nothing checked."""
    rows = [line.split("\t") for line in text.removesuffix("\n").split("\n")]
    names = rows[0]
    if {"premise", "hypo", "label"} <= {*names} and names[0] == "premise":
        rows, wanted = rows[1:], [names.index(name) for name in ("premise", "hypo", "label")]
    elif {"language", "sentence1", "sentence2", "gold_label"} <= {*names} and names[0] == "language":
        ending = "_tokenized" if form == TOKENIZED else ""
        wanted = [names.index(name) for name in (f"sentence1{ending}", f"sentence2{ending}", "gold_label")]
        rows = [row for row in rows[1:] if row[0] == "en"]
    else:
        found = [[cell[1:-1].replace('""', '"') if is_quoted(cell) else cell for cell in row] for row in rows]
        return [(premise.strip(), hypothesis.strip(), label.strip().replace("dictory", "diction")) for premise, hypothesis, label in found]
    found = [[row[place] for place in wanted] for row in rows]
    return [(premise.strip(), hypothesis.strip(), label.strip().replace("dictory", "diction")) for premise, hypothesis, label in found]


def is_quoted(cell: str) -> bool:
    """Whether the csv module quoted a cell: that has quotes in it, each of them twice."""
    inside = cell[1:-1]
    return len(cell) > 2 and cell[0] == '"' == cell[-1] and '"' in inside and all(len(run) % 2 == 0 for run in runs_of_quotes(inside))


def runs_of_quotes(text: str) -> list[str]:
    return "".join(c if c == '"' else " " for c in text).split()


@fuzzed
@given(layout=st.sampled_from([*NLI]), changes=st.lists(CHANGE, max_size=3), packed=PACKED, form=st.sampled_from([RAW, TOKENIZED]))
def test_nli(folder, layout, changes, packed, form):
    path, text = written(folder / "dev-en.tsv", NLI[layout], changes, *packed)
    pairs = read(lambda: list(read_nli(path, "en", form)), path)
    if pairs is None:
        return
    assert text is not None and {pair.label for pair in pairs} <= {*LABELS}
    assert [(pair.premise, pair.hypothesis, pair.label) for pair in pairs] == naive_nli(text, form)
