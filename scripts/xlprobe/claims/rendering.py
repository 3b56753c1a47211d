"""The table of claims as Markdown, to be read by whoever has read the paper."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from xlprobe.claims.verdicts import BY_CONSTRUCTION, COUNTED, OTHER_SETTING, RULES, VERDICTS

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
    counted = sum(int(counts.get(verdict, 0)) for verdict in COUNTED)
    yield from (f"# Claims of paper 1, held against {model}", "")
    yield (
        f"Of {len(table)} claims of the paper, its poster and its first version, {counted} can be asked of this run:"
        f" {', '.join(f'{counts.get(verdict, 0)} {verdict}' for verdict in COUNTED)}. The others are counts and settings"
        f" ({counts.get(BY_CONSTRUCTION, 0)}), or numbers of the paper's own languages and model, which this run does not have"
        f" ({counts.get(OTHER_SETTING, 0)})."
    )
    yield ""
    yield from (f"- **{verdict}**: {meaning}." for verdict, meaning in VERDICTS.items())
    yield ""
    yield (
        "Numbers are taken by the paper's own way first. Where it chooses a best checkpoint or layer on the sentences that it measures"
        " on, the cross-fitted number, which is chosen on other sentences, stands beside it and decides. Intervals cover test sentences"
        " and the probes' seeds, or, of correlations, languages. They do not cover other trainings of the model."
    )


def _by_section(table: pd.DataFrame) -> Iterator[str]:
    parts = table["section"].map(_part)
    for part in PARTS:
        rows = table[parts == part]
        if rows.empty:
            continue
        yield from ("", f"## {part}", "", "| claim | paper | this run | verdict | why |", "|---|---|---|---|---|")
        for row in rows.to_dict("records"):
            cells = [f"{row['id']} ({row['section']}): {row['statement']}", _asked(row), row["ours"], f"**{row['verdict']}**", _why(row)]
            yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _part(section: str) -> str:
    return next(part for part, starts in PARTS.items() if section.startswith(starts))


def _asked(row: Mapping[Any, Any]) -> str:
    """What is printed, or of a claim without a number what is asked of the run instead."""
    rule, threshold = str(row["rule"]), str(row["threshold"])
    printed = "" if row["printed"] == "qualitative" else str(row["printed"])
    if rule in ("equals", "equals either", "absolute bits", "not judged"):
        return printed
    asked = f"asked: {RULES[rule]}{' ' + threshold if threshold else ''}"
    return f"{printed}; {asked}" if printed else asked


def _why(row: Mapping[Any, Any]) -> str:
    return "; ".join(text for text in (str(row["why"]), f"note: {row['note']}" if row["note"] else "") if text)
