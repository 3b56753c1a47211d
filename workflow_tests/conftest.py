"""What the tests share: the real data where it is, a tiny pretrained model, a complete tiny run."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import speed_claims
import yaml
from planted_tables import write_planted_run
from projects import Project
from upstream_server import UpstreamServer
from warm_python import warm_python

from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.checkpoints.from_fairseq import publish_trained
from xlprobe.corpus.binarization import binarize_language
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.corpus.tokenization import CleanedCorpus, build_tokenizer, train_sentencepiece
from xlprobe.paths import PROJECT
from xlprobe.pretraining.intervals import PretrainingRun, train_interval
from xlprobe.study import config as configuration
from xlprobe.world.publication import write_world


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End `make bench` in the table of what it measured."""
    for line in speed_claims.table():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests on it skip where XLPROBE_DATA is unset."""
    root = os.environ.get("XLPROBE_DATA")
    if not root:
        pytest.skip("XLPROBE_DATA is unset: no real data to test on")
    return Path(root)


@pytest.fixture(scope="session")
def planted_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run whose true values are known, but for checkpoints and probes; nothing may change them."""
    results = tmp_path_factory.mktemp("planted")
    write_planted_run(results)
    return results


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[UpstreamServer]:
    """A server on loopback that publishes what a test gives it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = UpstreamServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


def tiny_configuration() -> dict[str, Any]:
    """`config/tiny.yaml`, defaults filled in."""
    return configuration.complete(yaml.safe_load((PROJECT / "config" / "tiny.yaml").read_text()))


@dataclass(frozen=True)
class TinyText:
    """The tiny world's two corpora, cleaned, tokenised and binarised, in one folder laid out as a run's results."""

    folder: Path
    languages: tuple[str, ...] = ("qaa", "qba")

    def corpus(self, language: str) -> CleanedCorpus:
        return CleanedCorpus(self.folder / "corpus" / language / "train.txt.zst", self.folder / "corpus" / language / "counts.json")

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer"

    def run(self, folder: Path, training: dict[str, Any] | None = None, execution: dict[str, Any] | None = None) -> PretrainingRun:
        """A training of the tiny configuration's model, with settings of its own."""
        model = tiny_configuration()["models"]["xlmr"]["pretrain"]
        return PretrainingRun(
            folder=folder,
            dictionary=self.tokenizer / "dict.txt",
            languages={language: self.folder / "binarized" / language for language in self.languages},
            architecture=model["architecture"],
            training=model["training"] | (training or {}),
            execution=model["execution"] | (execution or {}),
        )


def prepared_text(folder: Path) -> TinyText:
    """The corpora of `sources/cc100` in a folder, ready for pretraining there."""
    text = TinyText(folder)
    for language in text.languages:
        corpus = folder / "corpus" / language
        (source,) = (folder / "sources" / "cc100").glob(f"{language}.txt*")
        clean_corpus(source, corpus / "train.txt.zst", corpus / "valid.txt.zst", corpus / "counts.json", language, 0.1, 1000)
    model = text.tokenizer / SENTENCEPIECE_FILE
    train_sentencepiece([text.corpus(language) for language in text.languages], model, 300, 0.3, 4000, 0.9995, 1)
    build_tokenizer(model, text.tokenizer)
    for language in text.languages:
        corpus, target = folder / "corpus" / language, folder / "binarized" / language
        binarize_language(corpus / "train.txt.zst", corpus / "valid.txt.zst", model, target, target / "manifest.json", 1)
    return text


@pytest.fixture(scope="session")
def tiny_text(tmp_path_factory: pytest.TempPathFactory) -> TinyText:
    """The tiny world's text, ready for pretraining."""
    folder = tmp_path_factory.mktemp("tiny")
    write_world(tiny_configuration()["world"], folder / "sources", folder / "sources" / "world.x.json", 1)
    return prepared_text(folder)


@dataclass(frozen=True)
class TinyModel:
    """A tiny model's training folder and its checkpoint after 12 updates, as a Hugging Face folder."""

    text: TinyText
    pretraining: Path
    record: Path
    checkpoint: Path
    step: int = 12


@pytest.fixture(scope="session")
def tiny_model(tiny_text: TinyText) -> TinyModel:
    """A tiny model, trained and published."""
    pretraining = tiny_text.folder / "pretrain"
    record, checkpoint = tiny_text.folder / "training.json", tiny_text.folder / "checkpoint"
    train_interval(tiny_text.run(pretraining), "xlmr", 12, None, record)
    publish_trained(pretraining, record, tiny_text.tokenizer, checkpoint, "xlmr", None, [])
    return TinyModel(tiny_text, pretraining, record, checkpoint)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a run's jobs start with their imports behind them."""
    with warm_python(tmp_path_factory.mktemp("warm")) as environment:
        yield environment


@pytest.fixture(scope="session")
def finished_run(warm: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which config/tiny.yaml has been made from nothing; tests copy it before they change it."""
    project = Project(tmp_path_factory.mktemp("run") / "project")
    project.snakemake("--configfile", "config/tiny.yaml", "--quiet", "all", environment=warm)
    return project


@pytest.fixture
def project(finished_run: Project, tmp_path: Path) -> Project:
    """A copy of the finished run that a test may change."""
    return finished_run.copy(tmp_path / "project")
