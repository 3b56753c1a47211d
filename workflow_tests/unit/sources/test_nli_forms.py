"""The form of XNLI's text: declared by where a file is from, one for a whole run, and kept in identities."""

import json
import logging
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from xlprobe.artifacts.dataset_folder import read_pairs, read_sentences
from xlprobe.datasets.nli import PUBLISHED, RAW, TOKENIZED, read_nli, read_splits
from xlprobe.errors import ConfigError, FormatError, XlprobeError
from xlprobe.paths import PROJECT
from xlprobe.sources import origins
from xlprobe.sources.needs import needs
from xlprobe.sources.nli_forms import chosen_form, declared_forms, read_forms
from xlprobe.study import config as configuration
from xlprobe.study import resource_tables

# Raw, tokenised, by language: a premise and a hypothesis.
TEXT = {
    "en": (("He said, I'm home.", "He didn't speak."), ("He said , I 'm home .", "He did n't speak .")),
    "zh": (("他说，我回来了。", "他没说话。"), ("他 说 ， 我 回来 了 。", "他 没 说话 。")),
}
COLUMNS = [
    *("language", "gold_label", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse", "sentence2_parse"),
    *("sentence1", "sentence2", "promptID", "pairID", "genre", "label1", "label2", "label3", "label4", "label5"),
    *("sentence1_tokenized", "sentence2_tokenized", "match"),
]
OFFICIAL = {split: f"xnli/XNLI-1.0/xnli.{split}.tsv" for split in ("dev", "test")}
TRAIN = "xnli/XNLI-MT-1.0/multinli/multinli.train.{}.tsv"
XTREME = "xnli/{}-{}.tsv"


def put(path: Path, lines: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(line) + "\n" for line in lines))


def put_official(data: Path, columns: list[str] = COLUMNS) -> None:
    """XNLI as it is published: dev and test with both forms in columns of their own, train tokenised."""
    rows = []
    for language, (raw, tokenized) in TEXT.items():
        facts = dict(zip(("sentence1", "sentence2", "sentence1_tokenized", "sentence2_tokenized"), raw + tokenized, strict=True))
        facts |= {"language": language, "gold_label": "neutral"}
        rows.append([facts.get(column, "-") for column in columns])
        put(data / TRAIN.format(language), [["premise", "hypo", "label"], [*tokenized, "contradictory"]])
    for path in OFFICIAL.values():
        put(data / path, [columns, *rows])


def put_xtreme(data: Path, languages: tuple[str, ...] = ("en", "zh"), **form_of_split: str) -> None:
    """XTREME's layout; raw where a split's form is not given."""
    for language in languages:
        for split in ("train", "dev", "test"):
            text = TEXT[language][form_of_split.get(split, RAW) == TOKENIZED]
            put(data / XTREME.format(split, language), [[*text, "neutral"]])


@pytest.fixture
def run(tmp_path):
    """Returns what a configuration makes of the data folder: the run's form, and each split's form and text by language."""
    data, own = tmp_path / "data", tmp_path / "own"
    data.mkdir()

    def run(xnli=("en", "zh-Hans"), **datasets):
        keys = {"models": {"m": {"steps": [0], "huggingface": {"folder": "x"}}}, "probes": {"tasks": []}, "xnli": list(xnli)}
        config = configuration.complete({"experiment": "t", "datasets": datasets} | keys)
        found = origins.origins(needs(config), own, data)
        files = dict(origins.readers(found, "xnli"))
        forms = declared_forms(chain.from_iterable(files.values()), found, config["datasets"]["nli_files"])
        form = chosen_form(files, forms, config["datasets"])
        read = {}
        for language, paths in files.items():
            for path, of_file in zip(paths, read_forms(paths, forms, form), strict=True):
                (pair,) = read_nli(data / path, language, of_file)
                read[language, path.rpartition("/")[2].split(".")[1 if "XNLI" in path else 0].split("-")[0]] = (
                    of_file,
                    (pair.premise, pair.hypothesis),
                )
        return form, read

    run.data, run.own = data, own
    return run


def texts(form_of_split: dict[str, str]) -> dict:
    return {(language, split): (form, text[form == TOKENIZED]) for language, text in TEXT.items() for split, form in form_of_split.items()}


EVERY = ("train", "dev", "test")
AS_PUBLISHED = {"train": TOKENIZED, "dev": RAW, "test": RAW}


@pytest.mark.parametrize(
    ("asked", "form", "of_split"),
    [
        (None, TOKENIZED, dict.fromkeys(EVERY, TOKENIZED)),
        ("tokenized", TOKENIZED, dict.fromkeys(EVERY, TOKENIZED)),
        ("published", PUBLISHED, AS_PUBLISHED),
    ],
)
def test_official_files_are_read_in_one_form_or_as_they_are(run, asked, form, of_split):
    put_official(run.data)
    assert run(nli_text=asked) == (form, texts(of_split))


def test_official_files_are_not_raw(run):
    put_official(run.data)
    message = "config key datasets.nli_text: found 'raw', but xnli/XNLI-MT-1.0/multinli/multinli.train.en.tsv is tokenized; set it to "
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}tokenized or published$"):
        run(nli_text="raw")


@pytest.mark.parametrize(("asked", "form"), [(None, RAW), ("raw", RAW), ("published", PUBLISHED)])
def test_xtremes_layout_is_raw(run, asked, form):
    put_xtreme(run.data)
    assert run(nli_text=asked) == (form, texts(dict.fromkeys(EVERY, RAW)))


def test_xtremes_layout_is_what_it_is_stated_to_be(run):
    put_xtreme(run.data, **dict.fromkeys(EVERY, TOKENIZED))
    with pytest.raises(ConfigError) as refused:
        run(nli_text="tokenized")
    assert str(refused.value) == (
        "config key datasets.nli_text: found 'tokenized', but xnli/train-en.tsv is raw; set it to raw or published, or, if that is wrong,"
        " say so under datasets.nli_files: {train: tokenized, dev: tokenized, test: tokenized}"
    )
    stated = dict.fromkeys(EVERY, TOKENIZED)
    for asked in (None, "tokenized"):
        assert run(nli_text=asked, nli_files=stated) == (TOKENIZED, texts(stated))
    with pytest.raises(ConfigError, match=r"found 'raw', but xnli/train-en.tsv is tokenized; set it to tokenized or published, or, if"):
        run(nli_text="raw", nli_files=stated)


def test_train_of_another_form_is_refused_until_it_is_said_what_to_do(run):
    put_xtreme(run.data, train=TOKENIZED)
    stated = {"train": TOKENIZED}
    with pytest.raises(ConfigError) as refused:
        run(nli_files=stated)
    assert str(refused.value) == (
        "config key datasets.nli_text: is null, but no form is shared by all files: xnli/train-en.tsv is tokenized and xnli/dev-en.tsv is"
        " raw; set it to published, or, if that is wrong, say so under datasets.nli_files: {train-en: raw}"
    )
    assert run(nli_files=stated, nli_text="published") == (PUBLISHED, texts(AS_PUBLISHED))
    # XTREME's script writes the train set of English tokenised; a file's own entry counts before its split's.
    assert run(xnli=["zh-Hans"], nli_files={"train": TOKENIZED, "train-zh": RAW})[0] == RAW
    with pytest.raises(ConfigError, match=r"xnli/train-en.tsv is tokenized and xnli/dev-en.tsv is raw"):
        run(nli_files={"train-en": TOKENIZED})


def test_languages_of_one_run_are_of_one_form(run):
    """English in XTREME's layout, Chinese in the official one: across the two, forms would be mixed."""
    put_official(run.data)
    put_xtreme(run.data, ("en",))
    with pytest.raises(ConfigError, match=r"is null, but no form is shared by all files: .*train.zh.tsv is tokenized and xnli/train-en"):
        run()
    form, read = run(nli_text="published")
    assert form == PUBLISHED and read["en", "train"][0] == RAW and read["zh", "train"] == (TOKENIZED, TEXT["zh"][1])
    assert run(xnli=["en"])[0] == RAW and run(xnli=["zh-Hans"])[0] == TOKENIZED


def test_sets_as_published_are_of_another_form_than_the_run(run):
    put_official(run.data)
    assert run(nli_published=["zh-Hans"])[0] == TOKENIZED
    put_xtreme(run.data)
    message = "config key datasets.nli_published.0: as published, all files of 'zh-Hans' are raw, the form that is measured anyway; take it"
    with pytest.raises(ConfigError, match=message):
        run(nli_published=["zh-Hans"])


def test_what_is_stated_of_files_that_are_not_read_is_refused(run):
    put_official(run.data)
    with pytest.raises(ConfigError, match=r"^config key datasets.nli_files.train-zh: the run reads no such file in XTREME's layout"):
        run(nli_files={"train-zh": TOKENIZED})


def test_a_source_that_does_not_say_its_form_is_refused(run, monkeypatch):
    put_official(run.data)
    table = resource_tables.sources()
    monkeypatch.setitem(table, "xnli_mt", table["xnli_mt"].__class__(**vars(table["xnli_mt"]) | {"text_form": ""}))
    silent = r"^resources/sources.tsv: has no row that says what the text of xnli/XNLI-MT-1.0/multinli.* is; write it under text_form"
    with pytest.raises(XlprobeError, match=silent):
        run()
    # What it declares is what counts.
    monkeypatch.setitem(table, "xnli_mt", table["xnli_mt"].__class__(**vars(table["xnli_mt"]) | {"text_form": "raw"}))
    assert run()[0] == RAW
    monkeypatch.delitem(table, "xnli_mt")
    with pytest.raises(XlprobeError, match=silent):
        run()


def test_official_files_without_tokenized_columns_are_refused_and_can_be_taken_as_published(run):
    put_official(run.data, COLUMNS[:-3])
    with pytest.raises(FormatError) as refused:
        run()
    assert str(refused.value) == (
        f"{run.data}/{OFFICIAL['dev']}:1: found no column sentence1_tokenized, expected XNLI 1.0's columns, which tokenized text is read"
        " from; fetch it again, or set datasets.nli_text to published"
    )
    assert run(nli_text="published")[0] == PUBLISHED


def test_tokenized_text_that_is_empty_is_left_out_and_counted(run):
    put_official(run.data)
    dev = run.data / OFFICIAL["dev"]
    row = dict.fromkeys(COLUMNS, "neutral") | {"language": "en", "sentence2_tokenized": ""}
    dev.write_text(dev.read_text() + "\t".join(row.values()) + "\n")
    splits, left_out = read_splits({"dev": dev}, "en", forms={"dev": TOKENIZED})
    assert len(splits["dev"]) == 1 and left_out == {"dev": 1}
    assert read_splits({"dev": dev}, "en")[1] == {"dev": 0}


def test_xnlis_own_train_set_under_another_name_is_warned_of(run, caplog):
    """What a file begins with decides nothing, but is said."""
    put_official(run.data)
    put_xtreme(run.data)
    for language in TEXT:
        (run.data / TRAIN.format(language)).replace(run.data / XTREME.format("train", language))
    with caplog.at_level(logging.WARNING):
        assert run()[0] == RAW
    assert "train-zh.tsv:1: begins as XNLI's translated train sets do, which are tokenized, but is declared raw" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert run(nli_files={"train": TOKENIZED}, nli_text="published")[1]["zh", "train"] == (TOKENIZED, TEXT["zh"][1])
    assert not caplog.text


@pytest.mark.parametrize(
    ("form", "of_split"), [(TOKENIZED, dict.fromkeys(EVERY, TOKENIZED)), (PUBLISHED, AS_PUBLISHED)], ids=["tokenized", "published"]
)
def test_a_dataset_says_its_form(run, tmp_path, form, of_split):
    put_official(run.data)
    files = [TRAIN.format("zh"), *OFFICIAL.values()]
    command = [sys.executable, PROJECT / "scripts" / "build_nli.py", "--files", *(run.data / file for file in files)]
    named = ["--folder", tmp_path / "set", "--dataset", "xnli_zh", "--language", "zh-Hans", "--xnli-language", "zh"]
    subprocess.run([*command, *named, "--text-form", form, "--forms", *of_split.values()], check=True)
    identity = json.loads((tmp_path / "set" / "identity.json").read_text())
    assert (identity["text_form"], identity["text_form_of_splits"]) == (form, of_split)
    text = read_sentences(tmp_path / "set")["text"].to_numpy()
    found = [(text[premise], text[hypothesis]) for _, premise, hypothesis, _ in read_pairs(tmp_path / "set").to_numpy()]
    assert found == [TEXT["zh"][of_file == TOKENIZED] for of_file in of_split.values()]
