"""What signatures say of languages: how far apart they are, their trees, what variants change, and how tasks go together with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlprobe.artifacts.tables import read_of_schema, table_writer, write_rows
from xlprobe.errors import XlprobeError
from xlprobe.metrics import language_distances, language_trees, task_correlations, variant_differences
from xlprobe.metrics.factors import Factors
from xlprobe.metrics.language_distances import distance_table, distances_of
from xlprobe.metrics.last_signatures import last_rows, trainings


def compare_languages(
    signatures: Path,
    root: Path,
    facts: Mapping[str, Mapping[str, str]],
    main: str,
    comparisons: Mapping[str, Mapping[str, Any]],
    distances: Path,
    trees: Path,
    groups: Path,
    differences: Path,
    correlations: Path,
    scores: Path | None = None,
    factors: Path | None = None,
    task_scores: Path | None = None,
) -> None:
    """Write five tables: language_distances, language_trees, language_groups, variant_differences, task_correlations (schemas/).

    Args:
        signatures: `metrics/signatures.parquet`.
        root: the folder of the run's results, in which it names files of signatures.
        facts: by language: its family, genus and branch, blank where it has none.
        main: the main comparison, the first in the configuration.
        comparisons: by variant, its `languages`, in their order the `texts` that models are pretrained on, and the `text_of` which:
            `multilingual`, or others where that is pretrained elsewhere.
        scores: `metrics/scores.parquet`; None where the run has none. `factors` likewise.
        task_scores: a user's file of scores of tasks by language.

    Raises:
        XlprobeError: an input is missing or damaged, a line of the user's file is not as it has to be, or a language has no facts.
    """
    table = last_rows(read_of_schema(signatures, "signatures.schema.yaml"))
    if unknown := sorted(set(table["language"]) - facts.keys()):
        raise XlprobeError(f"{signatures}: {unknown[0]} is none of the languages that --languages describes; name it there")
    tasks = task_correlations.xtreme_scores(task_scores)
    tree_rows: list[dict[str, Any]] = []
    group_rows: list[dict[str, Any]] = []
    with table_writer(language_distances.SCHEMA, distances) as write:
        # There may be no comparison.
        write(distance_table([]))
        for names, part in trainings(table):
            found = distances_of(names, part, root)
            write(distance_table(found))
            of_trees, of_groups = language_trees.tree_rows(found, facts)
            tree_rows += of_trees
            group_rows += of_groups
    write_rows(tree_rows, language_trees.TREES, trees)
    write_rows(group_rows, language_trees.GROUPS, groups)
    texts = {variant: _texts(found) for variant, found in comparisons.items()}
    write_rows(variant_differences.difference_rows(table, main, texts), variant_differences.SCHEMA, differences)
    own = task_correlations.read_own_scores(scores)
    known = Factors.read(factors) if factors else None
    write_rows(task_correlations.correlation_rows(table, tasks, own, known), task_correlations.SCHEMA, correlations)


def _texts(comparison: Mapping[str, Any]) -> dict[str, str | None]:
    """Of each language, the text that the multilingual model is pretrained on; None where it is pretrained elsewhere."""
    here = comparison["text_of"] == "multilingual"
    return dict(zip(comparison["languages"], comparison["texts"], strict=True)) if here else dict.fromkeys(comparison["languages"])
