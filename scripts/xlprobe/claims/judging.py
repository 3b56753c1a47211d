"""Hold the claims of paper 1 against a run: a table of verdicts, as Parquet, CSV and Markdown."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from xlprobe.artifacts.tables import read_table, write_rows
from xlprobe.claims.finding import Finding, JudgedRun, NotMeasured
from xlprobe.claims.measures import MEASURES, arguments_of, read_arguments
from xlprobe.claims.published import Claim, read_claims
from xlprobe.claims.rendering import markdown_of
from xlprobe.claims.setting import other_setting
from xlprobe.claims.verdicts import PAPER, asked, judge
from xlprobe.files import MAKE_AGAIN, read_json, write_text
from xlprobe.metrics.learning import NO_INTERVAL
from xlprobe.metrics.model_tables import ModelFacts, ModelTables

SCHEMA = "claims.schema.yaml"


def write_claims(
    tables: Sequence[Path], facts: ModelFacts, configuration: Path, environment: Path, parquet: Path, csv: Path, markdown: Path
) -> None:
    """Write the table `claims` (schemas/), also as CSV, and as Markdown to be read.

    Args:
        tables: of `metrics/`, each named after its file; what lacks says nothing.

    Raises:
        XlprobeError: a table or a JSON file is missing or damaged.
    """
    run = JudgedRun(ModelTables.of_files(facts, tables), read_json(configuration, MAKE_AGAIN), read_json(environment, MAKE_AGAIN))
    write_rows((judged(run, claim) for claim in read_claims("paper1")), SCHEMA, parquet)
    table = read_table(parquet)
    write_text(csv, table.to_csv(index=False))
    write_text(markdown, markdown_of(table, facts.model))


def judged(run: JudgedRun, claim: Claim) -> dict[str, Any]:
    """A row of the table: the claim, what the run says of it, and the verdict."""
    findings = found(run, claim)
    differs = other_setting(run, claim, arguments_of(claim.arguments)) if claim.scope == PAPER else ""
    verdict = judge(claim, findings, differs)
    names = ("id", "section", "statement", "how_measured", "measure", "arguments", "rule", "threshold", "scope", "note")
    return {
        **{name: getattr(claim, name) for name in names},
        "printed": claim.value,
        "asked": asked(claim),
        "ours": "; ".join(finding.said() for finding in findings),
        **_numbers(findings),
        "verdict": verdict.verdict,
        "why": verdict.why,
    }


def found(run: JudgedRun, claim: Claim) -> list[Finding]:
    """What the run says of a claim; one finding without a number where it says nothing."""
    measure = MEASURES[claim.measure]
    try:
        return measure(run, **read_arguments(measure, arguments_of(claim.arguments)))
    except NotMeasured as error:
        return [Finding(why=str(error))]


def _numbers(findings: Sequence[Finding]) -> dict[str, Any]:
    """The one number of a claim; of several the text alone says them."""
    formulas, intervals = (dict.fromkeys(values) for values in zip(*((one.formula, one.interval) for one in findings), strict=True))
    shared: dict[str, Any] = {"formula": "; ".join(filter(None, formulas)), "interval": _without_none(list(intervals))}
    counts = {finding.n for finding in findings}
    shared["n"] = counts.pop() if len(counts) == 1 else None
    own = [finding for finding in findings if not finding.beside]
    if len(own) > 1:
        return shared
    (one,) = own
    ends = {name: end for name, end in (("low", one.low), ("high", one.high)) if end is not None and isfinite(end)}
    return shared | {"value": one.value, "cross_fitted": one.honest} | ends


def _without_none(intervals: list[str]) -> str:
    """The kinds of intervals of a claim's parts."""
    kinds = [kind for kind in intervals if kind != NO_INTERVAL]
    return "; ".join(kinds) or NO_INTERVAL
