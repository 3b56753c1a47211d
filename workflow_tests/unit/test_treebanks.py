import lzma
import re

import conllu
import pytest

from xlprobe.errors import FormatError, XlprobeError
from xlprobe.resources import treebanks
from xlprobe.treebanks import read_treebank

# "aux" is a multiword token; 2.1 an empty node; "New York" one word; SpaceAfter on the token's line counts.
EXAMPLE = """# sent_id = one
# text = New York va aux États.
1\tNew York\t_\tPROPN\t_\t_\t2\tnsubj\t_\t_
2\tva\tva\tVERB\t_\tMood=Ind|Number=Sing\t0\troot\t_\t_
2.1\tvide\t_\tVERB\t_\t_\t_\t_\t0:x\t_
3-4\taux\t_\t_\t_\t_\t_\t_\t_\t_
3\tà\tà\tADP\t_\t_\t5\tcase\t_\t_
4\tles\tle\tDET\t_\t_\t5\tdet\t_\t_
5\tÉtats\tÉtat\tPROPN\t_\t_\t2\tobl:arg\t_\tSpaceAfter=No
6\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_

"""


def write(tmp_path, text):
    path = tmp_path / "xx_test-ud-train.conllu"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sentence_with_everything(tmp_path):
    (sentence,) = read_treebank(write(tmp_path, "\ufeff" + EXAMPLE.replace("\n", "\r\n")))
    assert sentence.sent_id == "one"
    assert sentence.text == "New York va à les États." and sentence.written == "New York va aux États."
    assert [word.form for word in sentence.words] == ["New York", "va", "à", "les", "États", "."]
    assert [sentence.text[word.start : word.end] for word in sentence.words] == [word.form for word in sentence.words]
    assert [word.head for word in sentence.words] == [2, 0, 5, 5, 2, 2]
    assert sentence.words[1].feats == "Mood=Ind|Number=Sing" and sentence.words[4].deprel == "obl:arg"


def test_space_after_a_multiword_token_stands_on_its_line(tmp_path):
    glued = EXAMPLE.replace("3-4\taux\t_\t_\t_\t_\t_\t_\t_\t_", "3-4\taux\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No")
    (sentence,) = read_treebank(write(tmp_path, glued))
    assert sentence.text == "New York va à lesÉtats." and sentence.written == "New York va auxÉtats."


def test_sentences_without_sent_id_are_numbered(tmp_path):
    nameless = EXAMPLE.replace("# sent_id = one\n", "")
    assert [sentence.sent_id for sentence in read_treebank(write(tmp_path, nameless * 2))] == ["1", "2"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\t.\tPUNCT", "\tPUNCT", r":10: found 9 columns, expected 10 separated by tabs"),
        ("6\t.", "7\t.", r":10: found word id 7, expected 6"),
        ("\tADP\t", "\tCONJ\t", r":7: found UPOS 'CONJ', expected one of UD v2's 17 tags"),
        ("\t5\tdet", "\t9\tdet", r":8: found HEAD 9, expected 0 to 6 but its own 4"),
        ("\t5\tdet", "\t4\tdet", r":8: found HEAD 4, expected 0 to 6 but its own 4"),
        ("\t5\tdet", "\t_\tdet", r":8: found HEAD None, expected a number"),
        ("\t5\tdet", "\tx\tdet", r":1: found a sentence that does not parse .*, expected CoNLL-U"),
    ],
)
def test_bad_lines_are_reported_with_file_and_line(tmp_path, old, new, message):
    broken = EXAMPLE.replace(old, new, 1)
    assert broken != EXAMPLE
    with pytest.raises(FormatError, match=r"xx_test-ud-train\.conllu" + message):
        list(read_treebank(write(tmp_path, broken)))


def test_withheld_text_is_refused_but_a_single_underscore_is_a_word(tmp_path):
    withheld = re.sub(r"^(\d+)\t[^\t]+", r"\1\t_", EXAMPLE, flags=re.M)
    with pytest.raises(XlprobeError, match="the text is withheld"):
        list(read_treebank(write(tmp_path, withheld)))
    (sentence,) = read_treebank(write(tmp_path, EXAMPLE.replace("\tva\tva", "\t_\t_")))
    assert sentence.words[1].form == "_"


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match="no sentence in it"):
        list(read_treebank(write(tmp_path, "\n")))


# Treebanks with multiword tokens, empty nodes, spaces inside FORM, non-NFC text, no spaces, right-to-left text.
REAL = [
    "ar_pud",
    "cs_cac",
    "en_ewt",
    "fa_seraji",
    "fi_tdt",
    "fr_sequoia",
    "he_htb",
    "hi_pud",
    "ja_gsd",
    "ta_ttb",
    "tr_imst",
    "vi_vtb",
    "zh_pud",
]


def test_real_treebanks_are_read_as_the_conllu_package_reads_them(real_data):
    same_text = compared = same_written = read = 0
    for name in REAL:
        path = real_data / "ud" / treebanks()[name].folder / f"{name}-ud-test.conllu.xz"
        sentences = list(read_treebank(path))
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as stream:
            parsed = list(conllu.parse_incr(stream))
        assert len(sentences) == len(parsed) > 100, path
        for ours, theirs in zip(sentences, parsed, strict=True):
            words = [token for token in theirs if isinstance(token["id"], int)]
            assert [word.upos for word in ours.words] == [token["upos"] for token in words], path
            assert [word.head for word in ours.words] == [token["head"] for token in words], path
            assert [ours.text[word.start : word.end] for word in ours.words] == [token["form"] for token in words], path
            read += 1
            same_written += " ".join(ours.written.split()) == " ".join(theirs.metadata["text"].split())
            if not any(isinstance(token["id"], tuple) and token["id"][1] == "-" for token in theirs):
                compared += 1
                same_text += " ".join(ours.text.split()) == " ".join(theirs.metadata["text"].split())
    # Where no token has several words, our text is the treebank's; a few have spaces that SpaceAfter does not tell of.
    assert compared > 4000 and same_text / compared > 0.99 and read > compared + 1000 and same_written / read > 0.99


def test_real_specimens_of_ud_version_1_are_reported(real_data):
    found = []
    for path in sorted((real_data / "specimens" / "ud_v1").glob("*.conllu.xz")):
        try:
            list(read_treebank(path))
        except FormatError as error:
            found.append(str(error))
    assert found and all(re.search(r"\.conllu\.xz:\d+: found UPOS 'CONJ'", message) for message in found)
