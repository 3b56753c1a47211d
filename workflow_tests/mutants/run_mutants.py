"""Plant small faults in the modules that touch numbers, and see whether the unit tests notice.

A sample of all faults is drawn, each module's share its share of them; which are drawn depends on the seed and on the faults
alone, so that other lines may move. A fault is tried in a process of its own, forked from one that has imported what takes
long, on the tests that name its module and call its function. It is caught when one fails, or takes far longer than it did.
Faults that change nothing are declared, with why, in equivalent.tsv.

Tools that were considered: mutmut copies the project, and so hides the tests' own paths, and cannot draw a sample over
modules; cosmic-ray and mutatest start a Python, which imports torch for 5 seconds, for each fault.
"""

import argparse
import csv
import gc
import importlib
import math
import os
import pickle
import re
import resource
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path

from mutations import Mutation, mutated, mutations
from recording import Recorder, Restored, run_tests

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "scripts" / "xlprobe"
UNIT_TESTS = PROJECT / "workflow_tests" / "unit"
EQUIVALENT = Path(__file__).with_name("equivalent.tsv")
MODULES = [
    "alignment.diagonal", "alignment.word_alignment", "artifacts.binarized_text", "artifacts.checkpoint_lists", "artifacts.corpus_text",
    "artifacts.covariance_file", "artifacts.dataset_folder", "artifacts.feature_file", "artifacts.outcome_file", "artifacts.signature_file",
    "artifacts.splits", "artifacts.tokenizer_folder", "artifacts.training_reasons", "bpc.bits_per_character", "bpc.fairseq_blocks",
    "bpc.measurement", "bpc.subword_bits", "bpc.subword_coverage", "checkpoints.canary", "checkpoints.comparison",
    "checkpoints.model_trials", "claims.correlated", "claims.layers", "claims.levels", "claims.losses", "claims.times", "claims.transfer",
    "claims.verdicts", "contamination.overlap", "contamination.search", "corpus.binarization", "corpus.cleaning", "corpus.drawing",
    "corpus.romanisation", "corpus.text_writing", "corpus.tokenization", "datasets.bitexts", "datasets.conllu", "datasets.morphology",
    "datasets.nli", "datasets.pairs", "datasets.treebank", "datasets.unimorph", "features.encoding", "features.extraction",
    "features.vector_storage", "metrics.asymmetry", "metrics.correlations", "metrics.curves", "metrics.dataset_counts", "metrics.factors",
    "metrics.gates", "metrics.joining", "metrics.layers", "metrics.learning", "metrics.measures", "metrics.metric_definitions",
    "metrics.model_comparisons", "metrics.model_tables", "metrics.order", "metrics.probe_training_summary", "metrics.scoring",
    "metrics.signatures", "metrics.text_forms", "metrics.training_outcomes", "metrics.training_seeds", "models.windows",
    "pretraining.early_stopping", "pretraining.fairseq_models", "pretraining.fairseq_task", "probes.baselines", "probes.control_tasks",
    "probes.converged_probe", "probes.description_length", "probes.examples", "probes.labels", "probes.linear_probe",
    "probes.nli_baselines", "probes.training", "probes.training_rows", "probes.transfer", "seeds", "signatures.checks",
    "signatures.covariances", "signatures.fitting", "signatures.nonnegative", "signatures.parafac2", "statistics.acquisition_curve",
    "statistics.bootstrap", "statistics.correlation", "statistics.cross_fitting", "statistics.language_noise", "statistics.language_trees",
    "statistics.outcomes", "statistics.paired", "statistics.resampling", "statistics.trends", "statistics.variances", "study.measured",
    "study.model_groups", "study.plan", "study.signature_costs", "study.signatures", "study.texts", "tasks.alignment",
    "tasks.arc_classification", "tasks.arc_classification_subtypes", "tasks.arc_prediction", "tasks.bpc", "tasks.declaration",
    "tasks.number", "tasks.pos", "tasks.xnli",
]  # fmt: skip
# These name such modules to prepare what they test, which is something else, and take long.
OTHERS = {
    "test_code_identity.py", "test_compression.py", "test_figures.py", "test_hdf5_files.py", "test_library_errors.py",
    "test_intervals.py", "test_published_checkpoints.py", "test_resource_tables.py", "test_world.py",
}  # fmt: skip
# What the tests import from elsewhere, in the process that all others are forked from.
IMPORTED = ("torch", "transformers", "tokenizers", "pandas", "pyarrow", "h5py", "sklearn", "scipy", "sentencepiece", "conllu", "yaml",
            "jsonschema", "zstandard", "matplotlib", "simalign", "safetensors", "hypothesis", "_pytest")  # fmt: skip
# A fault's tests may take so many times their time, and so many seconds, of the processor.
TIMES, SECONDS = 5, 20
# The quickest of a function's tests that take this long together: those after them rarely see what these do not.
MOST_SECONDS = 30.0
NEEDED = 0.95
# Exit codes: pytest found no test; this program failed.
FAULTS_OF_OURS = (5, 99)


@dataclass
class Record:
    """What the tests do on the code as it is."""

    failed: bool
    by_test: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    shared: dict[str, bytes] = field(default_factory=dict)
    imported: list[str] = field(default_factory=list)


def path_of(module: str) -> Path:
    path = PACKAGE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def tests_that_name(module: str) -> list[Path]:
    """The test files that import a module, or the package it lies in, and the module itself if it has examples in docstrings."""
    for name in (module, module.partition(".")[0]):
        package, _, last = f"xlprobe.{name}".rpartition(".")
        named = re.compile(rf"xlprobe\.{re.escape(name)}\b|from {re.escape(package)} import [^\n]*\b{last}\b")
        files = (path for path in sorted(UNIT_TESTS.rglob("test_*.py")) if path.name not in OTHERS)
        if found := [path for path in files if named.search(path.read_text())]:
            return found + [path_of(module)] * (">>>" in path_of(module).read_text())
    raise SystemExit(f"no file under {UNIT_TESTS} imports xlprobe.{module}; write one")


def drawn(modules: list[str], count: int, seed: int) -> list[Mutation]:
    """A sample of the modules' faults, of each module its share."""
    declared = {tuple(row[:4]) for row in csv.reader(EQUIVALENT.open(), delimiter="\t")}
    found = {module: [m for m in mutations(module, path_of(module)) if m.name not in declared] for module in modules}
    total = sum(map(len, found.values()))
    return [
        mutation
        for ofmodule in found.values()
        for mutation in sorted(ofmodule, key=lambda m: m.rank(seed))[: -(-count * len(ofmodule) // total)]
    ]


def forked(work, *arguments: object) -> int:
    """Start work in a child process, whose exit code it returns."""
    if pid := os.fork():
        return pid
    code = 99
    try:
        code = work(*arguments)
    finally:
        sys.stdout.flush()
        os._exit(code)


def record(files: list[Path], folder: Path) -> int:
    recorder = Recorder(PACKAGE)
    code = run_tests([str(path) for path in files], recorder, folder / "shared", folder / "record.log")
    imported = [name for name in sys.modules if name.partition(".")[0] in IMPORTED]
    done = Record(code != 0, recorder.by_test, dict(recorder.seconds), recorder.shared, imported)
    (folder / "record").write_bytes(pickle.dumps(done))
    return 0


def tests_of(mutation: Mutation, record: Record, files: list[Path]) -> list[str]:
    """The tests to try on a fault, the quickest first, those of the module's own file before all others."""
    names = {str(path.relative_to(PROJECT)) for path in files}
    tests = [test for test in record.by_test if test.partition("::")[0] in names]
    path = str(mutation.path)
    most = MOST_SECONDS
    calling = [test for test in tests if (path, mutation.scope) in record.by_test[test]]
    package, own = (f"test_{mutation.module.split('.')[part]}.py" for part in (0, -1))
    if not calling:
        # What runs at import decides what every test of the module sees, whatever it calls.
        of_files = [test for test in tests if f"/{own}::" in test or f"/{package}::" in test]
        calling = [*of_files, *(test for test in tests if test not in of_files and any(file == path for file, _ in record.by_test[test]))]
        calling, most = calling or tests, math.inf
    chosen, seconds = [], 0.0
    for test in sorted(calling, key=lambda test: (own not in test, record.seconds[test])):
        seconds += record.seconds[test]
        if chosen and seconds > most:
            break
        chosen.append(test)
    return chosen


def attempt(mutation: Mutation, tests: list[str], record: Record, folder: Path, log: Path, planted: bool = True) -> int:
    """Run some tests with a fault, or, for comparison, without it."""
    limit = int(SECONDS + TIMES * sum(record.seconds[test] for test in tests))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    tree, original = mutated(mutation), SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> object:
        return compile(tree, self.path, "exec") if Path(self.path) == mutation.path else original(self, name)

    if planted:
        SourceFileLoader.get_code = get_code
    return run_tests([*tests, "-x"], Restored(record.shared), folder, log)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=320, help="how many faults to plant")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--modules", nargs="+", default=MODULES)
    parser.add_argument("--record", type=Path, help="a folder that keeps what the tests do on the code as it is, for the next time")
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    # Real data would take longer, and not every clone has them.
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "MPLBACKEND": "Agg"}
    os.environ.pop("XLPROBE_DATA", None)
    folder = Path(tempfile.mkdtemp(prefix="mutants_"))
    try:
        files = {module: tests_that_name(module) for module in arguments.modules}
        faults = drawn(arguments.modules, arguments.count, arguments.seed)
        return tried(faults, files, arguments.jobs, folder, arguments.record or folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tried(faults: list[Mutation], files: dict[str, list[Path]], jobs: int, folder: Path, recorded: Path) -> int:
    """Plant the faults one by one and print those that no test sees; returns the exit code."""
    begun = time.monotonic()
    for name in IMPORTED[:2]:
        importlib.import_module(name)
    if not (recorded / "record").exists():
        recorded.mkdir(parents=True, exist_ok=True)
        os.waitpid(forked(record, sorted({file for own in files.values() for file in own}), recorded.resolve()), 0)
    done: Record = pickle.loads((recorded / "record").read_bytes())
    if done.failed:
        print((recorded / "record.log").read_text()[-4000:])
        print("tests fail on the code as it is")
        return 1
    print(f"{len(done.by_test)} tests recorded in {time.monotonic() - begun:.0f} s; {len(faults)} faults", flush=True)
    for name in done.imported:
        with suppress(ImportError):  # a module may call itself otherwise
            importlib.import_module(name)
    gc.freeze()
    # One of each module without the fault: where its tests fail in a process of their own, all its faults would count as caught.
    controls = {fault.module: fault for fault in faults}.values()
    waiting = [*((fault, True) for fault in faults[::-1]), *((fault, False) for fault in controls)]
    running: dict[int, tuple[Mutation, bool, float, Path]] = {}
    survivors = []
    while waiting or running:
        while waiting and len(running) < jobs:
            fault, planted = waiting.pop()
            tests = tests_of(fault, done, files[fault.module])
            own = folder / f"fault_{len(waiting)}"
            deadline = time.monotonic() + 10 * (SECONDS + TIMES * sum(done.seconds[test] for test in tests))
            running[forked(attempt, fault, tests, done, own, own.with_suffix(".log"), planted)] = fault, planted, deadline, own
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            for late in (pid for pid, (*_, deadline, _) in running.items() if time.monotonic() > deadline):
                os.kill(late, 9)
            time.sleep(0.02)
            continue
        fault, planted, _, own = running.pop(pid)
        shutil.rmtree(own, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        if code in FAULTS_OF_OURS or (code and not planted):
            print(own.with_suffix(".log").read_text()[-4000:])
            print(f"tests of {fault.module} end in {code}{'' if planted else ' on the code as it is, in a process of their own'}")
            return 1
        if planted and code == 0:
            survivors.append(fault)
            print(f"{fault.path.relative_to(PROJECT)}:{fault.line}: {fault.scope}: {fault.before}  ->  {fault.after}", flush=True)
    share = 1 - len(survivors) / max(len(faults), 1)
    print(
        f"{len(faults)} faults planted in {len({fault.module for fault in faults})} modules, {len(faults) - len(survivors)} caught"
        f" ({share:.1%}), {len(survivors)} survived, in {time.monotonic() - begun:.0f} s"
    )
    return int(share < NEEDED)


if __name__ == "__main__":
    sys.exit(main())
