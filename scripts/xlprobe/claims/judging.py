"""Hold the claims of a paper against a run: a table of verdicts, as Parquet, CSV and Markdown."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from xlprobe.artifacts.tables import read_table, write_rows
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.finding import Finding, JudgedRun, NotMeasured
from xlprobe.claims.measures import arguments_of, read_arguments
from xlprobe.claims.papers import ClaimedPaper, paper_of
from xlprobe.claims.published import Claim, read_claims
from xlprobe.claims.rendering import markdown_of
from xlprobe.claims.verdicts import CONSTRUCTION, PAPER, Verdict, asked, judge
from xlprobe.files import MAKE_AGAIN, read_json, write_text
from xlprobe.metrics.last_signatures import SECOND_VERDICT
from xlprobe.metrics.learning import NO_INTERVAL
from xlprobe.metrics.model_tables import ModelFacts, ModelTables
from xlprobe.metrics.signature_tables import SignatureFacts, SignatureTables

SCHEMA = "claims.schema.yaml"
NO_NUMBER = "what comes out is no finite number"


def write_claims(
    tables: Sequence[Path],
    facts: ModelFacts | SignatureFacts,
    configuration: Path,
    environment: Path,
    parquet: Path,
    csv: Path,
    markdown: Path,
) -> None:
    """Write the table `claims` (schemas/), also as CSV, and as Markdown to be read: paper 1's of a model, or paper 2's of signatures.

    Args:
        tables: of `metrics/`, each named after its file; what lacks says nothing.

    Raises:
        XlprobeError: a table or a JSON file is missing or damaged.
    """
    described = read_json(configuration, MAKE_AGAIN), read_json(environment, MAKE_AGAIN)
    run: JudgedRun | JudgedComparison
    if isinstance(facts, ModelFacts):
        run, subject = JudgedRun(ModelTables.of_files(facts, tables), *described), f"the model {facts.model}"
    else:
        run, subject = JudgedComparison(SignatureTables.of_files(facts, tables), *described), f"the comparison {facts.main}"
    paper = paper_of(run)
    write_rows((judged(run, claim) for claim in read_claims(paper.name)), SCHEMA, parquet)
    table = read_table(parquet)
    write_text(csv, table.to_csv(index=False))
    write_text(markdown, markdown_of(table, paper, subject))


def judged(run: JudgedRun | JudgedComparison, claim: Claim) -> dict[str, Any]:
    """A row of the table: the claim, what the run says of it, and the verdict; of signatures the second one, too."""
    paper = paper_of(run)
    findings = found(run, claim)
    verdict = _verdict(paper, run, claim, findings)
    names = ("id", "section", "statement", "how_measured", "measure", "arguments", "rule", "threshold", "scope", "note")
    return {
        **{name: getattr(claim, name) for name in names},
        "printed": claim.value,
        "asked": asked(claim),
        "ours": _said(findings),
        **_numbers(findings),
        "verdict": verdict.verdict,
        "why": verdict.why,
        **_second(paper, run, claim),
    }


def _verdict(paper: ClaimedPaper, run: JudgedRun | JudgedComparison, claim: Claim, findings: Sequence[Finding]) -> Verdict:
    differs = paper.other_setting(run, claim, arguments_of(claim.arguments)) if claim.scope == PAPER else ""
    return judge(claim, findings, differs)


def _second(paper: ClaimedPaper, run: JudgedRun | JudgedComparison, claim: Claim) -> dict[str, str]:
    """What the run says where signatures are of standardised vectors, all layers in one fit; nothing of what these change nothing of."""
    if isinstance(run, JudgedRun) or claim.measure not in paper.asked_again or claim.scope == CONSTRUCTION:
        return {}
    again = replace(run, way=SECOND_VERDICT)
    findings = found(again, claim)
    verdict = _verdict(paper, again, claim, findings)
    return {"second": _said(findings), "second_verdict": verdict.verdict, "second_why": verdict.why}


def found(run: JudgedRun | JudgedComparison, claim: Claim) -> list[Finding]:
    """What the run says of a claim; one finding without a number where it says nothing."""
    measure = paper_of(run).measures[claim.measure]
    try:
        findings = measure(run, **read_arguments(measure, arguments_of(claim.arguments)))
    except NotMeasured as error:
        return [Finding(why=str(error))]
    return [one if one.value is None or isfinite(one.value) else replace(one, value=None, why=one.why or NO_NUMBER) for one in findings]


def _said(findings: Sequence[Finding]) -> str:
    """What all parts say; once where none says anything."""
    if all(finding.value is None and not finding.text for finding in findings):
        return replace(findings[0], part="").said()
    return "; ".join(finding.said() for finding in findings)


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
