"""`make check` on a small run's results: all whole, then one file after another damaged."""

import errno
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from morphology_files import write_morphology, write_vectors

from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.features.extraction import extract_features
from xlprobe.files import sha256
from xlprobe.paths import PROJECT
from xlprobe.probes.linear_probe import ProbeSettings
from xlprobe.probes.training import train_probes
from xlprobe.report.result_checks import check_results
from xlprobe.signatures.covariances import measure_covariances
from xlprobe.signatures.fitting import FitSettings, fit_signatures

RUN = {"world": {"seed": 1}}
FORMS = ("sa", "do", "ra")


@pytest.fixture(scope="module")
def finished(tiny_model, tmp_path_factory) -> Path:
    """Results of one language, checkpoint, dataset and task."""
    folder, text = tmp_path_factory.mktemp("finished"), tiny_model.text
    for part in ("corpus/qaa", "binarized/qaa", "sources/cc100"):
        shutil.copytree(text.folder / part, folder / part)
    # A text that is drawn lies in a folder of its own.
    for part in ("corpus", "binarized"):
        shutil.copytree(text.folder / part / "qaa", folder / part / "half" / "qaa")
    shutil.copytree(text.tokenizer, folder / "tokenizer")
    shutil.copytree(tiny_model.pretraining, folder / "pretrain" / "xlmr", symlinks=True)
    checkpoint = Path(shutil.copytree(tiny_model.checkpoint, folder / "checkpoints" / "xlmr" / "12"))
    shutil.copy(tiny_model.record, checkpoint / "training.json")
    drawn, sentences = np.random.default_rng(1), {}
    for split in ("train", "dev", "test"):
        tags = drawn.choice(["N", "V"], (8, 3)).tolist()
        words = [[Word(f, 3 * n, 3 * n + 2, tag, "_", 0, "_") for n, (f, tag) in enumerate(zip(FORMS, row, strict=True))] for row in tags]
        sentences[split] = [Sentence(str(number), " ".join(FORMS), own) for number, own in enumerate(words)]
    dataset, features, probes = (
        folder / "datasets" / "xx_own",
        folder / "features" / "xlmr" / "12",
        folder / "probes" / "xlmr" / "12" / "pos",
    )
    write_dataset(sentences, dataset, "xx_own", "xx")
    extract_features(checkpoint, [dataset], [features / "xx_own.h5"], [features / "xx_own.audit.parquet"], [], 256, "cpu")
    outputs = probes / "xx_own.h5", probes / "xx_own.safetensors"
    train_probes(features / "xx_own.h5", dataset, "pos", 1, ProbeSettings(1e-2, 8, 1, 1), "cpu", *outputs)
    compare(folder, drawn)
    return folder


def compare(folder: Path, drawn: np.random.Generator) -> None:
    """Covariances of two languages, and signatures that are fitted to them."""
    covariances = [folder / "covariances" / "main" / "12" / f"{language}.h5" for language in ("xx", "yy")]
    for path in covariances:
        dataset = write_morphology(folder / "datasets" / f"morph_{path.stem}", path.stem, {"part_of_speech": ["N", "V"] * 4})
        features = [folder / "features" / model / f"morph_{path.stem}.h5" for model in ("xlmr/12", f"{path.stem}/20")]
        for place in features:
            write_vectors(place, dataset, drawn.normal(size=(1, 8, 3)).astype(np.float32), [0])
        of_all_words = folder / "all_words" / path.relative_to(folder / "covariances")
        measure_covariances(*features, dataset, ["part_of_speech"], path, min_instances=2, all_words_output=of_all_words)
    place = folder / "signatures" / "main" / "12"
    outputs = [place / "part_of_speech.h5"], [place / "part_of_speech.parquet"]
    fit_signatures(covariances, ["xx", "yy"], "main", ["part_of_speech"], *outputs, FitSettings(device="cpu"))


@pytest.fixture
def results(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "results", symlinks=True))


def test_whole_results_are_whole(finished):
    report = check_results(finished, RUN)
    assert report.faults == []
    assert report.files == {
        "checkpoints": 6,
        "training records": 1,
        "training states": 1,
        "training identities": 1,
        "validations": 1,
        "kept tokenizers": 5,
        "tokenizers": 5,
        "corpora": 4,
        "counts of corpora": 2,
        "binarized text": 10,
        "datasets": 11,
        "features": 5,
        "probes": 1,
        "covariances": 2,
        "those of all words": 2,
        "signatures": 1,
        "outcomes": 1,
        "tables": 2,
        "sources": 2,
    }
    looked_at = sum(path.stat().st_size for path in finished.rglob("*") if path.is_file() and path.suffix != ".log" and path.name != "lock")
    # The files of the data folder are seen through links, too.
    assert sum(report.bytes.values()) == looked_at


@pytest.mark.parametrize("damage", ["other bytes", "half", "nothing left", "gone"])
def test_each_kind_of_file_is_found_damaged(results, damage):
    """One sentence each, that names the file, and a file to delete that is there."""
    files = [path for path in sorted(results.rglob("*")) if path.is_file() and path.suffix != ".log" and path.name != "lock"]
    # A file that stands for itself is made again where it is gone.
    apart = r"sources|pretrain|corpus|identity\.json|manifest|training\.json|\.parquet|\.safetensors|\.h5|dict\.txt"
    for path in files:
        if damage == "gone" and re.search(apart, str(path.relative_to(results))) and path.name != "model.safetensors":
            continue
        content = path.read_bytes()
        middle = len(content) // 2
        match damage:
            case "other bytes":
                path.write_bytes(content[:middle] + bytes(byte ^ 255 for byte in content[middle : middle + 16]) + content[middle + 16 :])
            case "gone":
                path.unlink()
            case _:
                path.write_bytes(content[:middle] if damage == "half" else b"")
        faults = check_results(results, RUN).faults
        path.write_bytes(content)
        assert any(str(path) in fault for fault in faults), (path, faults)
        for fault in faults:
            assert "\n" not in fault and re.search(r"; (delete|restore)", fault), fault
            named = re.search(r"delete (\S+) to", fault)
            assert named is None or named[1] == "it" or Path(named[1]).exists() or Path(named[1]) == path, fault
    assert check_results(results, RUN).faults == []


def test_a_text_that_was_replaced_is_not_the_one_whose_digest_is_known(results):
    folder = results / "corpus" / "qaa"
    shutil.copy(folder / "train.txt.zst", folder / "valid.txt.zst")
    (fault,) = check_results(results, RUN).faults
    assert fault == (
        f"{folder}/valid.txt.zst: is not the text whose sha256 stands in counts.json; delete {folder}/counts.json to make both again"
    )


def test_what_is_left_over_or_strange_is_named(results):
    checkpoint = results / "checkpoints" / "xlmr" / "12"
    (checkpoint / "pytorch_model.bin").write_bytes(b"")
    (results / "probes" / ".x.h5.machine.abc.part").write_bytes(b"")
    stray, left = sorted(check_results(results, RUN).faults)
    assert stray == f"{checkpoint}/pytorch_model.bin: is none of the checkpoint's files, and may be read in their place; delete it"
    assert left.startswith(f"{results}/probes/.x.h5.machine.abc.part: was left by a job that was killed") and left.endswith(
        "delete it when none runs"
    )


def test_a_file_that_cannot_be_read_is_a_fault_beside_others(results, monkeypatch):
    dataset = results / "datasets" / "xx_own"
    (dataset / "words.parquet").write_bytes(b"")

    def failing(path):
        if path.name == "model.safetensors":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return sha256(path)

    def failing_seal(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("xlprobe.report.result_checks.sha256", failing)
    monkeypatch.setattr("xlprobe.report.result_checks.check_seal", failing_seal)
    report = check_results(results, RUN)
    weights, words, *tables = report.faults
    assert weights.endswith(
        "/12/model.safetensors: cannot be read (Permission denied); expected a file that you may read, on a disk that works"
    )
    assert words.startswith(f"{dataset}/words.parquet: is damaged") and report.files["checkpoints"] == 5
    assert len(tables) == 2 and all("parquet: cannot be read (Input/output error)" in table for table in tables)


def test_a_record_that_says_nothing_is_reported_once(results):
    for content in ("[]", "{}", '{"files": 3}', "{"):
        (results / "checkpoints" / "xlmr" / "12" / "identity.json").write_text(content)
        (fault,) = check_results(results, RUN).faults
        assert "/12/identity.json: " in fault or "/12/identity.json:1: " in fault


def test_of_sources_without_a_digest_what_has_a_checksum_inside_is_read_and_the_rest_is_not_called_whole(results):
    folder = results / "sources" / "own"
    folder.mkdir()
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        archive.writestr("a.txt", "text " * 100)
    with tarfile.open(folder / "set.tar", "w") as archive:
        archive.add(folder / "set.zip", "set.zip")
    report = check_results(results, RUN)
    assert (report.files["sources"], report.unvouched, report.faults) == (3, 1, [])
    assert [*report.lines()][-1].endswith("; not known, since nothing vouches for them: 1; faults: 0")
    (folder / "set.zip").write_bytes((folder / "set.zip").read_bytes().replace(b"text", b"TEXT", 1))
    (fault,) = check_results(results, RUN).faults
    said = r"/own/set\.zip: cannot be read as a zip archive \(BadZipFile: a\.txt has .*\); delete it to get it again"
    assert re.search(said, fault)


def test_a_run_may_be_called_as_a_folder_inside_it(results):
    named = results.rename(results.with_name("datasets"))
    (named / "metrics").mkdir()
    table = shutil.copy(next(named.glob("features/**/*.parquet")), named / "metrics" / "all.parquet")
    assert check_results(named, RUN).files["tables"] == 3
    table.write_bytes(b"")
    assert len(check_results(named, RUN).faults) == 1


def test_results_that_are_not_there_are_said_to_be(tmp_path):
    with pytest.raises(XlprobeError, match=r"demo: no such folder; nothing has been made with this configuration yet"):
        check_results(tmp_path / "demo", RUN)


def test_the_script_ends_with_a_count_and_a_fault_a_line(results, tmp_path):
    (tmp_path / "results" / "tiny").mkdir()
    for part in [path for path in results.iterdir() if path.name != "tiny"]:
        part.rename(results / "tiny" / part.name)

    (tmp_path / "results" / "tiny" / "features" / "xlmr" / "12" / "xx_own.h5").write_bytes(b"")
    command = [sys.executable, PROJECT / "scripts" / "check_results.py", "--configuration", PROJECT / "config" / "tiny.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and re.search(r"^whole: 62 files, .*; faults: 1$", done.stdout.splitlines()[-1])
    assert re.fullmatch(r"error: results/tiny/features/xlmr/12/xx_own\.h5: .*; delete it, and it is made again\n", done.stderr)


def test_the_script_starts_without_torch():
    code = "import sys, xlprobe.report.result_checks; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": str(PROJECT / "scripts")})
