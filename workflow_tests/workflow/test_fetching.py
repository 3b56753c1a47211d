"""A run that fetches its own inputs, from a server on loopback that publishes a world as others publish real data."""

import gzip
import io
import re
import shutil
import subprocess
import tarfile
import zipfile
from hashlib import sha256
from itertools import repeat
from pathlib import Path

import pytest
import yaml
from conftest import Project, tiny_configuration
from upstream_server import Answer, UpstreamServer

from xlprobe.artifacts.dataset_folder import read_pairs, read_sentences
from xlprobe.files import read_json
from xlprobe.study.resource_tables import language_facts, sources
from xlprobe.world.publication import write_world

RELEASE = "ud-treebanks-v2.18"
CONFIG = {
    "experiment": "fetched",
    "languages": ["en"],
    "corpus": {"valid_fraction": 0.1},
    "models": {"m": {"steps": [0], "pretrain": {}}},
    "treebanks": ["en_ewt"],
}
CORPUS, TREEBANK = "results/fetched/corpus/{}/counts.json", "results/fetched/datasets/{}/identity.json"
TARGETS = (CORPUS.format("en"), TREEBANK.format("en_ewt"))
# What the world's files are published as.
PUBLISHED = {"qaa": ("en", "UD_English-EWT", "en_ewt"), "qba": ("de", "UD_German-GSD", "de_gsd")}


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(tiny_configuration()["world"], folder, folder / "world.x.json", 1)
    return folder


def release(world: Path) -> bytes:
    """The world's treebanks as an archive of Universal Dependencies."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for code, name in (("qaa", "Arva"), ("qba", "Ketta")):
            _, folder, treebank = PUBLISHED[code]
            for file in (world / "ud" / f"UD_{name}-World").iterdir():
                tar.add(file, f"{RELEASE}/{folder}/{file.name.replace(f'{code}_world', treebank)}")
    return written.getvalue()


@pytest.fixture
def fetching(world, upstream: UpstreamServer, tmp_path, monkeypatch) -> Project:
    """A project whose table of sources leads to the server; the corpora's connection drops once."""
    monkeypatch.setenv("XLPROBE_DATA", "")
    project, archive = Project(tmp_path / "project"), release(world)
    for code, (language, _, _) in PUBLISHED.items():
        upstream.publish(f"cc-100/{language}.txt.xz", (world / "cc100" / f"{code}.txt.xz").read_bytes(), Answer(cut=1000))
        project.edit("resources/languages.tsv", f"\t{language_facts('cc100_bytes')[language]}\t", "\t\t")
    address = upstream.publish(f"{RELEASE}.tgz", archive)
    project.edit("resources/sources.tsv", "https://data.statmt.org", upstream.address)
    project.edit("resources/sources.tsv", sources()["ud_2.18"].address, address)
    project.edit("resources/sources.tsv", sources()["ud_2.18"].sha256, sha256(archive).hexdigest())
    write(project, CONFIG)
    return project


def write(project: Project, config: dict) -> None:
    (project.folder / "run.yaml").write_text(yaml.safe_dump(config))


def make(project: Project, *targets: str, **options) -> str:
    return project.snakemake(*targets, "--show-failed-logs", "--configfile", "run.yaml", **options)


def planned(project: Project, *targets: str) -> dict[str, int]:
    return project.planned(*targets, "--configfile", "run.yaml")


def test_a_run_fetches_what_it_needs_and_nothing_twice(fetching, upstream, world):
    make(fetching, *TARGETS)
    own = fetching.folder / "results/fetched/sources"
    assert (own / "cc100/en.txt.xz").read_bytes() == (world / "cc100/qaa.txt.xz").read_bytes()
    assert (own / "ud/UD_English-EWT/en_ewt-ud-train.conllu").resolve().is_relative_to(own / f"downloads/{RELEASE}.tgz.unpacked")
    assert read_json(fetching.folder / TREEBANK.format("en_ewt"))["sentences"] == {"train": 100, "dev": 60, "test": 60}
    lock = (fetching.folder / "resources/sources.lock.tsv").read_text()
    assert f"{upstream.address}/cc-100/en.txt.xz\t" in lock and RELEASE not in lock, "a published digest needs no lock"

    # Finished, it needs no server any more.
    asked = len(upstream.asked)
    assert planned(fetching, *TARGETS) == {} and planned(fetching, "sources") == {}

    # A treebank and a language more make themselves, and no finished dataset again; the archive is there.
    write(fetching, CONFIG | {"treebanks": ["en_ewt", "de_gsd"], "languages": ["de", "en"]})
    more = [*TARGETS, CORPUS.format("de"), TREEBANK.format("de_gsd")]
    assert planned(fetching, *more) == {"link_source": 3, "treebank": 1, "download_source": 1, "clean_corpus": 1}
    make(fetching, *more)
    assert [path for path, _ in upstream.asked[asked:]] == ["/cc-100/de.txt.xz"] * 2
    assert planned(fetching, *more) == {}

    # Neither does a source more in the table, nor an edit of the code that fetches.
    with (fetching.folder / "resources/sources.tsv").open("a") as table:
        table.write("new" + "\t" * 12 + "\n")
    fetching.edit("scripts/xlprobe/sources/downloads.py", "MAX_ATTEMPTS = 6", "MAX_ATTEMPTS = 7")
    assert planned(fetching, *more) == {}

    # An archive can be deleted once it is unpacked.
    (own / f"downloads/{RELEASE}.tgz").unlink()
    assert planned(fetching, *more) == {}

    # Another run reads them where they are.
    other = {"experiment": "other", "data": {"root": "results/fetched/sources"}, "languages": ["de"], "treebanks": ["de_gsd"]}
    write(fetching, CONFIG | other)
    assert planned(fetching, "sources") == {"link_source": 4, "sources": 1}


def test_a_run_on_a_data_folder_needs_it_once(fetching, upstream, world, tmp_path):
    data = tmp_path / "data"
    for code, (language, folder, treebank) in PUBLISHED.items():
        for source in [*world.glob(f"cc100/{code}.txt.xz"), *world.glob(f"ud/*/{code}_world-*")]:
            name = source.name.replace(f"{code}_world", treebank).replace(code, language)
            target = data / ("cc100" if source.parent.name == "cc100" else f"ud/{folder}") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    make(fetching, *TARGETS, environment={"XLPROBE_DATA": str(data)})
    assert upstream.asked == [] and planned(fetching, *TARGETS) == {}
    write(fetching, CONFIG | {"data": {"root": str(data)}, "treebanks": ["en_ewt", "de_gsd"]})
    assert planned(fetching, *TARGETS, TREEBANK.format("de_gsd")) == {"link_source": 3, "treebank": 1}

    # Where it is gone the advice leads out: moved, it makes nothing again; another file in it makes again what was made of the old one.
    moved = data.rename(tmp_path / "moved")
    write(fetching, CONFIG | {"data": {"root": str(moved)}})
    delete_links(fetching)
    assert planned(fetching, *TARGETS) == {}
    (moved / "cc100/en.txt.xz").write_bytes((moved / "cc100/de.txt.xz").read_bytes())
    assert planned(fetching, *TARGETS) == {"link_source": 1, "clean_corpus": 1}
    make(fetching, TARGETS[0])
    # So does another file in another folder, once the links into the old one are deleted.
    other = Path(shutil.copytree(moved, tmp_path / "other"))
    (other / "cc100/en.txt.xz").write_bytes((other / "cc100/en.txt.xz").read_bytes() * 2)
    write(fetching, CONFIG | {"data": {"root": str(other)}})
    delete_links(fetching)
    assert planned(fetching, *TARGETS) == {"link_source": 1, "clean_corpus": 1}


def delete_links(project: Project) -> None:
    """Run the command that the refusal of links says."""
    (command,) = re.findall("`(find .*?)`", make(project, *TARGETS, "-n", check=False))
    subprocess.run(command.split(), cwd=project.folder, check=True)


def test_everything_is_fetched_and_nothing_else(fetching):
    output = make(fetching, "sources")
    assert planned(fetching, "sources") == {} and "clean_corpus" not in output
    assert not (fetching.folder / "results/fetched/corpus").exists()


def tokenized(text: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", text))


def xnli(world: Path) -> dict[str, bytes]:
    """The world's inference pairs as the two archives of XNLI: dev and test sets in both forms, and translated train sets in one."""
    columns = ["language", "gold_label", "sentence1_binary_parse", "sentence1", "sentence2", "sentence1_tokenized", "sentence2_tokenized"]
    files: dict[str, list[list[str]]] = {f"XNLI-1.0/xnli.{split}.tsv": [columns] for split in ("dev", "test")}
    for code, (language, _, _) in PUBLISHED.items():
        for split in ("train", "dev", "test"):
            pairs = [line.split("\t") for line in (world / "xnli" / f"{split}-{code}.tsv").read_text().splitlines()]
            if split == "train":
                rows = [
                    [tokenized(one), tokenized(other), "contradictory" if label == "contradiction" else label]
                    for one, other, label in pairs
                ]
                files[f"XNLI-MT-1.0/multinli/multinli.train.{language}.tsv"] = [["premise", "hypo", "label"], *rows]
            else:
                rows = [[language, label, "( x )", one, other, tokenized(one), tokenized(other)] for one, other, label in pairs]
                files[f"XNLI-1.0/xnli.{split}.tsv"] += rows
    archives = {}
    for name in ("XNLI-1.0", "XNLI-MT-1.0"):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for path, rows in files.items():
                if path.startswith(f"{name}/"):
                    archive.writestr(path, "".join("\t".join(row) + "\n" for row in rows))
        archives[name] = written.getvalue()
    return archives


def test_xnli_is_fetched_and_read_as_published_and_in_one_form(fetching, upstream, world):
    for source, (name, archive) in zip(("xnli", "xnli_mt"), xnli(world).items(), strict=True):
        fetching.edit("resources/sources.tsv", sources()[source].address, upstream.publish(f"{name}.zip", archive))
        fetching.edit("resources/sources.tsv", sources()[source].sha256, sha256(archive).hexdigest())
    # No job starts where the form cannot be had, and following the advice leads out.
    write(fetching, CONFIG | {"xnli": ["de", "en"], "datasets": {"nli_text": "raw", "nli_published": ["de"]}})
    output = make(fetching, "sources", check=False)
    assert "error: config key datasets.nli_text: found 'raw', but xnli/XNLI-MT-1.0/multinli/multinli.train.de.tsv is tokenized" in output
    assert "set it to tokenized or published" in output and "Traceback" not in output and upstream.asked == []
    write(fetching, CONFIG | {"xnli": ["de", "en"], "datasets": {"nli_text": "tokenized", "nli_published": ["de"]}})
    expected = (
        ("qba", "xnli_de", ["train", "dev", "test"], "tokenized"),
        ("qba", "xnli_de_test", ["test"], "tokenized"),
        ("qba", "xnli_de_published", ["train", "dev", "test"], "published"),
        ("qba", "xnli_de_published_test", ["test"], "published"),
        ("qaa", "xnli_en", ["train", "dev", "test"], "tokenized"),
    )
    targets = [TREEBANK.format(dataset) for _, dataset, _, _ in expected]
    make(fetching, *targets)
    assert len(upstream.asked) == 2
    # The default takes the form that all share, which is this one.
    write(fetching, CONFIG | {"xnli": ["de", "en"], "datasets": {"nli_published": ["de"]}})
    assert planned(fetching, *targets) == {}
    datasets = fetching.folder / "results" / "fetched" / "datasets"
    for code, dataset, splits, form in expected:
        text = read_sentences(datasets / dataset)["text"].to_numpy()
        found = [[text[one], text[other], label] for _, one, other, label in read_pairs(datasets / dataset).to_numpy()]
        assert found == [
            [*(tokenized(part) if form == "tokenized" or split == "train" else part for part in pair), label]
            for split in splits
            for *pair, label in map(str.split, (world / "xnli" / f"{split}-{code}.tsv").read_text().splitlines(), repeat("\t"))
        ]
        assert read_json(datasets / dataset / "identity.json")["text_form"] == form
    # What is as published is transferred to what is as published alone, the others to one another.
    jobs = transfer_inputs(fetching)
    assert jobs == {
        "xnli_de_test": {"xnli_de", "xnli_en"}, "xnli_en_test": {"xnli_de", "xnli_en"}, "xnli_de_published_test": {"xnli_de_published"}
    }  # fmt: skip


def transfer_inputs(project: Project) -> dict[str, set[str]]:
    """By target, the sources whose probes are transferred to it, as the commands of a dry run tell."""
    commands = make(project, "results/fetched/metrics/parts/m/0.scores.parquet", "-n", "--printshellcmds")
    found = re.findall(r" --task xnli .*--weights (.*) --output results/fetched/transfer/m/0/xnli/(\w+)\.h5", commands)
    return {target: {*re.findall(r"probes/m/0/xnli/(\w+)\.safetensors", weights)} for weights, target in found}


def test_a_file_of_another_digest_ends_in_one_sentence(fetching, upstream):
    upstream.publish(f"{RELEASE}.tgz", gzip.compress(b"something else", mtime=0))
    output = make(fetching, "sources", check=False)
    assert f"error: {upstream.address}/{RELEASE}.tgz: sha256 is " in output and "Traceback" not in output
    assert not list((fetching.folder / "results/fetched/sources").rglob(f"{RELEASE}*"))


def test_what_is_missing_upstream_says_where_to_put_it(fetching, upstream):
    del upstream.files["/cc-100/en.txt.xz"]
    output = make(fetching, *TARGETS, check=False)
    place = "results/fetched/sources/cc100/en.txt.xz"
    assert "the server answered 404 Not Found (resources/sources.tsv marks it as unverified: address not contacted;" in output
    assert f"put the file at {place} by hand" in output
    (fetching.folder / place).parent.mkdir(parents=True, exist_ok=True)
    (fetching.folder / place).write_bytes(upstream.files["/cc-100/de.txt.xz"].content)
    make(fetching, *TARGETS)


def test_a_tokenizer_is_fetched_by_the_name_of_its_source(fetching):
    write(fetching, CONFIG | {"tokenizer": {"model": "xlmr_sentencepiece"}})
    tokenizer = "results/fetched/tokenizer/tokenizer.identity.json"
    assert planned(fetching, tokenizer) == {"download_source": 1, "tokenizer": 1}, "a given model needs no text"
    write(fetching, CONFIG | {"tokenizer": {"model": "xlmr_sentencpiece"}})
    output = make(fetching, tokenizer, "-n", check=False)
    assert "error: config key tokenizer.model: 'xlmr_sentencpiece' is no source" in output and "Traceback" not in output


def test_the_list_comes_before_the_first_byte(fetching, upstream):
    command = ["python", "scripts/list_sources.py", "--configuration", "run.yaml"]
    done = subprocess.run(command, cwd=fetching.folder, capture_output=True, text=True, check=True)
    assert "In all 4 files: 1 download, 3 in an archive; 2 to download" in done.stdout and upstream.asked == []
