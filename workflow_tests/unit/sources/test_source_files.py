"""What a run reads of its `sources/`."""

import pytest
import yaml
from conftest import tiny_configuration

from xlprobe.errors import ConfigError
from xlprobe.sources.downloads import Upstream
from xlprobe.sources.source_files import SourceFiles
from xlprobe.study.config import complete
from xlprobe.study.plan import Study

RUN = """
experiment: read
data: {{root: {folder}/data}}
tokenizer: {{model: {folder}/sp.model}}
languages: [en]
treebanks: [en_ewt]
alignments: [align_en_fr]
xnli: [en]
datasets: {{nli_text: tokenized}}
models:
  published: {{steps: [1], huggingface: {{folder: "{folder}/step_{{step}}"}}}}
  hub: {{steps: [3], huggingface: {{repository: org/name, revision: "v{{step}}"}}}}
  saved: {{steps: [5], fairseq: {{checkpoints: "{folder}/c_{{step}}.pt", sentencepiece: {folder}/sp.model}}}}
  fetched: {{steps: [5], fairseq: {{checkpoints: "https://example.org/{{step}}.pt", sentencepiece: "https://example.org/sp.model"}}}}
"""


@pytest.fixture
def files(tmp_path):
    """A run of a data folder and four suites: here and on the hub, saved by fairseq here and at an address."""
    for name in ("data/ud/UD_English-EWT/en_ewt-ud-train.conllu", "data/ud/UD_English-EWT/en_ewt-ud-test.conllu", "data/cc100/en.txt.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    (tmp_path / "sp.model").touch()
    return SourceFiles.of(Study(complete(yaml.safe_load(RUN.format(folder=tmp_path)))), tmp_path / "results")


def inside(files, paths):
    return [path.removeprefix(f"{files.folder}/") for path in paths]


def test_a_world_publishes_all_that_its_run_reads(tmp_path):
    files = SourceFiles.of(Study(tiny_configuration()), tmp_path)
    assert inside(files, files.corpus("qaa")) == ["cc100/qaa.txt.xz"]
    assert inside(files, files.treebank("qba_pud")) == ["ud/UD_Ketta-PUD/qba_pud-ud-test.conllu"]
    assert inside(files, files.bitext("align_qaa_qba"))[-1] == "alignments/qaa_qba/qaa_qba.gold"
    assert inside(files, files.nli("xnli_qaa")) == [f"xnli/{split}-qaa.tsv" for split in ("train", "dev", "test")]
    assert inside(files, files.nli("xnli_qaa_test")) == ["xnli/test-qaa.tsv"]
    assert files.form_arguments("xnli_qaa_test") == ["--text-form", "raw", "--forms", "raw"]
    assert files.tokenizer() == [] and files.fetched == set() and files.outside([], files.corpus("qaa")) == {}


def test_files_are_those_of_the_data_folder_and_of_upstream(files, tmp_path):
    assert inside(files, files.corpus("en")) == ["cc100/en.txt.gz"]
    assert inside(files, files.treebank("en_ewt")) == [f"ud/UD_English-EWT/en_ewt-ud-{split}.conllu" for split in ("train", "test")]
    assert inside(files, files.nli("xnli_en"))[2] == "xnli/XNLI-MT-1.0/multinli/multinli.train.en.tsv"
    assert files.form_arguments("xnli_en") == ["--text-form", "tokenized", "--forms", *["tokenized"] * 3]
    assert files.outside(["en"], files.corpus("en")) == {"cc100/en.txt.gz": tmp_path / "data" / "cc100" / "en.txt.gz"}
    assert files.link_arguments("cc100/en.txt.gz") == ["--source", str(tmp_path / "data" / "cc100" / "en.txt.gz")]
    archive = files.link_arguments("xnli/XNLI-1.0/xnli.dev.tsv")[1]
    assert files.unpacked("xnli/XNLI-1.0/xnli.dev.tsv") == [f"{archive}.json"] and files.unpacked("cc100/en.txt.gz") == []


def test_suites_are_read_where_they_lie_or_fetched(files, tmp_path):
    assert files.tokenizer() == files.tokenizer("saved") == [str(tmp_path / "sp.model")]
    assert files.outside(["saved"], files.tokenizer("saved")) == {"saved/sp.model": tmp_path / "sp.model"}
    assert files.suite_folder("hub", 3) == str(files.folder / "models" / "hub" / "3") == files.suite_files("hub", 3)[0]
    assert files.study.runs["hub"].published_at(3) == "org/name@v3"
    assert files.study.runs["published"].published_at(1) == files.suite_folder("published", 1) == f"{tmp_path}/step_1"
    (checkpoint,) = inside(files, files.checkpoint("fetched", 5))
    assert files.upstream(checkpoint) == Upstream("https://example.org/5.pt", "", "", size=0)
    assert {checkpoint, "models/hub/3"} <= {*inside(files, files.fetched)}


def test_a_published_checkpoint_is_not_fetched_again(files):
    (checkpoint,) = files.checkpoint("fetched", 5)
    for name in ("fetched/5", "hub/3"):
        folder = files.results / "checkpoints" / name
        folder.mkdir(parents=True)
        (folder / "identity.json").touch()
    assert not files.fetched & {checkpoint, str(files.folder / "models" / "hub" / "3")}
    again = SourceFiles.of(files.study, files.results)
    assert checkpoint.removeprefix(f"{files.folder}/") in again.checkpoint_downloads, "it is not there"


@pytest.mark.parametrize(
    ("read", "key", "advice"),
    [
        (lambda files: files.checkpoint("saved", 5), "models.saved.fairseq.checkpoints", ", or take step 5 out of the model's steps"),
        (
            lambda files: files.suite_files("published", 1),
            "models.published.huggingface.folder",
            ", or take step 1 out of the model's steps",
        ),
    ],
)
def test_a_place_with_nothing_is_refused(files, read, key, advice):
    with pytest.raises(ConfigError) as caught:
        read(files)
    assert str(caught.value).startswith(f"config key {key}: there is no /") and str(caught.value).endswith(f"; correct it{advice}")
