"""Every real treebank, counted by the `conllu` package: what is there must be in the dataset and among the tasks' examples."""

import lzma
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import conllu

from xlprobe.artifacts.splits import split_of_file
from xlprobe.datasets.conllu import read_treebank
from xlprobe.datasets.treebank import write_dataset
from xlprobe.files import read_json
from xlprobe.probes.examples import read_examples
from xlprobe.tasks.declaration import load_probe_task

# Of each file, from its start: whole files hold 2.2 million words, two minutes of reading.
SENTENCES = 50
TASKS = ("pos", "arc_prediction", "arc_classification")
# The columns up to DEPREL; the package takes its time for the others.
FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel")
UNPARSED = {name: lambda line, i: line[i] for name in ("xpos", "feats")}


def sentences(path: Path) -> Iterator[list[conllu.Token]]:
    """The syntactic words of each sentence."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as stream:
        for sentence in conllu.parse_incr(stream, fields=FIELDS, field_parsers=UNPARSED):
            yield [token for token in sentence if isinstance(token["id"], int)]


def counts(path: Path) -> dict[str, Counter[str]]:
    """How often each task's labels come in a file's first sentences."""
    of_task: dict[str, Counter[str]] = {task: Counter() for task in TASKS}
    for words in islice(sentences(path), SENTENCES):
        arcs = [word["deprel"].split(":")[0] for word in words if word["head"] != 0]
        of_task["pos"].update(word["upos"] for word in words)
        of_task["arc_classification"].update(arcs)
        # Of two words none is left to draw.
        of_task["arc_prediction"].update({"arc": len(arcs), "no arc": len(arcs)} if len(words) > 2 else {})
    return of_task


def test_each_word_and_arc_of_every_real_treebank_is_an_example(real_data, tmp_path):
    treebanks: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(real_data.glob("ud*/*/*-ud-*.conllu.xz")):
        treebanks[f"{path.parent.parent.name} {path.name.partition('-ud-')[0]}"][split_of_file(path)] = path
    assert len(treebanks) > 80
    for name, paths in treebanks.items():
        counted = {split: counts(path) for split, path in paths.items()}
        write_dataset({split: list(islice(read_treebank(path), SENTENCES)) for split, path in paths.items()}, tmp_path / name, name, "xx")
        identity = read_json(tmp_path / name / "identity.json")
        for entry, task in (("words", "pos"), ("pairs", "arc_classification")):
            assert identity[entry] == {split: of_task[task].total() for split, of_task in counted.items()}, name
        for task in TASKS:
            labels = read_examples(tmp_path / name, load_probe_task(task)).groupby("split")["label"]
            assert {split: Counter(of) for split, of in labels} == {split: of_task[task] for split, of_task in counted.items()}, (
                name,
                task,
            )
