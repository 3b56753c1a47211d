"""The tables of a run whose true values are known (`planted_outcomes`), as its jobs make them, and what is told of its model."""

from itertools import combinations
from pathlib import Path

import pandas as pd
from planted_outcomes import EXAMPLES, GIB, small_set, write_results, write_scores

from xlprobe.artifacts.tables import write_table
from xlprobe.metrics.asymmetry import write_asymmetry
from xlprobe.metrics.correlations import write_correlations
from xlprobe.metrics.factors import measure_factors
from xlprobe.metrics.gates import Thresholds, write_gates
from xlprobe.metrics.layers import write_layers
from xlprobe.metrics.learning import write_learning
from xlprobe.metrics.model_comparisons import write_model_comparisons
from xlprobe.metrics.model_tables import ModelFacts, ModelTables
from xlprobe.metrics.order import write_order
from xlprobe.metrics.training_seeds import write_training_seeds
from xlprobe.statistics.bootstrap import Intervals

TRAININGS = small_set()
BASE = TRAININGS[0]
INTERVALS = Intervals(200)
SHARES = [0.8, 0.9, 0.95, 0.98]


def write_planted_run(results: Path) -> None:
    """Write outcomes, baselines and, in `metrics/`, all tables of measures."""
    write_results(results, TRAININGS)
    metrics = results / "metrics"
    metrics.mkdir()
    names = ["best", "steps", "forgetting", "asymmetry", "order", "factors", "correlations", "alternatives", "training_seeds"]
    names += ["expected_layers", "layer_gains", "scores", "gates", "model_comparisons"]
    paths = {name: metrics / f"{name}.parquet" for name in names}
    baselines = sorted((results / "baselines").rglob("*.h5"))
    files = results / "outcomes", {training.name: training.steps for training in TRAININGS}, baselines
    write_learning(*files, paths["best"], paths["steps"], paths["forgetting"], SHARES, INTERVALS)
    final = {training.name: training.steps[-1:] for training in TRAININGS[:2]}
    write_model_comparisons(results / "outcomes", final, baselines, paths["model_comparisons"], INTERVALS)
    write_asymmetry(*files, paths["best"], paths["asymmetry"], INTERVALS)
    write_layers(*files, paths["expected_layers"], paths["layer_gains"], INTERVALS)
    write_order(paths["steps"], paths["order"])
    write_factors(metrics, paths["factors"])
    written = [paths[name] for name in ("best", "steps", "forgetting", "asymmetry", "factors", "correlations", "alternatives")]
    write_correlations(*written)
    write_training_seeds({name: paths[name] for name in ("best", "steps", "forgetting")}, paths["training_seeds"])
    write_scores(paths["scores"], TRAININGS, baselines)
    (metrics / "scores.baselines.parquet").unlink()
    write_gates(paths["scores"], paths["best"], paths["gates"], Thresholds(above_baseline=0.02, rise=0.7, noise=0.1, ranks=0.7))


def write_factors(metrics: Path, path: Path) -> None:
    """Distances to English grow as there is less text; those of Hindi are degenerate."""
    tasks = ["pos", "arc_classification"]
    examples = [(name, "treebank", name[:2], "train", task, None, count) for name, count in EXAMPLES.items() for task in tasks]
    columns = ["dataset", "kind", "language", "split", "what", "label", "count"]
    write_table(pd.DataFrame(examples, columns=columns), "datasets.schema.yaml", metrics / "datasets.parquet")
    far = {language: number / 10 for number, language in enumerate(GIB)}
    lines = [f"{one}\t{other}\t{far[other] - far[one]:.2f}" + ("\thi" if other == "hi" else "") for one, other in combinations(GIB, 2)]
    (metrics / "distances.tsv").write_text("\n".join(["one\tother\tdistance", *lines, ""]))
    measure_factors(
        models={model: {"measured": [*GIB], "pretrained": None} for model in ("base", "seeded")},
        published={language: {"as printed": size} for language, size in GIB.items()},
        counts=[],
        tasks=tasks,
        datasets=metrics / "datasets.parquet",
        distances=metrics / "distances.tsv",
        is_world=False,
        output=path,
    )


def planted_facts(**changed: object) -> ModelFacts:
    """What the study would say of the model `base`."""
    families = {"en": "Indo-European", "de": "Indo-European", "fi": "Uralic", "hi": "Indo-European", "ug": "Turkic"}
    probed = dict.fromkeys(("pos", "arc_prediction", "arc_classification", "xnli"), "paper")
    facts = {
        "model": "base",
        "steps": [0, *BASE.steps],
        "protocols": probed | {"bpc": "lines"},
        "languages": {code: {"name": code.upper(), "family": family} for code, family in families.items()},
        "absent": {"arc_prediction, in language": "no arcs are predicted", "arc_prediction, transfer": "no arcs are predicted"},
        "world": False,
        "pretrained": None,
    }
    return ModelFacts(**(facts | changed))  # type: ignore[arg-type]


def planted_model_tables(results: Path) -> ModelTables:
    """The tables that `write_planted_run` wrote, of the model `base`."""
    return ModelTables.of_files(planted_facts(), sorted((results / "metrics").glob("*.parquet")))
