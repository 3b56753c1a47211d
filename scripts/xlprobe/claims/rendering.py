"""The table of claims as Markdown, to be read by whoever has read the paper."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from xlprobe.artifacts.markdown import escaped
from xlprobe.claims.verdicts import BY_CONSTRUCTION, COUNTED, OTHER_SETTING, VERDICTS

# Sections of the table, by how the claims' sections begin.
PARTS = {
    "Abstract, introduction and model": ("Abstract", "1", "2"),
    "In language": ("3",),
    "Transfer": ("4",),
    "Layers": ("5", "C"),
    "What learning goes together with": ("B",),
    "Other sections, appendix and other versions": ("",),
}


def markdown_of(table: pd.DataFrame, model: str) -> str:
    """The table of claims: what each verdict means, how many there are, and the claims by section."""
    return "\n".join([*_head(table, model), *_by_section(table)]) + "\n"


def _head(table: pd.DataFrame, model: str) -> Iterator[str]:
    counts = table["verdict"].value_counts()
    numbers = {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}
    yield from (f"# Claims of paper 1, held against the model {model}", "")
    yield (
        f"Paper 1, its poster and its first version make {len(table)} claims. {sum(numbers[verdict] for verdict in COUNTED)} of them are"
        f" asked of this run. The others are counts and settings that it takes over ({numbers[BY_CONSTRUCTION]}), or hold for the"
        f" paper's own languages, checkpoints and model alone, of which this run has others ({numbers[OTHER_SETTING]})."
    )
    yield from ("", "| verdict | claims | what it says |", "|---|---|---|")
    yield from (f"| **{verdict}** | {numbers[verdict]} | {meaning} |" for verdict, meaning in VERDICTS.items())
    yield ""
    yield (
        "Each number is taken by the paper's own way first. That way often chooses the best checkpoint or layer on the sentences that it"
        " is measured on, so that it is too good. The cross-fitted number is chosen on other sentences. Where there is an interval, it"
        " decides: a claim agrees or differs if the whole interval does. Where there is none, the cross-fitted number decides, and"
        " the last column says so. Of a claim with several parts, one part that differs is enough to differ."
    )
    yield ""
    yield (
        "Intervals cover test sentences and the seeds of probes; those of correlations cover languages. They do not cover other"
        " trainings of the model. A number over several curves has an interval that is wider than it need be: from what all lower ends"
        " give together to what all upper ends give."
    )


def _by_section(table: pd.DataFrame) -> Iterator[str]:
    parts = table["section"].map(_part)
    columns = ("claim", "printed", "what is measured", "this run", "verdict", "why")
    for part in PARTS:
        rows = table[parts == part]
        if len(rows):
            yield from ("", f"## {part}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")
            yield from (f"| {' | '.join(_cells(row))} |" for row in rows.to_dict("records"))


def _part(section: str) -> str:
    return next(part for part, starts in PARTS.items() if section.startswith(starts))


def _cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    asked = [row["how_measured"], f"asked: {row['asked']}" if row["asked"] else ""]
    said = [row["why"], f"note: {row['note']}" if row["note"] else ""]
    return (
        escaped(f"{row['id']} ({row['section']}): {row['statement']}"),
        "" if row["printed"] == "qualitative" else escaped(str(row["printed"])),
        escaped(" ".join(_sentence(text) for text in asked if text)),
        # A line for each part.
        escaped(str(row["ours"])).replace("; ", "<br>"),
        f"**{row['verdict']}**",
        escaped(" ".join(_sentence(text) for text in said if text)),
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].removesuffix(".") + "."
