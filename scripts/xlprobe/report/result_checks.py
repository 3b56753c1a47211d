"""Checks everything that a run has made and kept: every byte for which there is a digest or a checksum.

What vouches is a digest or checksum that was written with the file: identities of checkpoints, datasets and tokenizers, manifests
of binarised text, seals of features and of outcomes, checksums of probes, of tables, of training states and of compressed text; of
sources, the table of sources or the lock file. What is missing altogether, Snakemake sees and makes.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlprobe.artifacts.covariance_file import CovarianceFile
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.outcome_file import OutcomeFile
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.artifacts.signature_file import SignatureFile
from xlprobe.artifacts.tables import check_seal
from xlprobe.artifacts.vocabulary import IDENTITY_FILE
from xlprobe.compression import CHUNK_BYTES, check_rest
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN, PART, check_state, check_zip, open_binary, read_json, reading, sha256
from xlprobe.progress import progress
from xlprobe.sources import archives, needs, origins
from xlprobe.sources.downloads import recorded
from xlprobe.sources.source_list import human

# A file that is whole, what is wrong with one, or None for one that nothing vouches for.
Found = Iterator[Path | str | None]


@dataclass
class Report:
    """What was looked at.

    Attributes:
        files, bytes: how many are whole, by kind.
        unvouched: files that came without a digest and have no checksum inside.
        faults: a sentence each.
    """

    files: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    unvouched: int = 0
    faults: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The report as text, the faults left out."""
        for kind, count in self.files.items():
            yield f"{kind:<24}{count:>8} {'file' if count == 1 else 'files':<5}{human(self.bytes[kind]):>10}"
        without = f"not known, since nothing vouches for them: {self.unvouched}; " if self.unvouched else ""
        yield f"whole: {self.files.total()} files, {human(self.bytes.total())}; {without}faults: {len(self.faults)}"


def check_results(results: Path, run: dict[str, Any]) -> Report:
    """Read a run's results whole.

    Args:
        results: the run's folder, `results/<experiment>`.
        run: its completed configuration.

    Raises:
        XlprobeError: there is no such folder.
    """
    if not results.is_dir():
        raise XlprobeError(f"{results}: no such folder; nothing has been made with this configuration yet, so there is nothing to check")
    report = Report()
    work = [
        (kind, path, check)
        for kind, (pattern, check) in CHECKS.items()
        for path in sorted(results.glob(pattern))
        # The tables of datasets are held to their identities, and all other HDF5 files are outcomes.
        if (kind, path.relative_to(results).parts[0]) not in (("tables", "datasets"), *(("outcomes", folder) for folder in NO_OUTCOMES))
    ]
    work += [("sources", path, _source_check(digest)) for path, digest in sorted(_source_digests(results / "sources", run, report).items())]
    for kind, path, check in progress(work, f"checking {results}", "records"):
        try:
            with reading(path, f"what it has to be ({kind})", MAKE_AGAIN):
                for found in check(path):
                    if isinstance(found, str):
                        report.faults.append(found)
                    elif found is None:
                        report.unvouched += 1
                    else:
                        report.files[kind] += 1
                        report.bytes[kind] += found.stat().st_size
        except XlprobeError as error:
            report.faults.append(str(error))
    return report


def _digests(record: Path, key: str, advice: str) -> dict[str, str]:
    """The sha256 that a record holds under a key."""
    digests = read_json(record, advice)[key]
    if not isinstance(digests, dict):
        raise XlprobeError(f"{record}: does not say the sha256 of its files; {advice}")
    return digests


def _vouched(record: Path, digests: Mapping[str, str], advice: str) -> Found:
    """The files beside a record whose sha256 it holds, and the record itself."""
    for name, digest in digests.items():
        yield _held(record.parent / name, digest, advice)
    yield record


def _held(path: Path, digest: str, advice: str) -> Path | str:
    if not path.exists():
        return f"{path}: is gone; {advice}"
    try:
        with reading(path, "a file", advice):
            found = sha256(path)
    except XlprobeError as error:
        return str(error)
    return path if found == digest else f"{path}: is damaged (its sha256 is {found}, was {digest}); {advice}"


def _checkpoint(record: Path) -> Found:
    advice = f"delete {record} to make the checkpoint again"
    digests = _digests(record, "files", advice)
    yield from _vouched(record, digests, advice)
    known = {record.name, "training.json", *digests}
    for path in sorted(record.parent.iterdir()):
        if path.is_file() and path.name not in known and path.suffix != PART:
            yield f"{path}: is none of the checkpoint's files, and may be read in their place; delete it"


def _dataset(record: Path) -> Found:
    advice = f"delete {record} to make the dataset again"
    digests = _digests(record, "sha256", advice)
    yield from _vouched(record, {f"{name}.parquet": digest for name, digest in digests.items()}, advice)


def _tokenizer(record: Path) -> Found:
    advice = f"delete {record} to make the tokenizer again"
    yield from _vouched(record, _digests(record, "sha256", advice), advice)


def _kept_tokenizer(record: Path) -> Found:
    advice = f"delete {record.parent} to take the run's own tokenizer in its place"
    yield from _vouched(record, _digests(record, "sha256", advice), advice)


def _binarized(record: Path) -> Found:
    advice = f"delete {record} to binarise its text again"
    splits = read_json(record, advice)["splits"].items()
    digests = {f"{split}.{suffix}": digest for split, expected in splits for suffix, digest in expected["sha256"].items()}
    yield from _vouched(record, digests, advice)


def _json(path: Path) -> Found:
    read_json(path, MAKE_AGAIN)
    yield path


def _features(path: Path) -> Found:
    with FeatureFile(path) as features:
        features.check()
    yield path


def _probes(path: Path) -> Found:
    probes = ProbeFile(path)
    for layer in probes.layers:
        probes.layer(layer)
    yield path


def _outcomes(path: Path) -> Found:
    # Its seal, which is of the whole file.
    with OutcomeFile(path):
        yield path


def _covariances(path: Path) -> Found:
    covariances = CovarianceFile(path)
    for key in covariances.keys:
        covariances.read(key)
    yield path


def _signatures(path: Path) -> Found:
    # Its seal, which is of the whole file.
    with SignatureFile(path):
        yield path


def _table(path: Path) -> Found:
    check_seal(path)
    yield path


def _state(path: Path) -> Found:
    yield check_state(path)


def _text(path: Path) -> Found:
    counts, split, digest = path.with_name("counts.json"), path.name.partition(".")[0], hashlib.sha256()
    with open_binary(path, MAKE_AGAIN) as stream:
        while read := stream.read(CHUNK_BYTES):
            digest.update(read)
        check_rest(stream)
    # What follows from a text goes by the digest there.
    if read_json(counts, MAKE_AGAIN).get(split, {}).get("sha256") == digest.hexdigest():
        yield path
    else:
        yield f"{path}: is not the text whose sha256 stands in {counts.name}; delete {counts} to make both again"


def _left_over(path: Path) -> Found:
    yield f"{path}: was left by a job that was killed, or a job writes it at this moment; delete it when none runs"


def _source_digests(folder: Path, run: dict[str, Any], report: Report) -> dict[Path, str]:
    """The files in a run's sources and their sha256, nothing where it is not known."""
    if run["world"]:
        return {path: "" for path in folder.rglob("*") if path.is_file() and path.suffix != PART}
    try:
        found = origins.origins(needs.needs(run), folder, None)
        known = recorded(origins.LOCK)
    except XlprobeError as error:
        report.faults.append(str(error))
        return {}
    digests = {}
    for origin in found:
        if origin.way == origins.THERE:
            upstream = origins.upstream_of(origin.need)
            path = folder / (origin.need.archive or origin.path)
            # What is linked may be another form of it than what is published at the address.
            digests[folder / origin.path] = ""
            if path.is_file() and not path.is_symlink():
                digests[path] = upstream.sha256 or known.get(upstream.address, {}).get("sha256", "")
    return digests


def _source_check(digest: str) -> Callable[[Path], Found]:
    def check(path: Path) -> Found:
        advice = "delete it to get it again"
        if digest:
            yield _held(path, digest, advice)
        elif not path.exists():
            yield f"{path}: leads to {path.readlink()}, which is gone; bring that back, or {advice}"
        elif path.suffix == ".zip":
            check_zip(path, "a zip archive", advice)
            yield path
        else:
            with open_binary(path, advice) as stream:
                yield path if check_rest(stream) else None

    return check


def _unpacked(record: Path) -> Found:
    archive = str(record).removesuffix(".json")
    if record.name.endswith(".partial.json") or not isinstance(said := read_json(record, MAKE_AGAIN), dict) or "archive" not in said:
        return
    advice = f"delete {record} to unpack the archive again"
    if not Path(archives.folder_of(archive)).is_dir():
        yield f"{archives.folder_of(archive)}: is gone; {advice}"
    if Path(archive).exists():
        yield _held(Path(archive), said["sha256"], "delete it to get it again")


# By kind: where its records lie, and what looks at one.
CHECKS: dict[str, tuple[str, Callable[[Path], Found]]] = {
    "checkpoints": ("checkpoints/**/identity.json", _checkpoint),
    "training records": ("checkpoints/**/training.json", _json),
    "training states": ("pretrain/**/*.pt", _state),
    "training identities": ("pretrain/**/identity.json", _json),
    "validations": ("pretrain/**/validation_*.json", _json),
    "kept tokenizers": (f"pretrain/**/{IDENTITY_FILE}", _kept_tokenizer),
    "tokenizers": (f"tokenizer/**/{IDENTITY_FILE}", _tokenizer),
    "corpora": ("corpus/**/*.zst", _text),
    "counts of corpora": ("corpus/**/*.json", _json),
    "binarized text": ("binarized/**/manifest.json", _binarized),
    "datasets": ("datasets/*/identity.json", _dataset),
    "features": ("features/**/*.h5", _features),
    "probes": ("probes/**/*.safetensors", _probes),
    "covariances": ("covariances/**/*.h5", _covariances),
    "those of all words": ("all_words/**/*.h5", _covariances),
    "signatures": ("signatures/**/*.h5", _signatures),
    "outcomes": ("**/*.h5", _outcomes),
    "tables": ("**/*.parquet", _table),
    "descriptions": ("metrics/*.json", _json),
    "archives": ("sources/**/*.json", _unpacked),
    "left over": (f"**/*{PART}", _left_over),
}
# Where HDF5 files lie that hold something else than outcomes.
NO_OUTCOMES = ("features", "covariances", "all_words", "signatures")
