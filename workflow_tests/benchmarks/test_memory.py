"""The memory that a treebank of 1.2 million words and XNLI take, command line by command line, in vectors of 768 dimensions.

Peaks are of resident memory, each of a process of its own.
"""

import lzma
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from feature_files import open_features
from script_costs import cost
from suites import new_model, word_piece_tokenizer

from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.checkpoints.from_huggingface import publish_huggingface

# The sizes of the largest treebanks: words of train, dev and test.
WORDS = {"train": 1_000_000, "dev": 50_000, "test": 150_000}
# XNLI's, in one language.
PAIRS = {"train": 392_702, "dev": 2_490, "test": 5_010}
DIMENSIONS, LAYERS = 768, 2
# MiB: what a job of the rule `probes` asks for.
LIMIT = 6000
PROBES = ["--n-seeds", "5", "--learning-rate", "1e-3", "--batch-size", "256", "--epochs", "1", "--patience", "1", "--device", "cpu"]
TASKS = ("pos", "arc_prediction", "arc_classification")


def peak(script: str, *arguments: object) -> float:
    """The most memory that a script holds, in MiB."""
    return cost(script, *arguments).mebibytes


def scoring_peak(folder: Path) -> float:
    """The memory of scoring outcomes, o.h5, with the totals in b.h5."""
    written = ["--joined", folder / "joined.h5", "--output", folder / "scores.parquet"]
    return peak("score_checkpoint", "--outcomes", folder / "o.h5", "--baselines", folder / "b.h5", *written, "--resamples", 1000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of a few GB that goes when the benchmark is over."""
    folder = tmp_path_factory.mktemp("memory")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def peaks(real_data, folder) -> dict[str, float]:
    """The peak of each command line on sentences of English EWT, again and again."""
    files = []
    for split, words in WORDS.items():
        with lzma.open(real_data / "ud" / "UD_English-EWT" / f"en_ewt-ud-{split}.conllu.xz", "rt", encoding="utf-8") as file:
            text = file.read()
        times = -(-words // len(re.findall(r"^\d+\t", text, flags=re.M)))
        files.append(folder / f"en_large-ud-{split}.conllu")
        with files[-1].open("w", encoding="utf-8") as file:
            file.writelines([text] * times)
    dataset, features = folder / "en_large", folder / "features.h5"
    built = ["--files", *files, "--folder", dataset, "--dataset", "en_large", "--language", "en", "--dev-fraction", 0.1]
    found = {"build_treebank": peak("build_treebank", *built)}
    assert write_vectors(features, dataset, LAYERS) >= 1_200_000
    on_dataset = ["--features", features, "--dataset", dataset]
    for task in TASKS:
        weights = folder / f"{task}.safetensors"
        # Portions of the data take long, and no more memory than the control task.
        controls = ["--control-tasks", task, *(["--description-lengths", task] if task == "pos" else [])]
        asked = ["--tasks", task, "--layers", "all", *controls, "--outcomes", folder / "o.h5", "--weights", weights]
        found[f"train_probes {task}"] = peak("train_probes", *on_dataset, *asked, *PROBES)
        guessed = ["--dataset", dataset, "--task", task, "--output", folder / "b.h5"]
        found[f"measure_baselines {task}"] = peak("measure_baselines", *guessed)
        found[f"score_checkpoint {task}"] = scoring_peak(folder)
        transferred = [*on_dataset, "--task", task, "--weights", weights, "--output", folder / "t.h5"]
        found[f"transfer_probes {task}"] = peak("transfer_probes", *transferred, "--predictions", folder / "p.parquet")
    return found


def write_vectors(path: Path, dataset: Path, layers: int) -> int:
    """A features file of random vectors, the same again and again; how many."""
    units = int(read_sentences(dataset)["words"].sum())
    block = np.random.default_rng(1).standard_normal((50_000, DIMENSIONS), dtype=np.float32).astype(np.float16)
    with open_features(path, dataset, list(range(layers))) as file:
        vectors = file.create_dataset("vectors", (layers, units, DIMENSIONS), dtype=np.float16)
        for layer in range(layers):
            for start in range(0, units, len(block)):
                vectors[layer, start : start + len(block)] = block[: units - start]
    return units


def test_a_treebank_of_1_2_million_words_takes_no_more_than_a_job_asks_for(peaks):
    print("\n" + "\n".join(f"{step}: {mebibytes:,.0f} MiB" for step, mebibytes in peaks.items()))
    # Vectors of one layer are held, so the probes' figure says that the whole of it was read.
    assert min(value for step, value in peaks.items() if step.startswith("train_probes")) > sum(WORDS.values()) * DIMENSIONS * 2 / 2**20
    assert max(peaks.values()) < LIMIT, peaks


def test_xnli_takes_no_more_than_a_job_asks_for(real_data, folder):
    """Real pairs again and again, each time with another number at their ends; extracted by a small model, probed at one layer."""
    files = []
    for split, count in PAIRS.items():
        lines = lzma.decompress((real_data / "xnli" / f"{split}-en.tsv.xz").read_bytes()).decode().rstrip("\n").split("\n")
        files.append(folder / f"{split}-en.tsv")
        with files[-1].open("w", encoding="utf-8") as file:
            for number in range(count):
                premise, hypothesis, label = lines[number % len(lines)].split("\t")
                again = f" {number // len(lines)}"
                file.write(f"{premise}{again}\t{hypothesis}{again}\t{label}\n")
    dataset, small, features, weights = folder / "xnli_en", folder / "small.h5", folder / "features.h5", folder / "xnli.safetensors"
    named = ["--dataset", "xnli_en", "--language", "en", "--xnli-language", "en"]
    found = {"build_nli": peak("build_nli", "--files", *files, "--folder", dataset, *named)}
    checkpoint = small_checkpoint(folder, lines)
    extracted = ["--datasets", dataset, "--outputs", small, "--audit-outputs", folder / "audit.parquet", "--tokens-per-batch", 8192]
    found["extract_features"] = peak("extract_features", "--checkpoint", checkpoint, *extracted, "--device", "cpu")
    sentences = write_vectors(features, dataset, 1)
    with FeatureFile(small) as of_model:
        assert len(of_model.layer(0)) == sentences
    on_dataset = ["--features", features, "--dataset", dataset]
    asked = ["--tasks", "xnli", "--layers", "all", "--outcomes", folder / "o.h5", "--weights", weights]
    found["train_probes"] = peak("train_probes", *on_dataset, *asked, *PROBES)
    found["measure_baselines"] = peak("measure_baselines", "--dataset", dataset, "--task", "xnli", "--output", folder / "b.h5")
    found["score_checkpoint"] = scoring_peak(folder)
    transferred = [*on_dataset, "--task", "xnli", "--weights", weights, "--output", folder / "t.h5"]
    found["transfer_probes"] = peak("transfer_probes", *transferred)
    print("\n" + "\n".join(f"{step}: {mebibytes:,.0f} MiB" for step, mebibytes in found.items()))
    on_disk = sum(path.stat().st_size for path in dataset.iterdir())
    print(f"on disk: {features.stat().st_size / 2**20:,.0f} MiB a layer of {sentences:,} sentences, the dataset {on_disk / 2**20:,.0f} MiB")
    # Each premise stands in three pairs, and is held once.
    assert sentences < 1.4 * sum(PAIRS.values()) and max(found.values()) < LIMIT, found


def small_checkpoint(folder: Path, lines: list[str]) -> Path:
    """A published model of few dimensions, its tokenizer trained on these lines."""
    tokenizer = word_piece_tokenizer(lines, 2000)
    written = folder / "suite"
    new_model("bert", tokenizer).save_pretrained(written)
    tokenizer.save_pretrained(written)
    publish_huggingface(written, folder / "checkpoint", "m", None, 0, "masked", "suite", [])
    return folder / "checkpoint"
