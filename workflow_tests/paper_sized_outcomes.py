"""Outcomes of paper 1's size: 39 steps, bits in 94 languages, 44 treebanks in language, transfer 18 x 18 and 15 x 15, layers swept.

Curves differ in how fast they rise, how far, and in what they lose in the end; nothing more is planted.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from planted_outcomes import (
    EVEN_LAYERS,
    EVERY_LAYER,
    Planted,
    Sizes,
    Training,
    alignment,
    bump,
    column,
    held_out_bits,
    in_language,
    parallel_bits,
    transfer,
    write_baselines,
    write_checkpoint,
    write_scores,
)
from simulated_outcomes import STEPS

from xlprobe.artifacts.tables import write_table
from xlprobe.seeds import derive_seed
from xlprobe.study.resource_tables import language_facts

SIZES = Sizes(sentences=1000, parallel=1000, premises=1670, documents=1000, lines=5, seeds=5)
TREEBANK_TASKS = ("pos", "arc_prediction", "arc_classification")
SWEPT = {"cs", "en", "hi", "ja"}
SWEPT_FOR_NLI = {"bg", "en", "hi", "zh-Hans"}
BITEXTS = {"align_en_cs": "en cs", "align_de_en": "de en", "align_en_fa": "en fa", "align_en_fr": "en fr", "align_en_hi": "en hi"}
BITEXTS |= {"align_ro_en": "ro en"}
# From the first step to the last, on a logarithmic scale.
_PLACE = np.log(np.array(STEPS) / STEPS[0]) / np.log(STEPS[-1] / STEPS[0])


def _curve(*name: str) -> np.ndarray:
    """Shares of what a curve reaches, [C]."""
    speed, lost = np.random.default_rng(derive_seed("curve", *name)).uniform([4, 0], [12, 0.1])
    shares: np.ndarray = 1 - 0.6 * np.exp(-speed * _PLACE) - lost * np.clip(_PLACE - 0.6, 0, None)
    return shares


def _layers(swept: bool, layers: list[int]) -> list[int]:
    return layers if swept else [12]


def paper_sized_set() -> Training:
    """What is measured of paper 1's model; beside it, converged probes of the swept languages."""
    return Training("replica", STEPS, [*_treebanks(), *_nli(), *_other()])


def _treebanks() -> Iterator[Planted]:
    treebank, sets = language_facts("treebank"), language_facts("paper1")
    baselines = {"majority": 0.2, "word_type": 0.4}
    languages = {code: treebank[code] for code, names in sets.items() if "ud" in names.split()}
    parallel = [code for code, names in sets.items() if "pud" in names.split()]
    for task in TREEBANK_TASKS:
        for code, name in languages.items():
            swept = task == "arc_classification" and code in SWEPT
            truth_CL = bump(0.85 * _curve(task, code), [9] * len(STEPS), layers := _layers(swept, EVERY_LAYER))
            for protocol in ("paper", "converged") if swept else ("paper",):
                yield from in_language(task, name, code, truth_CL, layers=layers, protocol=protocol, baselines=baselines)
        for source in parallel:
            for target in parallel:
                swept = task == "arc_classification" and {source, target} <= SWEPT
                truth_CL = bump(0.6 * _curve(task, source, target), [7] * len(STEPS), layers := _layers(swept, EVEN_LAYERS))
                ends = (languages[source], source), (f"{target.partition('-')[0]}_pud", target)
                yield transfer(task, *ends, truth_CL, layers=layers, baselines=baselines)


def _nli() -> Iterator[Planted]:
    baselines = {"majority": 1 / 3, "hypothesis_only": 0.4, "word_overlap": 0.36}
    languages = [code for code, names in language_facts("paper1").items() if "xnli" in names.split()]
    for source in languages:
        swept, name = source in SWEPT_FOR_NLI, f"xnli_{source.partition('-')[0]}"
        truth_CL = bump(0.7 * _curve("xnli", source), [9] * len(STEPS), layers := _layers(swept, EVERY_LAYER))
        for protocol in ("paper", "converged") if swept else ("paper",):
            yield from in_language("xnli", name, source, truth_CL, layers=layers, protocol=protocol, baselines=baselines)
        for target in languages:
            both = {source, target} <= SWEPT_FOR_NLI
            truth_CL = bump(0.6 * _curve("xnli", source, target), [7] * len(STEPS), layers := _layers(both, EVEN_LAYERS))
            ends = (name, source), (f"xnli_{target.partition('-')[0]}_test", target)
            yield transfer("xnli", *ends, truth_CL, layers=layers, baselines={"majority": 1 / 3})


def _other() -> Iterator[Planted]:
    for code, names in language_facts("paper1").items():
        if "bpc" in names.split():
            yield held_out_bits(code, column(1.2 / _curve("bpc", code)))
        if "pud" in names.split():
            yield parallel_bits(f"{code.partition('-')[0]}_pud", code, column(1.2 / _curve("bpc", "pud", code)))
    for name, languages in BITEXTS.items():
        source, target = languages.split()
        yield alignment(name, (source, target), bump(0.7 * _curve(name), [8] * len(STEPS), EVEN_LAYERS), EVEN_LAYERS)


def write_paper_sized(results: Path) -> Training:
    """Write what measures read: outcomes, baselines, scores and counts of datasets."""
    training = paper_sized_set()
    for step in training.steps:
        write_checkpoint(results / "outcomes" / training.name / f"{step}.h5", training, step, SIZES)
    write_tables(results, training)
    return training


def write_tables(results: Path, training: Training) -> None:
    """Write baselines and, in `metrics/`, scores and counts of datasets."""
    metrics = results / "metrics"
    metrics.mkdir(parents=True, exist_ok=True)
    baselines = write_baselines(results / "baselines", training.planted, SIZES)
    write_scores(metrics / "scores.parquet", [training], baselines, SIZES)
    treebanks = [planted for planted in training.planted if planted.place.task in TREEBANK_TASKS and planted.place.split == "dev"]
    examples = {(planted.place.source, planted.languages[0], planted.place.task): 1000 * number for number, planted in enumerate(treebanks)}
    rows = [(*named, count) for named, count in examples.items()]
    counts = pd.DataFrame(rows, columns=["dataset", "language", "what", "count"]).assign(kind="treebank", split="train", label=None)
    write_table(counts, "datasets.schema.yaml", metrics / "datasets.parquet")
