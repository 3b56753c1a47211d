import json

import numpy as np
import pandas as pd
import pytest

from xlprobe.artifacts.tables import conform, write_table
from xlprobe.errors import FormatError
from xlprobe.metrics.factors import ENGLISH, Factors, default_reading, measure_factors, pivot_of, read_distances
from xlprobe.paths import RESOURCES
from xlprobe.study.plan import PIVOT
from xlprobe.study.resource_tables import cc100_sizes

GIB = 2**30
DISTANCES = RESOURCES / "syntactic_distances.tsv"
SIZES = {"en": {"as printed": 300.8}, "sv": {"as printed": 12.1, "corrected": 77.8}, "fi": {"as printed": 54.3}}


def corpus(gib, capped=False):
    return {"train": {"bytes": gib * GIB}, "capped": capped}


def counts_files(folder, **sizes):
    """Counts of cleaned corpora, by language in bytes of train."""
    paths = []
    for language, size in sizes.items():
        paths.append(folder / f"{language}.json")
        paths[-1].write_text(json.dumps({"language": language, "capped": False, "train": {"bytes": size}, "valid": {"bytes": 7}}))
    return paths


def dataset_table(folder):
    """Of two treebanks and a bitext what is counted; train of one alone, and of its tasks one by label, too."""
    rows = [
        ("en_ewt", "treebank", "en", "train", "sentences", None, 3),
        ("en_ewt", "treebank", "en", "train", "words", None, 40),
        ("en_ewt", "treebank", "en", "train", "pos", None, 39),
        ("en_ewt", "treebank", "en", "train", "pos", "NOUN", 12),
        ("en_ewt", "treebank", "en", "train", "arc_prediction", None, 70),
        ("en_ewt", "treebank", "en", "test", "pos", None, 5),
        ("en_pud", "treebank", "en", "test", "pos", None, 6),
        ("align_en_fr", "bitext", "en fr", "test", "links", None, 8),
    ]
    table = pd.DataFrame(rows, columns=["dataset", "kind", "language", "split", "what", "label", "count"])
    write_table(table, "datasets.schema.yaml", folder / "datasets.parquet")
    return folder / "datasets.parquet"


def measured(folder, models, published=None, counts=(), datasets=None, distances=DISTANCES, is_world=False, texts=()):
    """The table of factors, and the same looked up."""
    path = folder / "factors.parquet"
    measure_factors(models, published or {}, [*counts], ["arc_prediction", "pos"], datasets, distances, is_world, path, texts)
    table = conform(pd.read_parquet(path), "factors.schema.yaml")
    assert not table.duplicated(["factor", "reading", "model", "language", "other", "task", "dataset"]).any()
    assert (table["value"].isna() <= table["flag"].notna()).all()
    return table, Factors.read(path)


def elsewhere(*languages):
    return {"xlmr": {"measured": [*languages], "pretrained": None}}


def test_similarity_is_measured_to_english_or_to_the_language_with_most_text():
    assert pivot_of({"fi": 2.0, "en": 1.0, "ru": 3.0}) == "en"
    assert pivot_of({"hi": 2.0, "ru": 3.0, "fi": 1.0}) == "ru"
    # Of equals the first by its code, in whatever order they come. English without text is none that others could be helped by.
    assert pivot_of({"hi": 2.0, "fi": 2.0, "en": 0.0}) == "fi"
    assert pivot_of({"en": None, "fi": 1.0}) == "fi" and pivot_of({"fi": None, "hi": 0.0}) is None and pivot_of({}) is None


@pytest.mark.parametrize(
    ("trained", "gib", "capped", "expected"),
    [
        # Published checkpoints.
        (None, {}, (), "as printed"),
        # CC100 as a whole, in which duplicates were dropped; a sample of it.
        (["en", "fi"], {"en": 290, "fi": 40}, (), "as printed"),
        (["en", "fi"], {"en": 178, "fi": 0}, (), "as printed"),
        (["en", "fi"], {"en": 177, "fi": 0}, (), "this run"),
        (["en", "fi"], {"en": 290, "fi": 40}, ("fi",), "this run"),
        # Text of the user's own.
        (["en", "xx"], {"en": 300, "xx": 1}, (), "this run"),
        # Half of 77.8, not of the misprint.
        (["sv"], {"sv": 39}, (), "as printed"),
        (["sv"], {"sv": 13}, (), "this run"),
    ],
)
def test_which_size_is_a_models_own(trained, gib, capped, expected):
    corpora = {code: corpus(size, code in capped) for code, size in gib.items()}
    assert default_reading(trained, SIZES, corpora) == expected


def test_in_a_world_only_its_own_text_is_known():
    assert default_reading(None, {}, {}) == default_reading(["qaa"], {}, {"qaa": corpus(1)}) == "this run"


def test_published_sizes_are_kept_both_ways(tmp_path):
    table, factors = measured(tmp_path, elsewhere("en", "sv", "ff", "zh-Hant"), cc100_sizes())
    assert factors.pretraining_data("xlmr", "sv") == factors.pretraining_data("xlmr", "sv", "as printed") == 12.1
    assert factors.pretraining_data("xlmr", "sv", "corrected") == 77.8
    # What is no misprint is in both readings as it is.
    assert factors.pretraining_data("xlmr", "en", "corrected") == factors.pretraining_data("xlmr", "en") == 300.8
    chinese = {reading: factors.pretraining_data("xlmr", "zh-Hant", reading) for reading in (None, "traditional", "simplified", "sum")}
    assert chinese == {None: 16.6, "traditional": 16.6, "simplified": 46.9, "sum": 63.5}
    assert factors.readings("xlmr") == ["as printed", "corrected", "simplified", "sum", "traditional"]
    # XLM-R has no Fulah: its size is unknown, and said to be.
    assert np.isnan(factors.pretraining_data("xlmr", "ff"))
    flags = table[table["factor"] == "pretraining_data"].set_index(["language", "reading"])["flag"].dropna().to_dict()
    # On what it was trained elsewhere nobody says here.
    known = {place: flags.pop(place) for place in (("sv", "as printed"), ("ff", "as printed"))}
    assert [*known.values()] == ["misprint", "no size published"] and {*flags.values()} == {"assumed"} and len(flags) == 6
    assert factors.pivot("xlmr") == "en" == ENGLISH == PIVOT and table["pivot"].sum() == 1


def test_a_models_own_text_is_measured_where_it_is_no_whole_cc100(tmp_path):
    """What a model was not pretrained on is none of its text; one from elsewhere has read other text."""
    models = {
        "both": {"measured": ["fi", "sv"], "pretrained": ["fi", "sv"]},
        "alone": {"measured": ["fi", "sv"], "pretrained": ["sv"]},
        "base": {"measured": ["sv"], "pretrained": None},
    }
    table, factors = measured(tmp_path, models, SIZES, counts_files(tmp_path, fi=3 * GIB, sv=GIB // 2))
    assert [factors.pretraining_data("both", code) for code in ("fi", "sv")] == [3, 0.5]
    assert [factors.pretraining_data("alone", code) for code in ("fi", "sv")] == [0, 0.5]
    assert factors.pretraining_data("base", "sv") == 12.1 and factors.pretraining_data("both", "sv", "as printed") == 12.1
    assert (factors.readings("both"), factors.readings("base")) == (["as printed", "this run"], ["as printed", "corrected"])
    assert {model: factors.pivot(model) for model in models} == {"both": "fi", "alone": "sv", "base": "en"}
    assert table.loc[table["flag"] == "not pretrained on", ["model", "language", "value"]].values.tolist() == [["alone", "fi", 0.0]]
    assert factors.pivot("other") is None


def test_text_beside_the_whole_of_cc100(tmp_path):
    models = {"whole": {"measured": ["fi"], "pretrained": ["fi", "sv"]}}
    _, factors = measured(tmp_path, models, SIZES, counts_files(tmp_path, fi=50 * GIB, sv=70 * GIB))
    assert [factors.pretraining_data("whole", "sv", reading) for reading in (None, "corrected", "this run")] == [12.1, 77.8, 70]
    # The language with most text need not be measured to be compared with.
    assert factors.pivot("whole") == "fi"


def test_a_model_that_is_pretrained_on_a_drawn_text_has_its_size(tmp_path):
    """Beside one of the whole: of Finnish half is drawn, Swedish stays; texts come in the order of their names, models' own in theirs."""
    models = {
        "whole": {"measured": ["fi", "sv"], "pretrained": ["fi", "sv"]},
        "drawn": {"measured": ["fi", "sv"], "pretrained": ["fi", "sv"], "texts": ["half/fi", "sv"]},
        "alone": {"measured": ["fi", "sv"], "pretrained": ["sv"], "texts": ["half/sv"]},
    }
    sizes = {"fi": 4 * GIB, "half/fi": 2 * GIB, "half/sv": GIB, "sv": 3 * GIB}
    counts = []
    for text, size in sizes.items():
        (tmp_path / text).mkdir(parents=True)
        # Each file names its language alone.
        counts += [path.rename(tmp_path / text / "counts.json") for path in counts_files(tmp_path, **{text[-2:]: size})]
    table, factors = measured(tmp_path, models, SIZES, counts, texts=[*sizes])
    found = {model: [factors.pretraining_data(model, code) for code in ("fi", "sv")] for model in models}
    assert found == {"whole": [4, 3], "drawn": [2, 3], "alone": [0, 1]}
    assert {model: factors.pivot(model) for model in models} == {"whole": "fi", "drawn": "sv", "alone": "sv"}
    sources = table[table["reading"] == "this run"].set_index(["model", "language"])["source"]
    assert (sources["drawn", "fi"], sources["drawn", "sv"]) == ("corpus/half/fi/counts.json", "corpus/sv/counts.json")
    # Texts without names are the cleaned ones, one of each language.
    with pytest.raises(ValueError, match="longer"):
        measured(tmp_path, models, SIZES, counts, texts=["fi"])


def test_examples_are_those_of_train(tmp_path):
    table, factors = measured(tmp_path, elsewhere("en"), SIZES, datasets=dataset_table(tmp_path))
    assert factors.task_data("pos", "en_ewt") == 39 and factors.task_data("arc_prediction", "en_ewt") == 70
    assert (table["factor"] == "task_data").sum() == 2
    with pytest.raises(KeyError):
        factors.task_data("pos", "en_pud")


def test_distances_of_real_languages_are_there_missing_or_degenerate(tmp_path):
    table, factors = measured(tmp_path, elsewhere("ar", "de", "en", "hr", "sk", "zh-Hans", "zh-Hant"), cc100_sizes())
    assert factors.distance("en", "de") == factors.distance("de", "en") == 0.42 and not factors.is_degenerate("de", "en")
    # One language has distances to all others, which are those of no other language; to itself none is needed.
    assert factors.distance("en", "ar") == factors.distance("zh-Hans", "en") == factors.distance("zh-Hant", "en") == 0.57
    assert factors.distance("ar", "sk") == 0 and all(factors.is_degenerate(*pair) for pair in (("en", "ar"), ("sk", "en"), ("ar", "sk")))
    assert factors.distance("zh-Hans", "zh-Hant") == factors.distance("hr", "hr") == 0 and not factors.is_degenerate("ar", "ar")
    assert np.isnan(factors.distance("hr", "en")) and not factors.is_degenerate("hr", "en")
    pairs = table[table["factor"] == "syntactic_distance"]
    assert len(pairs) == 7 * 6 / 2 and (pairs["language"] < pairs["other"]).all()
    assert pairs["value"].notna().sum() == 7 * 6 / 2 - 6 and set(pairs.loc[pairs["value"].isna(), "flag"]) == {"none stated"}


def test_a_worlds_grammars_have_distances_of_their_own(tmp_path):
    """As a world writes them: both ways, and each language to itself."""
    path = tmp_path / "distances.tsv"
    path.write_text("lang1\tlang2\tsyntactic_distance\nqaa\tqaa\t0.0000\nqaa\tqba\t0.4167\nqba\tqaa\t0.4167\nqba\tqba\t0.0000\n")
    models = {"xlmr": {"measured": ["qba"], "pretrained": ["qaa", "qba"]}, "adopted": {"measured": ["qaa"], "pretrained": None}}
    counts = counts_files(tmp_path, qaa=GIB, qba=2 * GIB)
    table, factors = measured(tmp_path, models, counts=counts, distances=path, is_world=True)
    assert factors.distance("qba", "qaa") == 0.4167 and factors.pivot("xlmr") == "qba"
    assert factors.pretraining_data("adopted", "qaa") == 1 and factors.readings("adopted") == ["this run"]
    (pair,) = table[table["factor"] == "syntactic_distance"].to_dict("records")
    assert (pair["reading"], pair["source"]) == ("world", "world") and pd.isna(pair["flag"])


FAULTY = ["de\ten\t0.4,2", "de\ten", "de\ten\t1.2", "de en 0.42", "de\ten\t0.42\tde\tx", "de\ten\t0.42\nde\ten\t0.43"]


@pytest.mark.parametrize("lines", FAULTY)
def test_a_faulty_line_of_distances_ends_in_one_sentence(tmp_path, lines):
    path = tmp_path / "distances.tsv"
    path.write_text(f"lang1\tlang2\tsyntactic_distance\n{lines}\n")
    with pytest.raises(FormatError, match=r"distances.tsv:[23]: found 'de.*', expected two languages, once, and their distance"):
        read_distances(path)
