"""Paper 2's analyses of mean signatures, as tables: factors, spread, trends over layers, correlations, variances."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.metrics.signature_correlations import signature_correlations
from xlprobe.metrics.signature_factors import signature_factors
from xlprobe.metrics.signature_spreads import signature_spreads, signature_standings
from xlprobe.metrics.signature_trends import signature_trends
from xlprobe.metrics.signature_variances import signature_variances


def write_signature_analyses(
    signatures: Path,
    comparisons: Mapping[str, Mapping[str, Any]],
    sets: Mapping[str, Any],
    texts: Sequence[str],
    counts: Sequence[Path],
    datasets: Sequence[Path],
    *,
    signature_factors_output: Path,
    signature_spreads_output: Path,
    signature_standings_output: Path,
    signature_trends_output: Path,
    signature_correlations_output: Path,
    signature_variances_output: Path,
) -> None:
    """Write six tables (schemas/), named as their files, from that of signatures.

    Args:
        comparisons: languages, texts and datasets by variant (`xlprobe.metrics.signature_factors`).
        sets: "diverse" languages, and "related" ones by genus.
        texts: names of the texts that the counts are of.
        counts: counts.json of each.
        datasets: folders of the morphology datasets, which their names end.

    Raises:
        XlprobeError: a table or file is missing or damaged.
    """
    table = read_of_schema(signatures, "signatures.schema.yaml")
    of_texts, of_datasets = dict(zip(texts, counts, strict=True)), {folder.name: folder for folder in datasets}
    factors = signature_factors(table, comparisons, of_texts, of_datasets)
    write_rows(factors, "signature_factors.schema.yaml", signature_factors_output)
    write_rows(signature_spreads(table), "signature_spreads.schema.yaml", signature_spreads_output)
    write_rows(signature_standings(table), "signature_standings.schema.yaml", signature_standings_output)
    write_rows(signature_trends(table), "signature_trends.schema.yaml", signature_trends_output)
    known = read_of_schema(signature_factors_output, "signature_factors.schema.yaml")
    write_rows(signature_correlations(table, known), "signature_correlations.schema.yaml", signature_correlations_output)
    write_rows(signature_variances(table, sets["diverse"], sets["related"]), "signature_variances.schema.yaml", signature_variances_output)
