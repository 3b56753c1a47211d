"""RESULTS.md: what a run measured, what it cost, what it found, what papers claim, and their figures and tables; read in five minutes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.captions import read_caption
from xlprobe.artifacts.markdown import escaped
from xlprobe.artifacts.tables import read_of_schema
from xlprobe.claims.verdicts import AGREE, BY_CONSTRUCTION, COUNTED, DIFFER, OTHER_SETTING, UNDECIDED
from xlprobe.files import MAKE_AGAIN, read_json, write_text
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.learning import FINAL
from xlprobe.metrics.model_tables import ModelFacts, ModelTables
from xlprobe.metrics.signature_tables import SignatureFacts, SignatureTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.report.costs import read_costs
from xlprobe.report.headlines import IN_LANGUAGE_TASKS, counted, headlines, shown
from xlprobe.report.page import as_page
from xlprobe.report.signature_findings import signature_findings

# Of more languages, a table by language is no longer read in minutes.
MOST_LANGUAGES = 20
# Of more models, their names say less than their number.
MOST_NAMED = 8
# Verdicts that say nothing of what a run found.
NOT_COUNTED = (BY_CONSTRUCTION, OTHER_SETTING)
HEADLINE_VERDICTS = (AGREE, DIFFER, UNDECIDED)


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """Where a run's files lie.

    Attributes:
        results: its folder, which paths in the text begin from.
        tables: of `metrics/`.
        figures, papers_tables: of paper 1, by model and number: the title, and the files without their endings.
        claims: `claims/<model>/paper1.parquet`, by model.
        figures_of_signatures, tables_of_signatures: of paper 2, by number: the title, and the files without their endings.
        claims_of_signatures: `claims/paper2.parquet`; None where the run takes no signatures.
    """

    results: Path
    tables: Sequence[Path]
    figures: Mapping[str, Mapping[str, tuple[str, Path]]]
    papers_tables: Mapping[str, Mapping[str, tuple[str, Path]]]
    claims: Mapping[str, Path]
    figures_of_signatures: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    tables_of_signatures: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    claims_of_signatures: Path | None = None

    @classmethod
    def in_folder(
        cls,
        results: Path,
        has_signatures: bool,
        *,
        tables: Sequence[Path],
        followed: Sequence[str],
        figures: Mapping[str, str],
        papers_tables: Mapping[str, str],
        figures_of_signatures: Mapping[str, str],
        tables_of_signatures: Mapping[str, str],
    ) -> "RunFiles":
        """The files of a run that lie where the rules put them.

        Args:
            followed: the models of which there are figures, tables and claims of paper 1.
            figures, papers_tables, figures_of_signatures, tables_of_signatures: titles by number.
        """

        def numbered(titles: Mapping[str, str], place: str) -> dict[str, tuple[str, Path]]:
            return {number: (title, results / f"{place}_{number}") for number, title in titles.items()}

        return cls(
            results=results,
            tables=tables,
            figures={model: numbered(figures, f"figures/{model}/paper1/figure") for model in followed},
            papers_tables={model: numbered(papers_tables, f"tables/{model}/paper1/table") for model in followed},
            claims={model: results / "claims" / model / "paper1.parquet" for model in followed},
            figures_of_signatures=numbered(figures_of_signatures, "figures/paper2/figure"),
            tables_of_signatures=numbered(tables_of_signatures, "tables/paper2/table"),
            claims_of_signatures=results / "claims" / "paper2.parquet" if has_signatures else None,
        )


def write_findings(
    experiment: str, models: Sequence[ModelFacts], files: RunFiles, markdown: Path, page: Path, signatures: SignatureFacts | None = None
) -> None:
    """Write RESULTS.md, and the same as a page with its figures inside.

    Args:
        signatures: of the run; None where it takes none.

    Raises:
        XlprobeError: a file is missing or damaged.
    """
    text = "\n".join(_lines(experiment, models, files, signatures)) + "\n"
    write_text(markdown, text)
    write_text(page, as_page(text, f"Results of {experiment}", files.results))


def _lines(experiment: str, models: Sequence[ModelFacts], files: RunFiles, signatures: SignatureFacts | None) -> Iterator[str]:
    metrics = files.results / "metrics"
    yield f"# Results of {experiment}\n"
    config = read_json(metrics / "config.json", MAKE_AGAIN)
    level = f"{100 * config['intervals']['level']:g} %"
    yield f"Made by xlprobe from the tables of this run (`metrics/`). Intervals are those of {level}. They cover test sentences and"
    yield "the probes' seeds; those that say so, which languages there are. They do not cover the training of the model: where it is"
    yield "trained once, another training may give other numbers.\n"
    yield "## What was run\n"
    of_models = {facts.model: ModelTables.of_files(facts, files.tables) for facts in models}
    for tables in of_models.values():
        yield from _model_lines(tables, config)
    yield from _control_lines([name for name, settings in config["models"].items() if settings.get("control")])
    yield from _cost_lines(files.results / "benchmarks", read_json(metrics / "environment.json", MAKE_AGAIN))
    for model, tables in of_models.items():
        if _is_compared_alone(tables, config):
            continue
        of_model = f" of {model}" if len(of_models) > 1 else ""
        yield f"\n## Findings{of_model}\n"
        yield from _finding_lines(tables, config["intervals"]["level"])
        if model in files.claims:
            yield f"\n## What paper 1 claims, and what {model} says\n"
            yield from _claim_lines(files.claims[model], files.results, "paper 1")
        if model in files.papers_tables:
            yield f"\n## Paper 1's tables{of_model}\n"
            for number, (title, path) in files.papers_tables[model].items():
                relative = path.relative_to(files.results)
                yield f"### Table {number}. {title}\n"
                # Without its own title.
                yield path.with_suffix(".md").read_text(encoding="utf-8").partition("\n")[2].strip()
                yield f"\n[CSV]({relative}.csv), [LaTeX]({relative}.tex)\n"
        if model in files.figures:
            yield f"\n## Paper 1's figures{of_model}\n"
            yield from _figure_lines(files.figures[model], files.results)
    if signatures:
        yield "\n## Signatures\n"
        yield from (f"- {escaped(sentence)}" for sentence in signature_findings(SignatureTables.of_files(signatures, files.tables)))
        if files.tables_of_signatures:
            yield "\nPaper 2's tables:\n"
            for number, (title, path) in files.tables_of_signatures.items():
                relative = path.relative_to(files.results)
                yield f"- {number}. {title}: [table]({relative}.md), [CSV]({relative}.csv), [LaTeX]({relative}.tex)"
        if files.claims_of_signatures:
            yield "\n## What paper 2 claims, and what signatures say\n"
            yield from _claim_lines(files.claims_of_signatures, files.results, "paper 2")
        if files.figures_of_signatures:
            yield "\n## Paper 2's figures\n"
            yield from _figure_lines(files.figures_of_signatures, files.results)


def _figure_lines(figures: Mapping[str, tuple[str, Path]], results: Path) -> Iterator[str]:
    for number, (title, path) in figures.items():
        relative = path.relative_to(results)
        yield f"### Figure {int(number)}. {title}\n"
        yield f"![Figure {int(number)}]({relative}.png)\n"
        yield f"{escaped(read_caption(path.with_suffix('.caption.rst')))} [PDF]({relative}.pdf), [data]({relative}.csv)\n"


def _model_lines(tables: ModelTables, config: Mapping[str, Any]) -> Iterator[str]:
    facts, settings = tables.facts, config["models"][tables.facts.model]
    steps = [step for step in facts.steps if step]
    alone = "one checkpoint" if steps else "no checkpoint"
    span = f"{counted(len(steps), 'checkpoint')}, step {steps[0]:,} to {steps[-1]:,}" if len(steps) > 1 else alone
    if facts.pretrained is None:
        trained = "trained elsewhere"
    else:
        trained = f"pretrained here on {counted(len(facts.pretrained), 'invented language' if facts.world else 'language')}"
    seeds = settings.get("seeds")
    several = f" Of its {len(seeds)} trainings, this page shows the first." if seeds and len(seeds) > 1 else ""
    checkpoints = tables.table("checkpoints")
    sizes = checkpoints[["layers", "hidden_size", "parameters"]].drop_duplicates()
    built = "".join(
        f"; {size['layers']} layers of {size['hidden_size']}, {size['parameters'] / 1e6:,.1f} million parameters"
        for size in sizes.to_dict("records")
    )
    yield f"- **{facts.model}**: {trained}; {span}{' after step 0' if 0 in facts.steps else ''}{built}.{several}"
    if _is_compared_alone(tables, config):
        yield "  - compared by signatures, and measured in nothing else"
        return
    for (task, setting), why in ((key.split(", "), why) for key, why in facts.absent.items()):
        yield f"  - not measured: {tables.task(task).title.lower()}, {setting}: {why}"


def _is_compared_alone(tables: ModelTables, config: Mapping[str, Any]) -> bool:
    """Whether all that there is of a model are signatures."""
    compared = {variant["multilingual"] for variant in (config.get("signatures") or {"variants": {}})["variants"].values()}
    return tables.facts.model in compared and tables.table("scores").empty


def _control_lines(names: Sequence[str]) -> Iterator[str]:
    if names:
        said = f" ({', '.join(names)})" if len(names) <= MOST_NAMED else ""
        yield f"- **{counted(len(names), 'control model')}**{said}: each pretrained here on one language, and measured in signatures alone."


def _cost_lines(benchmarks: Path, environment: Mapping[str, Any]) -> Iterator[str]:
    costs = read_costs(benchmarks)
    if not len(costs):
        return
    machine = ", ".join([environment["processor"], *sorted({*environment["gpus"]})])
    dearest = ", ".join(f"{stage} {_hours(hours)}" for stage, hours in costs.head(5).set_index("stage")["cpu_hours"].items())
    yield (
        f"- **Cost**: {costs['jobs'].sum():,} jobs, {_hours(costs['cpu_hours'].sum())} of CPU time; one by one they take"
        f" {_hours(costs['hours'].sum())}; at most {costs['gibibytes'].max():.1f} GiB of memory in a job. Most CPU time: {dearest}. Tables"
        f" made on: {machine}."
    )


def _hours(hours: float) -> str:
    return f"{hours:,.1f} hours" if hours >= 2 else f"{60 * hours:,.1f} minutes"


def _finding_lines(tables: ModelTables, level: float) -> Iterator[str]:
    found = headlines(tables, level)
    if not found:
        yield "Fewer than two checkpoints are measured, so that there is no curve over training to speak of: see `metrics/scores.parquet`."
    for subject, sentences in found.items():
        yield f"**{subject}**\n"
        yield from (f"- {sentence}" for sentence in sentences)
        yield ""
    yield from _language_lines(tables)


def _language_lines(tables: ModelTables) -> Iterator[str]:
    """A table by language: the first checkpoint, the final one, the best baseline."""
    cells: dict[str, dict[str, str]] = {}
    for task in IN_LANGUAGE_TASKS:
        final = tables.curves("best", task, IN_LANGUAGE)
        final = final[final["rule"] == FINAL]
        scores = tables.last_layer(tables.curves("scores", task, IN_LANGUAGE))
        first = scores[scores["step"] == scores["step"].min()].set_index("source")["value"]
        baselines = tables.curves("gates", task, IN_LANGUAGE).set_index("source")["baseline"]
        for label, source, value in final[["language", "source", "value"]].itertuples(index=False, name=None):
            baseline = baselines.get(source)
            beside = "" if pd.isna(baseline) else f" ({shown(task, baseline)})"
            name = " – ".join(map(tables.name, label.split("-"))) if task == "alignment" else _named(tables, label)
            cells.setdefault(name, {})[tables.task(task).title] = f"{shown(task, first.get(source, np.nan))} → {shown(task, value)}{beside}"
    if 0 < len(cells) <= MOST_LANGUAGES:
        titles = [title for title in (tables.task(task).title for task in IN_LANGUAGE_TASKS) if any(title in row for row in cells.values())]
        yield "By language: first checkpoint → final one, at the last layer (best baseline).\n"
        yield f"| language | {' | '.join(titles)} |"
        yield "|---" * (len(titles) + 1) + "|"
        for name, row in sorted(cells.items()):
            yield f"| {escaped(name)} | {' | '.join(row.get(title, '') for title in titles)} |"


def _named(tables: ModelTables, label: str) -> str:
    """A label with the language's name before it."""
    code = label.partition(" ")[0]
    known = {one_language(found): facts["name"] for found, facts in tables.facts.languages.items()}
    return f"{tables.facts.languages.get(code, {}).get('name') or known.get(code, code)} ({label})" if code in known else label


def _claim_lines(path: Path, results: Path, paper: str) -> Iterator[str]:
    claims = read_of_schema(path, "claims.schema.yaml")
    counted_ones = claims[~claims["verdict"].isin(NOT_COUNTED)]
    relative = path.relative_to(results).with_suffix("")
    verdicts, seconds = claims["verdict"], counted_ones["second_verdict"]
    yield f"Of {len(counted_ones)} claims: {_counts(verdicts, COUNTED)}. Left out of these: {_counts(verdicts, NOT_COUNTED)}."
    if again := bool(seconds.notna().any()):
        twice = counted_ones[seconds.isin(HEADLINE_VERDICTS)]
        same = int((twice["verdict"] == twice["second_verdict"]).sum())
        yield "A second verdict asks the same of standardised vectors, all layers in one fit, since a raw mean grows with the vectors:"
        yield f"{_counts(seconds, COUNTED)}; of {len(twice)} claims with one that says something, {same} have the same twice."
        yield "Intervals of correlations and slopes are those of 95 %."
    yield f"All {len(claims)}, each with its formula: [table]({relative}.md), [CSV]({relative}.csv).\n"
    judged = counted_ones[counted_ones["verdict"].isin(HEADLINE_VERDICTS) | seconds.isin(HEADLINE_VERDICTS)]
    if len(judged):
        heads = [f"{paper} says", "measured here", "asked", "found", "verdict", *(["found, jointly", "second verdict"] if again else [])]
        yield f"| | {' | '.join(heads)} |"
        yield "|---" * (len(heads) + 1) + "|"
        order = {verdict: place for place, verdict in enumerate(COUNTED)}
        beside = ["second", "second_verdict"] if again else []
        shown_columns = ["id", "statement", "how_measured", "asked", "ours", "verdict", *beside]
        judged = judged.fillna(dict.fromkeys(beside, ""))
        ordered = judged.sort_values("verdict", key=lambda verdicts: verdicts.map(order), kind="stable")[shown_columns]
        for cells in ordered.itertuples(index=False, name=None):
            yield f"| {' | '.join(escaped(str(cell)) for cell in cells)} |"


def _counts(verdicts: "pd.Series[Any]", of: Sequence[str]) -> str:
    counts = verdicts.value_counts()
    return ", ".join(f"{verdict} {counts.get(verdict, 0)}" for verdict in of)
