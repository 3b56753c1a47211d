"""UD's features in UniMorph: by hand, and against the published converter's output of UD 2.3 (`docs/unimorph.md`)."""

from collections import defaultdict
from dataclasses import dataclass

import pytest

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.datasets.conllu import read_treebank
from xlprobe.datasets.unimorph import read_mapping, values_of_token, values_of_word
from xlprobe.errors import FormatError
from xlprobe.files import read_lines

MAPPING = read_mapping()
CATEGORY_OF = {found.value: found.category for found in MAPPING.values()}
# Evidentiality, which paper 2 does not have, and the Hungarian distributive, which UniMorph does not have.
IN_NO_CATEGORY = {"NFH", "DIST"}
REFERENCE = "unimorph-ud-2.3"
# The release whose annotation is nearest to that of 2.3, and how many of 100 words must have all 17 categories equal.
COMPARED = {
    "UD_Chinese-GSD": ("ud-2.1/UD_Chinese", 95),
    "UD_English-EWT": ("ud-2.1/UD_English", 95),
    "UD_Finnish-TDT": ("ud-2.1/UD_Finnish", 95),
    "UD_French-GSD": ("ud-2.1/UD_French", 95),
    # Re-annotated before 2.3 and after it: of words' values 95 % agree, of whole words fewer.
    "UD_German-GSD": ("ud/UD_German-GSD", 90),
    "UD_Hungarian-Szeged": ("ud-2.1/UD_Hungarian", 95),
    "UD_Japanese-GSD": ("ud-2.1/UD_Japanese", 95),
    "UD_Polish-LFG": ("ud/UD_Polish-LFG", 95),
    "UD_Russian-GSD": ("ud-2.1/UD_Russian", 95),
    "UD_Turkish-IMST": ("ud-2.1/UD_Turkish", 95),
}


def of_word(upos, feats):
    return values_of_word(upos, feats, MAPPING)


def test_the_table_has_a_part_of_speech_for_each_tag_but_three_and_every_category():
    tags = {name.removeprefix("UPOS=") for name in MAPPING if name.startswith("UPOS=")}
    assert len(tags) == 14 and not tags & {"PUNCT", "SYM", "X"}
    assert {value.category for value in MAPPING.values()} == {*CATEGORIES} and ALL_WORDS in CATEGORIES and len(CATEGORIES) == 17


# From the output for UD 2.3, taken apart by hand.
@pytest.mark.parametrize(
    ("upos", "feats", "expected"),
    [
        # English `the`, `side`; Finnish `tapahtumista`.
        ("DET", "Definite=Def|PronType=Art", {"part_of_speech": "DET", "definiteness": "DEF"}),
        ("NOUN", "Number=Sing", {"part_of_speech": "N", "number": "SG"}),
        ("NOUN", "Case=Ela|Number=Plur", {"part_of_speech": "N", "number": "PL", "case": "ABL+IN"}),
        # Spanish `Han`, Turkish `irkildi`, Polish `myślimy`'s like.
        (
            "AUX",
            "Mood=Ind|Number=Plur|Person=3|Tense=Pres|VerbForm=Fin",
            {"part_of_speech": "V", "mood": "IND", "finiteness": "FIN", "tense": "PRS", "number": "PL", "person": "3"},
        ),
        (
            "VERB",
            "Aspect=Perf|Mood=Ind|Number=Sing|Person=3|Polarity=Pos|Tense=Past",
            {"part_of_speech": "V", "aspect": "PFV", "mood": "IND", "number": "SG", "person": "3", "polarity": "POS", "tense": "PST"},
        ),
        # A participle is V and V.PTCP in the output; a converb of a Hungarian adverb, ADV and V.CVB.
        (
            "VERB",
            "Gender=Masc|Number=Sing|Tense=Past|VerbForm=Part",
            {"part_of_speech": "V.PTCP", "gender": "MASC", "number": "SG", "tense": "PST"},
        ),
        ("ADV", "VerbForm=Conv", {"part_of_speech": "V.CVB"}),
        # French imperfect: of aspect, and no tense; Turkish pluperfect: of tense, and the aspect is that of Aspect.
        ("VERB", "Tense=Imp", {"part_of_speech": "V", "aspect": "IPFV"}),
        ("VERB", "Aspect=Perf|Tense=Pqp", {"part_of_speech": "V", "aspect": "PFV", "tense": "PST+PRF"}),
        ("VERB", "Aspect=Perf|Tense=Imp", {"part_of_speech": "V", "aspect": "PFV"}),
        # Valency and voice are both in UD's Voice.
        ("VERB", "Voice=Cau", {"part_of_speech": "V", "valency": "CAUS"}),
        ("VERB", "Voice=Pass", {"part_of_speech": "V", "voice": "PASS"}),
        ("VERB", "Voice=CauPass", {"part_of_speech": "V"}),
        ("PRON", "Case=Acc|Reflex=Yes", {"part_of_speech": "PRO", "case": "ACC", "valency": "REFL"}),
        # Possessors: Turkish, Finnish without a number, Polish without a person, Hungarian without any, Arabic's construct state.
        ("NOUN", "Number[psor]=Sing|Person[psor]=3", {"part_of_speech": "N", "possession": "PSS3S"}),
        ("NOUN", "Person[psor]=3", {"part_of_speech": "N", "possession": "PSS3"}),
        ("DET", "Number[psor]=Plur|Person=1|Poss=Yes", {"part_of_speech": "DET", "person": "1", "possession": "PSSP"}),
        ("NOUN", "Number[psed]=None|Number[psor]=None|Person[psor]=None", {"part_of_speech": "N", "possession": "PSSD"}),
        ("NOUN", "Definite=Cons", {"part_of_speech": "N", "possession": "PSSD"}),
        # Several values of a feature (Hindi's {ACC/GEN}) are none, nor are those that no row names.
        ("PRON", "Case=Acc,Gen|Number=Sing", {"part_of_speech": "PRO", "number": "SG"}),
        ("NOUN", "Case=Del|Degree=Pos|Foreign=Yes", {"part_of_speech": "N"}),
        ("NOUN", "Gender=Com", {"part_of_speech": "N", "gender": "FEM+MASC"}),
        ("PUNCT", "_", {}),
        ("X", "Foreign=Yes", {}),
    ],
)
def test_a_word_by_hand(upos, feats, expected):
    assert of_word(upos, feats) == expected


def test_the_order_of_features_does_not_count():
    feats = "Aspect=Perf|Number[psor]=Sing|Person[psor]=3|Tense=Imp|VerbForm=Part"
    assert of_word("VERB", feats) == of_word("VERB", "|".join(reversed(feats.split("|"))))


def test_two_words_of_a_token_drop_a_category_also_if_they_agree():
    # Spanish `dámelo`: the person and number of `me` and `lo` differ, and `dá`, `me` and `lo` have a number each.
    verb = of_word("VERB", "Mood=Imp|Number=Sing|Person=2|VerbForm=Fin")
    me, lo = of_word("PRON", "Case=Dat|Number=Sing|Person=1"), of_word("PRON", "Gender=Masc|Number=Sing|Person=3")
    assert values_of_token([verb, me, lo]) == {"mood": "IMP", "finiteness": "FIN", "case": "DAT", "gender": "MASC"}
    assert values_of_token([verb]) == verb and values_of_token([me, me]) == {}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("ud\tunimorph\n", r":1: found 'ud\\tunimorph', expected the columns ud, unimorph, category, separated by tabs"),
        ("ud\tunimorph\tcategory\nCase=Nom\tNOM\n", r":2: found .*, expected Feature=Value, UniMorph's value and its category"),
        ("ud\tunimorph\tcategory\nCase=Nom\t\tcase\n", r":2: found .*, expected Feature=Value"),
        ("ud\tunimorph\tcategory\nCase=Nom\tNOM\tcases\n", r":2: found category 'cases', expected one of animacy, aspect, case"),
        ("ud\tunimorph\tcategory\nCase=Nom\tNOM\tcase\nCase=Nom\tACC\tcase\n", r":3: found Case=Nom a second time, expected it once"),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(tmp_path, lines, fault):
    (tmp_path / "unimorph.tsv").write_text(lines)
    with pytest.raises(FormatError, match=fault):
        read_mapping(tmp_path / "unimorph.tsv")


def read_reference(folder):
    """Sentences of UniMorph's treebanks, as [(form, values)]; they are no CoNLL-U: the features' column holds `N;SG`."""
    for path in sorted(folder.glob("*.conllu.xz")):
        sentence = []
        for _, line in read_lines(path):
            if not line:
                yield sentence
                sentence = []
            elif line[0] != "#" and (cells := line.split("\t"))[0].isdigit():
                sentence.append((cells[1], [] if cells[5] == "_" else cells[5].split(";")))
        if sentence:
            yield sentence


def by_category(values):
    """The values of each category; of a participle's part of speech two, of which either counts."""
    found = defaultdict(set)
    for value in values:
        if "/" not in value and "LGSPEC" not in value and value not in IN_NO_CATEGORY:
            in_order = value if value == "PST+PRF" else "+".join(sorted(value.split("+")))
            found[CATEGORY_OF[in_order]].add(in_order)
    return found


@dataclass
class Agreement:
    """Of words to which the reference gives a value: `whole` have the same categories and values; `values` of `given` are the same."""

    words: int = 0
    whole: int = 0
    given: int = 0
    values: int = 0


def agreement(reference, treebank):
    """Over sentences of the same words, each once."""
    words_of = {}
    for path in sorted(treebank.glob("*.conllu.xz")):
        for sentence in read_treebank(path):
            words_of.setdefault(tuple(word.form for word in sentence.words), sentence.words)
    found = Agreement()
    for forms, sentence in {tuple(form for form, _ in sentence): sentence for sentence in read_reference(reference)}.items():
        for (_, values), word in zip(sentence, words_of.get(forms, []), strict=False):
            if theirs := by_category(values):
                ours = of_word(word.upos, word.feats)
                same = sum(ours.get(category) in values for category, values in theirs.items())
                found.words += 1
                found.given += len(theirs)
                found.values += same
                found.whole += same == len(theirs) == len(ours)
    return found


@pytest.mark.parametrize("name", COMPARED)
def test_words_have_the_values_that_the_published_converter_gives(real_data, name):
    treebank, percent = COMPARED[name]
    found = agreement(real_data / REFERENCE / name, real_data / treebank)
    assert found.words >= 290
    assert found.values >= 0.95 * found.given and found.whole >= percent / 100 * found.words, found


def test_the_reference_has_no_value_that_the_table_lacks(real_data):
    folders = sorted((real_data / REFERENCE).iterdir())
    assert len(folders) == 13
    for folder in folders:
        words = [by_category(values) for sentence in read_reference(folder) for _, values in sentence]
        assert len(words) > 6000
        # Of one category there are two values where a part of speech is a verb's form, too; elsewhere a word has one.
        assert {c for values in words for c, of_one in values.items() if len(of_one) > 1} <= {"part_of_speech"}
