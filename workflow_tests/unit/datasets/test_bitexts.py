import logging
import lzma
import re

import pandas as pd
import pytest

from xlprobe.artifacts.dataset_folder import read_links, read_sentences
from xlprobe.artifacts.tables import conform
from xlprobe.datasets import bitexts
from xlprobe.datasets.bitexts import LAYOUTS, Pair, read_bitext, write_bitext
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_json
from xlprobe.study.resource_tables import alignments, languages

# The same two pairs in every layout; the first is "the house" - "la maison là" with house-là only possible.
PAIRS = [
    Pair("1", ["the", "house"], ["la", "maison", "là"], {(0, 0), (1, 1)}, {(0, 0), (1, 1), (1, 2)}),
    Pair("2", ["ten", "10\u00a0000"], ["dix"], {(0, 0)}, {(0, 0)}),
]
BITEXT = "the house ||| la maison  là \nten 10\u00a0000 |||  dix\n"
SET = {
    "awesome": {"text": BITEXT, "gold": "1-1 2-2 2p3\n1-1\n"},
    "pharaoh": {"text": BITEXT, "gold": "0-0 1-1 1p2\n0-0\n"},
    "wpt": {
        "source": "<s snum=1> the house </s>\n<s snum=2>ten 10\u00a0000</s>\n",
        "target": "<s snum=1> la maison là </s>\n<s snum=2> dix </s> \n",
        "gold": "1 1 1\n1 2 2 S\n1 2 3 P\n2 1 1 P\n2 1 1 S\n",
    },
    "simalign": {
        "source": "1\tthe house\n2\tten 10\u00a0000\n",
        "target": "2\tdix\n1\tla maison là\n",
        "gold": "2\t0-0\n1\t0-0 1-1 1p2\n",
    },
}


def write(folder, contents, encode=str.encode):
    paths = [folder / f"xx.{name}" for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(encode(content))
    return paths


@pytest.mark.parametrize("layout", SET)
def test_every_layout_says_the_same(tmp_path, layout):
    assert read_bitext(layout, write(tmp_path, SET[layout])) == PAIRS


@pytest.mark.parametrize("layout", SET)
def test_how_long_a_line_may_be(tmp_path, monkeypatch, layout):
    paths = write(tmp_path, SET[layout])
    longest = max(len(line) for content in SET[layout].values() for line in content.splitlines())
    monkeypatch.setattr(bitexts, "LONGEST_LINE", longest)
    assert read_bitext(layout, paths) == PAIRS
    monkeypatch.setattr(bitexts, "LONGEST_LINE", longest - 1)
    with pytest.raises(FormatError, match=rf":\d: found a line of {longest} characters, expected a sentence pair, or its links"):
        read_bitext(layout, paths)


@pytest.mark.parametrize("layout", SET)
def test_byte_order_marks_carriage_returns_and_compression_do_not_matter(tmp_path, layout):
    paths = write(tmp_path, SET[layout], lambda text: lzma.compress(("\ufeff" + text.replace("\n", "\r\n")).encode()))
    assert read_bitext(layout, paths) == PAIRS


@pytest.mark.parametrize(
    ("layout", "file", "old", "new", "message"),
    [
        ("awesome", "text", "||| la", "| la", r"xx.text:1: found 1 parts, expected two sentences separated by '\|\|\|'"),
        ("awesome", "text", "dix", " ", r"xx.text:2: found a sentence without words, expected at least one word"),
        ("awesome", "gold", "2p3", "2x3", r"xx.gold:1: found link '2x3', expected two word numbers joined by '-' \(sure\) or 'p'"),
        ("awesome", "text", "dix", "x " * 10**6, r"xx.text:2: found a line of 2,000,016 characters, expected a sentence pair, or"),
        ("awesome", "gold", "2-2", "2-" + "2" * 5000, r"xx.gold:1: found link '2-2{90,98}…2{90,98}', expected two word numbers joined by"),
        ("wpt", "gold", "1 2 3 P", "1 2 " + "3" * 5000, r"xx.gold:3: found '1 2 3{36}', expected the numbers of a sentence and of two"),
        ("wpt", "gold", "1 2 3 P", "1" * 5000 + " 2 3", r"xx.gold:3: found links of sentence 1{80,99}…1{80,99}, expected one of the 2"),
        ("awesome", "gold", "2-2", "2-0", r"xx.gold:1: found a link of word 2 to 0, expected words counted from 1"),
        ("awesome", "gold", "2-2", "2-9", r"xx.gold:1: found the first of 1 links \(of 4\) that point outside their sentences, expected"),
        ("pharaoh", "gold", "1-1", "2-1", r"xx.gold:1: found .* outside .*, expected words counted from 0, as layout pharaoh has them"),
        ("awesome", "gold", "2p3\n1-1\n", "2p3\n", r"xx.gold:2: found no line for sentence 2, expected a line for each of 2 sentences"),
        ("awesome", "gold", "2p3\n", "2p3\n\n", r"xx.gold:3: found links of sentence 3, expected one of the 2 sentences in the text"),
        ("wpt", "source", "<s snum=2>", "<s>", r"xx.source:2: found '<s>ten .*', expected <s snum=NUMBER> \.\.\. </s>"),
        ("wpt", "target", "snum=2", "snum=1", r"xx.target:2: found sentence 1 a second time, expected each sentence once"),
        ("wpt", "target", "snum=2", "snum=7", r"xx.source:2: found sentence 2, which .*xx.target does not have, expected the same"),
        ("wpt", "source", "<s snum=2>ten 10\u00a0000</s>\n", "", r"xx.target:2: found sentence 2, which .*xx.source does not have"),
        (
            "wpt",
            "gold",
            "1 2 3 P",
            "1 2 3 Q",
            r"xx.gold:3: found '1 2 3 Q', expected the numbers of a sentence and of two words, and S or P",
        ),
        ("wpt", "gold", "1 2 3 P", "5 2 3 P", r"xx.gold:3: found links of sentence 5, expected one of the 2 sentences"),
        ("wpt", "gold", "1 2 3 P", "1 0 3 P", r"xx.gold:3: found a link of word 0 to 3, expected words counted from 1"),
        (
            "wpt",
            "gold",
            "1 2 3 P",
            "1 2 4 P",
            r"xx.gold:3: found the first of 1 links \(of 5\) that point outside their sentences, expected",
        ),
        ("pharaoh", "gold", "1p2\n", "1p2\n\n", r"xx.gold:3: found links of sentence 3, expected one of the 2 sentences in the text"),
        ("simalign", "gold", "2\t0-0", "7\t0-0", r"xx.gold:1: found links of sentence 7, expected one of the 2 sentences in the text"),
        ("simalign", "gold", "1p2", "1p3", r"xx.gold:2: found .* outside .*, expected words counted from 0, as layout simalign has them"),
        ("simalign", "source", "1\t", "1 ", r"xx.source:1: found '1 the house', expected id<TAB>tokens"),
        ("simalign", "gold", "1\t", "1 ", r"xx.gold:2: found '1 0-0 1-1 1p2', expected id<TAB>links"),
        ("simalign", "gold", "1\t", "2\t", r"xx.gold:2: found links of sentence 2 a second time, expected a line a sentence"),
        ("simalign", "gold", "2\t0-0\n", "", r"xx.gold:2: found no line for sentence 2, expected a line for each of 2 sentences"),
    ],
)
def test_faults_are_reported_with_file_and_line(tmp_path, layout, file, old, new, message):
    assert old in SET[layout][file]
    broken = SET[layout] | {file: SET[layout][file].replace(old, new, 1)}
    with pytest.raises(FormatError, match=message):
        read_bitext(layout, write(tmp_path, broken))


def test_gold_without_a_sure_link_is_refused(tmp_path):
    paths = write(tmp_path, SET["awesome"] | {"gold": "1p1\n1-1\n"})
    assert len(read_bitext("awesome", paths)) == 2
    with pytest.raises(XlprobeError, match=r"xx\.gold: no sure link for the 1 pairs to use"):
        read_bitext("awesome", paths, max_pairs=1)


def test_a_set_with_too_few_files_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match=r"2 files, but layout wpt has 3; correct resources/alignments.tsv"):
        read_bitext("wpt", write(tmp_path, SET["awesome"]))


def test_a_rare_link_outside_its_sentence_is_left_out_counted_and_told(tmp_path, caplog):
    contents = {"text": "a ||| b\n" * 100, "gold": "0-0\n" * 98 + "0-0 0-5\n" + "0-0\n"}
    with caplog.at_level(logging.WARNING):
        pairs = read_bitext("pharaoh", write(tmp_path, contents))
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/xx.gold:99: a gold link is left out, of word 0 to 5 in sentences of 1 and 1 words"
    ]
    assert sum(pair.left_out for pair in pairs) == 1 and all(pair.sure == pair.possible == {(0, 0)} for pair in pairs)
    write_bitext(pairs, tmp_path / "align_xx", "align_xx", "en", "fr")
    assert read_json(tmp_path / "align_xx" / "identity.json")["links"] == {"sure": 100, "possible": 100, "left_out": 1}


def test_pairs_without_a_gold_link_are_told(tmp_path, caplog):
    pairs = read_bitext("wpt", write(tmp_path, SET["wpt"] | {"gold": "1 1 1\n"}))
    assert pairs[1].possible == set()
    assert caplog.messages == [f"{tmp_path}/xx.gold: 1 sentence pairs have no gold link (the first: 2)"]


def test_a_dataset_holds_all_source_sentences_first(tmp_path):
    write_bitext(PAIRS, tmp_path, "align_en_fr", "en", "fr")
    sentences, words = read_sentences(tmp_path), pd.read_parquet(tmp_path / "words.parquet")
    conform(sentences, "sentences.schema.yaml")
    conform(words, "bitext_words.schema.yaml")
    assert sentences["split"].tolist() == ["source", "source", "target", "target"]
    assert sentences["sent_id"].tolist() == ["1", "2", "1", "2"]
    assert sentences["first_word"].tolist() == [0, 2, 4, 7] and sentences["words"].tolist() == [2, 2, 3, 1]
    texts = sentences["text"].tolist()
    assert texts == ["the house", "ten 10\u00a0000", "la maison là", "dix"]
    assert [texts[row.sentence][row.start : row.end] for row in words.itertuples()] == words["form"].tolist()
    links = conform(read_links(tmp_path), "links.schema.yaml")
    assert list(links.itertuples(index=False, name=None)) == [(0, 0, 0, True), (0, 1, 1, True), (0, 1, 2, False), (1, 0, 0, True)]
    identity = read_json(tmp_path / "identity.json")
    said = {"dataset": "align_en_fr", "kind": "bitext", "languages": ["en", "fr"], "parallel": None, "format": 2}
    assert identity.items() > said.items() and identity["pairs"] == 2
    assert identity["words"] == {"source": 4, "target": 4} and identity["links"] == {"sure": 3, "possible": 4, "left_out": 0}
    write_bitext(PAIRS[:1], tmp_path / "shorter", "align_en_fr", "en", "fr")
    assert read_json(tmp_path / "shorter" / "identity.json")["sha256"].keys() == identity["sha256"].keys()
    assert read_json(tmp_path / "shorter" / "identity.json")["sha256"] != identity["sha256"]


def test_the_table_of_sets_names_known_languages_and_layouts():
    for name, bitext in alignments().items():
        # The workflow tells bitexts from treebanks by their names.
        assert re.fullmatch(r"align_[a-z0-9_]+", name) and {bitext.source, bitext.target} <= set(languages())
        assert len(bitext.files) == LAYOUTS[bitext.layout].files


@pytest.mark.parametrize(
    ("name", "pairs", "sure", "possible", "left_out"),
    [
        ("align_en_de", 5, 90, 107, 0),
        ("align_en_fr", 447, 4038, 17438, 0),
        ("align_en_hi", 90, 1408, 1408, 1),
        ("align_ro_en", 248, 6198, 6198, 0),
    ],
)
def test_real_sets_are_read_whole(real_data, caplog, name, pairs, sure, possible, left_out):
    bitext = alignments()[name]
    found = read_bitext(bitext.layout, [real_data / path for path in bitext.files])
    assert len(found) == pairs
    assert sum(len(pair.sure) for pair in found) == sure and sum(len(pair.possible) for pair in found) == possible
    assert sum(pair.left_out for pair in found) == left_out == len(caplog.messages)
    assert not left_out or "test.eng.hin.wa:678: a gold link is left out, of word 33 to 34" in caplog.text


@pytest.mark.parametrize(
    ("name", "unknown", "number"),
    [("align_en_de", "z\t0-0", "z"), ("align_en_fr", "1-1", "448"), ("align_en_hi", "999 1 1", "999"), ("align_ro_en", "1-1", "249")],
)
def test_real_gold_of_an_unknown_sentence_is_refused(real_data, tmp_path, name, unknown, number):
    bitext = alignments()[name]
    *texts, gold = [real_data / file for file in bitext.files]
    lines = [line for line in gold.read_text(encoding="utf-8").split("\n") if line.strip()]
    (tmp_path / "xx.gold").write_text("\n".join([*lines, unknown]), encoding="utf-8")
    expected = rf"xx.gold:{len(lines) + 1}: found links of sentence {number}, expected one of the \d+ sentences in the text"
    with pytest.raises(FormatError, match=expected):
        read_bitext(bitext.layout, [*texts, tmp_path / "xx.gold"])


@pytest.mark.parametrize(("name", "layout"), [("align_en_fr", "pharaoh"), ("align_ro_en", "pharaoh")])
def test_real_gold_in_the_wrong_layout_is_refused(real_data, name, layout):
    with pytest.raises(FormatError, match=r"links \(of \d+\) that point outside their sentences"):
        read_bitext(layout, [real_data / file for file in alignments()[name].files])


@pytest.mark.parametrize("layout", SET)
def test_what_is_not_foreseen_has_the_file_and_the_line(tmp_path, monkeypatch, layout):
    def fail(*_):
        raise KeyError(3)

    paths = write(tmp_path, SET[layout])
    for function, path in (("Pair" if len(paths) == 2 else "_tokens", paths[0]), ("GoldLine", paths[-1])):
        with monkeypatch.context() as patched:
            patched.setattr(f"xlprobe.datasets.bitexts.{function}", fail)
            said = rf"^{path}:1: cannot be read as a file of an alignment set \(KeyError: 3\); correct it, or fetch it again$"
            with pytest.raises(XlprobeError, match=said):
                read_bitext(layout, paths)
