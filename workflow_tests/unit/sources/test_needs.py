import os
import re
import shutil
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

import pytest
import yaml

from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.files import link_file, write_json
from xlprobe.paths import PROJECT
from xlprobe.sources import origins
from xlprobe.sources.needs import locate, needs, repositories
from xlprobe.sources.origins import ARCHIVE, BY_HAND, DOWNLOAD, FOLDER, THERE
from xlprobe.sources.source_list import source_list
from xlprobe.study import config as configuration
from xlprobe.study import resource_tables
from xlprobe.study.code_identity import reached_modules
from xlprobe.study.runs import PLACEHOLDERS

BASE = {"experiment": "test", "languages": ["en"], "models": {"m": {"steps": [0], "pretrain": {}}}, "treebanks": ["en_ewt"]}
UD = "ud/UD_English-EWT/en_ewt-ud-{}.conllu"
TABLE = resource_tables.sources()


def run(**keys) -> dict:
    return configuration.complete(BASE | keys)


def put(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"{folder.name} {path}")


@pytest.fixture
def places(tmp_path):
    """A run's sources and a data folder, both empty; returns where each file of a configuration comes from."""
    own, data = tmp_path / "run" / "sources", tmp_path / "data"
    own.mkdir(parents=True)
    data.mkdir()

    def places(root: Path | None = data, **keys) -> dict[str, str]:
        return {origin.path: origin.way for origin in origins.origins(needs(run(**keys)), own, root)}

    places.own, places.data = own, data
    return places


def plan_of(places, root=None, **keys):
    return origins.plan(origins.origins(needs(run(**keys)), places.own, root), places.own, root)


# What a run needs.


def test_a_run_needs_its_corpora_and_treebanks():
    corpus, train, dev, test = needs(run())
    assert (corpus.path, corpus.address) == ("cc100/en.txt.xz", "https://data.statmt.org/cc-100/en.txt.xz")
    assert [need.path for need in (train, dev, test)] == [UD.format(split) for split in ("train", "dev", "test")]
    assert test.member == "ud-treebanks-v2.18/UD_English-EWT/en_ewt-ud-test.conllu"
    assert test.archive == "downloads/ud-treebanks-v2.18.tgz" and test.bytes == 684056893


def test_a_parallel_treebank_needs_its_test_set_alone():
    assert [need.path for need in needs(run(treebanks=["en_ewt", "en_pud"]))][4:] == ["ud/UD_English-PUD/en_pud-ud-test.conllu"]


def test_another_release_lies_in_a_folder_of_its_own():
    test = needs(run(data={"ud": "2.1"}, treebanks=["en"]))[-1]
    assert test.path == "ud-2.1/UD_English/en-ud-test.conllu" and test.member == "ud-treebanks-v2.1/UD_English/en-ud-test.conllu"


def test_xnli_is_needed_in_its_official_layout():
    found = needs(run(languages=["en", "zh-Hans"], xnli=["en", "zh-Hans"]))[-6:]
    assert [need.path for need in found][2::3] == [f"xnli/XNLI-MT-1.0/multinli/multinli.train.{code}.tsv" for code in ("en", "zh")]
    assert {need.member for need in found[:2]} == {"XNLI-1.0/xnli.dev.tsv", "XNLI-1.0/xnli.test.tsv"}


def test_conll2017_names_languages_its_own_way():
    corpus = needs(run(languages=["zh-Hant"], corpus={"source": "conll2017"}))[0]
    assert corpus.path == "conll2017/ChineseT-annotated-conll17.tar" and corpus.address.endswith("/1-1989/ChineseT-annotated-conll17.tar")


def test_checkpoints_of_fairseqs_are_sources_addresses_or_paths(tmp_path):
    def checkpoints(place):
        fairseq = {"checkpoints": place, "sentencepiece": "xlmr_sentencepiece"}
        found = needs(run(models={"m": {"steps": [5000, 10000], "fairseq": fairseq}}))
        return [need for need in found if need.reader[0] == "checkpoint"]

    first, second = checkpoints("https://example.org/{thousands}k/{step}.pt")
    assert first.address == "https://example.org/5k/5000.pt" and second.reader == ("checkpoint", "m/10000")
    # Another address, another file: what came from the one is never taken for the other.
    assert first.path.endswith("/5000.pt") and first.path != checkpoints("https://example.org/other/{step}.pt")[0].path
    assert checkpoints("https://example.org/{step:07d}.pt")[0].address == "https://example.org/0005000.pt"
    first, _ = checkpoints("xlmr_replica")
    assert first.path == "models/xlmr_replica/5000.pt"
    assert not first.address and "download the checkpoint of step 5000 from https://nlp.cs.washington.edu" in first.obtain
    assert checkpoints("suites/{step}.pt") == []
    with pytest.raises(ConfigError, match=r"config key models.m.fairseq.checkpoints: found 'ftp://a/5000.pt', expected an http"):
        checkpoints("ftp://a/{step}.pt")


def test_a_tokenizer_is_a_source_an_address_or_a_path(tmp_path):
    def tokenizer(model):
        return needs(run(tokenizer={"model": model}))[4:]

    (source,) = tokenizer("xlmr_sentencepiece")
    assert source.path == "tokenizers/xlmr_sentencepiece" and source.bytes == 5069051
    (one,), (other,) = tokenizer("https://a.org/spm.model"), tokenizer("https://b.org/spm.model")
    assert one.address == "https://a.org/spm.model" and one.path != other.path, "one address's file would be taken for the other's"
    put(tmp_path, "spm.model")
    assert tokenizer(str(tmp_path / "spm.model")) == []


def test_a_world_needs_nothing_but_a_tokenizer():
    world = {"languages": {"qaa": {"name": "Arva", "parent": "arvic"}}}
    keys = {"languages": ["qaa"], "treebanks": ["qaa_world"], "world": world}
    assert needs(run(**keys)) == [] and len(needs(run(**keys, tokenizer={"model": "xlmr_sentencepiece"}))) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("xlmr_sentencpiece", r"config key k: 'xlmr_sentencpiece' is no source and .*; did you mean 'xlmr_sentencepiece'\?"),
        ("none/at/all.model", r"config key k: 'none/at/all.model' is no source and there is no such file; name a source"),
        ("ftp://a.org/x", r"config key k: found 'ftp://a.org/x', expected an http or https address"),
        ("cc100", r"config key k: source 'cc100' is a set of files, told apart by language; name another"),
    ],
)
def test_what_leads_nowhere_is_refused(value, message):
    with pytest.raises(ConfigError, match="^" + message):
        locate(value, "k")


def test_a_source_of_many_files_is_found_by_its_fields():
    assert locate("xlmr_replica", "k", ["step"]).source.obtain.format(step=5000).startswith("download the checkpoint of step 5000 from")


# Where each file comes from.


def test_without_a_data_folder_all_is_downloaded(places):
    assert list(places(None).values()) == [DOWNLOAD, ARCHIVE, ARCHIVE, ARCHIVE]
    plan = plan_of(places)
    assert [*plan.downloads] == ["cc100/en.txt.xz", "downloads/ud-treebanks-v2.18.tgz"]
    assert [*plan.archives] == ["downloads/ud-treebanks-v2.18.tgz"] and [*plan.members] == [UD.format(s) for s in ("train", "dev", "test")]


def test_the_data_folder_comes_before_a_download_plain_or_compressed(places):
    put(places.data, "cc100/en.txt.zst", *(UD.format(split) + ".xz" for split in ("train", "dev", "test")))
    assert set(places().values()) == {FOLDER} and [*places()][:2] == ["cc100/en.txt.zst", UD.format("train") + ".xz"]


def test_what_is_there_comes_first_and_is_not_made_again(places):
    put(places.own, "cc100/en.txt.xz")
    put(places.data, "cc100/en.txt.xz")
    assert places()["cc100/en.txt.xz"] == THERE and "cc100/en.txt.xz" not in plan_of(places, places.data).links


def test_the_splits_in_the_data_folder_are_the_treebanks(places):
    put(places.data, UD.format("test"), UD.format("train"))
    assert [path for path in places() if "ud/" in path] == [UD.format("train"), UD.format("test")]


def test_links_of_a_killed_run_do_not_make_a_treebank_smaller(places):
    put(places.data, *(UD.format(split) for split in ("train", "dev", "test")))
    link_file(places.data / UD.format("test"), places.own / UD.format("test"))
    assert places(None) == places(places.data) and [*places(None).values()][1:] == [FOLDER, FOLDER, THERE]


def test_a_treebank_that_began_as_a_download_goes_on_as_one(places):
    put(places.own, "downloads/a.tgz.unpacked/test")
    link_file(places.own / "downloads/a.tgz.unpacked/test", places.own / UD.format("test"))
    put(places.data, UD.format("train"), UD.format("dev"))
    assert [*places().values()][1:] == [ARCHIVE, ARCHIVE, THERE]


def test_a_treebank_without_a_test_set_is_refused(places):
    put(places.data, UD.format("train"))
    with pytest.raises(XlprobeError, match=r"the test set of treebank 'en_ewt' is missing beside .*en_ewt-ud-train.conllu; add it"):
        places()
    put(places.own, UD.format("test"))
    assert len(places()) == 3


def test_a_treebank_whose_train_set_is_missing_is_refused_and_a_parallel_one_has_none(places):
    put(places.data, UD.format("test"), UD.format("dev"))
    message = r"the train set of treebank 'en_ewt' is missing beside .*-ud-dev.conllu; add it, move that away, or take the treebank out of"
    with pytest.raises(XlprobeError, match=message):
        places()
    put(places.data, UD.format("train"), "ud/UD_English-PUD/en_pud-ud-test.conllu")
    assert [*places(treebanks=["en_ewt", "en_pud"]).values()][1:] == [FOLDER] * 4


def test_members_of_an_unpacked_archive_are_linked_without_unpacking_it_again(places):
    archive = "downloads/ud-treebanks-v2.18.tgz"
    put(places.own, f"{archive}.unpacked/ud-treebanks-v2.18/UD_English-EWT/en_ewt-ud-test.conllu")
    assert archive in plan_of(places).archives, "a folder without a record is not finished"
    write_json(places.own / f"{archive}.json", {})
    assert plan_of(places).archives == {} and [*plan_of(places).downloads] == ["cc100/en.txt.xz"]


def test_an_archive_put_there_by_hand_is_unpacked_and_not_downloaded(places):
    put(places.own, "downloads/ud-treebanks-v2.18.tgz")
    plan = plan_of(places)
    assert [*plan.archives] == ["downloads/ud-treebanks-v2.18.tgz"] and [*plan.downloads] == ["cc100/en.txt.xz"]


def test_the_sources_of_another_run_are_a_data_folder(places):
    archive, member = "downloads/ud-treebanks-v2.18.tgz", "ud-treebanks-v2.18/UD_English-EWT/en_ewt-ud-{}.conllu"
    put(places.data, "cc100/en.txt.xz", *(f"{archive}.unpacked/{member.format(split)}" for split in ("train", "dev", "test")))
    write_json(places.data / f"{archive}.json", {})
    assert set(places().values()) == {FOLDER}
    assert plan_of(places, places.data).links[UD.format("dev")] == places.data / f"{archive}.unpacked" / member.format("dev")


def test_xtremes_layout_is_taken_where_the_data_folder_has_it(places):
    put(places.data, "xnli/train-en.tsv.xz", "xnli/test-en.tsv.xz")
    with pytest.raises(XlprobeError, match=r"^xnli/dev-en.tsv is missing beside .*/xnli/train-en.tsv.xz; add it, or move that away$"):
        places(xnli=["en"])
    put(places.data, "xnli/dev-en.tsv.xz")
    assert [*places(xnli=["en"])][-3:] == ["xnli/train-en.tsv.xz", "xnli/dev-en.tsv.xz", "xnli/test-en.tsv.xz"]
    assert list(places(None, xnli=["en"]).values())[-3:] == [ARCHIVE] * 3
    # What began as published goes on so: the folder's files may be others.
    official = ["xnli/XNLI-1.0/xnli.dev.tsv", "xnli/XNLI-1.0/xnli.test.tsv", "xnli/XNLI-MT-1.0/multinli/multinli.train.en.tsv"]
    put(places.own, *official)
    assert [*places(xnli=["en"]).items()][-3:] == [(path, THERE) for path in official]


def test_xnlis_train_set_may_stand_in_for_xtremes_and_is_tokenized(places):
    put(places.data, "xnli/dev-zh.tsv", "xnli/test-zh.tsv")
    advice = r"XNLI's translated train set may stand in under that name, with datasets.nli_files: {train-zh: tokenized}$"
    with pytest.raises(XlprobeError, match=rf"^xnli/train-zh.tsv is missing beside .*/xnli/dev-zh.tsv; .*{advice}"):
        places(xnli=["zh-Hans"])
    put(places.data, "xnli/train-zh.tsv")
    assert [*places(xnli=["zh-Hans"], datasets={"nli_files": {"train-zh": "tokenized"}}).values()][-3:] == [FOLDER] * 3


def test_nli_pairs_in_a_language_that_xnli_lacks_are_ones_own(places):
    assert list(places(xnli=["fi"]).values())[-3:] == [BY_HAND] * 3
    assert "the train set of inference pairs in language 'fi', which XNLI does not have, was not found" in " ".join(
        plan_of(places, xnli=["fi"]).by_hand.values()
    )
    put(places.data, "xnli/train-fi.tsv", "xnli/dev-fi.tsv", "xnli/test-fi.tsv.gz")
    assert list(places(xnli=["fi"]).values())[-3:] == [FOLDER] * 3


def test_what_has_no_address_is_told_how_to_get(places, monkeypatch):
    monkeypatch.setitem(TABLE, "align_en_fr", replace(TABLE["align_en_fr"], address="", obtain="ask the authors"))
    found = origins.origins(needs(run(alignments=["align_en_fr"])), places.own, None)
    assert [origin.way for origin in found[-2:]] == [BY_HAND, BY_HAND]
    assert origins.plan(found, places.own, None).by_hand["alignments/enfr/enfr.src-tgt"] == (
        "a file of the alignment set 'align_en_fr' was not found and no address of it is known; ask the authors, and put it there as"
        f" {places.own}/alignments/enfr/enfr.src-tgt, or in a folder that data.root or XLPROBE_DATA names, as alignments/enfr/enfr.src-tgt"
    )


@pytest.mark.parametrize(("root", "key"), [("/nowhere", "data.root"), (None, "XLPROBE_DATA")])
def test_a_data_folder_that_is_not_there_is_refused(monkeypatch, root, key):
    monkeypatch.setenv("XLPROBE_DATA", "/nowhere")
    with pytest.raises(XlprobeError, match=f"^{key}: there is no folder /nowhere; correct it, or leave it unset to download"):
        origins.data_folder(root)


def test_a_link_to_another_data_folder_is_refused_and_a_download_is_not(places):
    put(places.data, "cc100/en.txt.xz", "old/en.txt.xz")
    link_file(places.data / "old/en.txt.xz", places.own / "cc100/en.txt.xz")
    with pytest.raises(
        XlprobeError, match=r"en.txt.xz was made from .*old/en.txt.xz, but the data folder now holds .*-type l -delete`.*TARGETS=sources"
    ):
        places()
    # A copy of the same size and time is the same.
    shutil.copy2(places.data / "old/en.txt.xz", places.data / "cc100/en.txt.xz")
    assert places()["cc100/en.txt.xz"] == THERE
    (places.own / "cc100/en.txt.xz").unlink()
    put(places.own, "cc100/en.txt.xz", "downloads/a.tgz.unpacked/test")
    put(places.data, UD.format("test"))
    link_file(places.own / "downloads/a.tgz.unpacked/test", places.own / UD.format("test"))
    assert places()["cc100/en.txt.xz"] == places()[UD.format("test")] == THERE


def test_a_link_that_leads_nowhere_is_refused(places):
    put(places.data, "cc100/en.txt")
    link_file(places.data / "cc100/en.txt", places.own / "cc100/en.txt")
    (places.data / "cc100/en.txt").unlink()
    with pytest.raises(
        XlprobeError, match=r"en.txt leads to .*/data/cc100/en.txt, which is gone; bring that back.*TARGETS=sources"
    ) as caught:
        places(None)
    (command,) = re.findall("`(find .*?)`", str(caught.value))
    subprocess.run(command.split(), check=True)
    assert places(None)["cc100/en.txt.xz"] == DOWNLOAD


def test_a_link_that_several_languages_share_is_counted_once(places):
    names = [f"xnli/XNLI-1.0/xnli.{split}.tsv" for split in ("dev", "test")]
    names += [f"xnli/XNLI-MT-1.0/multinli/multinli.train.{language}.tsv" for language in ("en", "fr")]
    put(places.data, *names)
    for name in names:
        link_file(places.data / name, places.own / name)
        (places.data / name).unlink()
    with pytest.raises(XlprobeError, match="which is gone, and 3 more links to what is gone; bring that back"):
        places(None, xnli=["en", "fr"])


def test_a_data_folder_may_move(places, tmp_path):
    files = [UD.format(split) for split in ("train", "dev", "test")]
    put(places.data, "cc100/en.txt", *files)
    for file in ("cc100/en.txt", *files):
        link_file(places.data / file, places.own / file)
    moved = places.data.rename(tmp_path / "moved")
    with pytest.raises(XlprobeError, match=r"en.txt, which is gone, and 3 more links to what is gone; .* to where it is now") as caught:
        places(moved)
    (command,) = re.findall("`(find .*?)`", str(caught.value))
    subprocess.run(command.split(), check=True)
    assert set(places(moved).values()) == {FOLDER}
    stamp = origins.stamp(moved / files[0])
    os.utime(moved / files[0], (1, 1))
    assert origins.stamp(moved / files[0]) != stamp


# The table.


@pytest.mark.parametrize("source", TABLE.values(), ids=TABLE)
def test_every_source_says_where_it_is_from_and_what_is_not_verified(source):
    assert source.citation and source.licence and source.unverified and source.evidence and source.obtain
    assert not source.address or urlsplit(source.address).scheme == "https"
    assert re.fullmatch("([0-9a-f]{64})?", source.sha256)
    fields = {name for part in (source.address, source.member, source.obtain) for _, name, _, _ in Formatter().parse(part) if name}
    assert fields <= {"language", "language_name", "folder", "file", *PLACEHOLDERS}


def test_archives_land_in_files_of_their_own():
    names = [Path(urlsplit(source.address).path).name for source in TABLE.values() if source.member]
    assert len(names) == len(set(names)) > 4


def test_every_alignment_set_and_release_has_a_source():
    assert set(resource_tables.alignments()) <= set(TABLE)
    assert {f"ud_{release}" for release in ("2.1", "2.5", "2.18")} <= set(TABLE)


def test_a_code_that_fetches_does_not_depend_on_the_table():
    for script in ("download_source.py", "unpack_source.py", "link_source.py"):
        assert not {"resources", "needs", "origins"} & {path.stem for path in reached_modules(PROJECT / "scripts" / script)}


# The list.


def test_the_list_says_how_much_from_where_on_what_terms(places, monkeypatch):
    monkeypatch.setitem(TABLE, "align_en_fr", replace(TABLE["align_en_fr"], address="", obtain="ask the authors"))
    monkeypatch.setattr(resource_tables, "language_facts", lambda column: {"en": "1000000"} if column == "cc100_bytes" else {})
    put(places.data, *(UD.format(split) for split in ("train", "dev", "test")))
    keys = {"languages": ["en", "de"], "treebanks": ["en_ewt", "de_gsd"], "alignments": ["align_en_fr"]}
    found = origins.origins(needs(run(**keys)), places.own, places.data)
    text = source_list(found, origins.plan(found, places.own, places.data), places.own)
    assert (
        "cc100, version 1.0.0 (the Hugging Face loader's): 2 files\n    download: 2 files, 1.0 MB and 1 of unknown size, from https" in text
    )
    assert "ud_2.18, version 2.18: 6 files\n    data folder: 3 files, 1" in text
    assert "    in an archive: 3 files of https://lindat" in text and "v2.18.tgz, download of 684 MB\n" in text
    assert "    licence: one for each treebank" in text and "    not verified: address not contacted" in text
    assert f"    by hand: ask the authors, and put it there: {places.own}/alignments/enfr/enfr.src-tgt\n" in text
    total = "In all 10 files: 3 data folder, 2 download, 3 in an archive, 2 by hand; 3 to download, 685 MB and 1 of unknown size.\n"
    assert text.endswith(total)


def test_the_list_has_checkpoints_too(places):
    fairseq = {"checkpoints": "xlmr_replica", "sentencepiece": "xlmr_sentencepiece"}
    hub = {"repository": "google/multiberts-seed_{seed}-step_{thousands}k"}
    models = {
        "replica": {"steps": [{"from": 5000, "to": 50000, "every": 5000}], "fairseq": fairseq},
        "multi": {"steps": [0, 20000], "seeds": [1, 2], "huggingface": hub},
        "other": {"steps": [1], "huggingface": {"repository": "me/mine"}},
    }
    config = run(models=models, languages=[])
    write_json(places.own.parent / "checkpoints" / "multi" / "seed_2" / "0" / "identity.json", {})
    found = origins.origins(needs(config), places.own, None)
    text = source_list(found, origins.plan(found, places.own, None), places.own, repositories(config))
    assert text.count("    by hand: download the checkpoint of step") == 4 and "    by hand: 6 more like these, and\n" in text
    assert "multi: 4 checkpoints\n    already there: 1\n    download: 3, size unknown, from google/multiberts-seed_{seed}" in text
    assert "    licence: Apache 2.0\n" in text
    assert "other: 1 checkpoint\n    download: 1, size unknown, from me/mine, revision main, on the Hugging Face hub\n" in text
    assert "    licence: not known here; look at its page\n" in text


def test_a_run_that_fetches_nothing_says_what_is_missing(places):
    hub = {"m": {"steps": [1], "huggingface": {"repository": "me/mine"}}}
    for keys, message in (
        ({}, "the CC100 text of language 'en' was not found, and nothing is fetched while data.download is false"),
        (
            {"models": hub, "languages": [], "treebanks": [], "probes": {"tasks": []}},
            r"checkpoint m/1 lies on the Hugging Face hub \(me/mine\)",
        ),
    ):
        config = run(**keys)
        found = origins.origins(needs(config), places.own, None)
        with pytest.raises(XlprobeError, match=message):
            origins.refuse_missing(found, places.own, repositories(config))
    write_json(places.own.parent / "checkpoints" / "m" / "1" / "identity.json", {})
    origins.refuse_missing(found, places.own, repositories(config))
    # Nor does it miss the file that a published checkpoint was made of.
    put(places.own, "tokenizers/xlmr_sentencepiece")
    fairseq = {"checkpoints": "https://example.org/{step}.pt", "sentencepiece": "xlmr_sentencepiece"}
    for step, missing in ((1, False), (2, True)):
        config = run(models={"m": {"steps": [step], "fairseq": fairseq}}, languages=[], treebanks=[], probes={"tasks": []})
        found = origins.origins(needs(config), places.own, None)
        with pytest.raises(XlprobeError, match="the checkpoint of m at step 2 was not found") if missing else nullcontext():
            origins.refuse_missing(found, places.own, repositories(config))


@pytest.mark.parametrize("path", sorted((PROJECT / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_can_be_had(path, tmp_path):
    config = configuration.complete(yaml.safe_load(path.read_text()))
    found = origins.origins(needs(config), tmp_path, None)
    plan = origins.plan(found, tmp_path, None)
    # No address is known of some gold alignments, nor of the replica's checkpoints.
    assert {path.split("/")[0] for path in plan.by_hand} <= {"alignments", "models"}
    assert source_list(found, plan, tmp_path).endswith(".\n")


def test_real_data_are_found_in_the_data_folder(real_data, places):
    keys = {"languages": ["en", "tr"], "treebanks": ["en_ewt", "tr_imst", "tr_pud"], "xnli": ["en", "tr"]}
    assert set(places(real_data, alignments=["align_en_de", "align_en_fr", "align_en_hi", "align_ro_en"], **keys).values()) == {FOLDER}
