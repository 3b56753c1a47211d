"""The table of claims as Markdown, to be read by whoever has read the paper."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from xlprobe.artifacts.markdown import escaped
from xlprobe.claims.papers import ClaimedPaper
from xlprobe.claims.verdicts import BY_CONSTRUCTION, COUNTED, OTHER_SETTING, VERDICTS


def markdown_of(table: pd.DataFrame, paper: ClaimedPaper, subject: str) -> str:
    """The table of claims: what each verdict means, how many there are, and the claims by section.

    Args:
        subject: what they are held against, as in "the model xlmr".
    """
    return "\n".join([*_head(table, paper, subject), *_by_section(table, paper)]) + "\n"


def _head(table: pd.DataFrame, paper: ClaimedPaper, subject: str) -> Iterator[str]:
    numbers, second = _counts(table["verdict"]), _counts(table["second_verdict"])
    yield from (f"# Claims of {paper.title}, held against {subject}", "")
    yield (
        f"{paper.made_by} {len(table)} claims. {sum(numbers[verdict] for verdict in COUNTED)} of them are"
        f" asked of this run. The others are counts and settings that it takes over ({numbers[BY_CONSTRUCTION]}), or hold for the"
        f" paper's own languages, checkpoints and model alone, of which this run has others ({numbers[OTHER_SETTING]})."
    )
    again = any(second.values())
    yield from ("", f"| verdict | claims |{' second verdict |' if again else ''} what it says |", f"|---|---|{'---|' if again else ''}---|")
    for verdict, meaning in VERDICTS.items():
        yield f"| **{verdict}** | {numbers[verdict]} |{f' {second[verdict]} |' if again else ''} {meaning} |"
    for paragraph in paper.reading:
        yield from ("", paragraph)


def _counts(verdicts: "pd.Series[Any]") -> dict[str, int]:
    counts = verdicts.value_counts()
    return {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS}


def _by_section(table: pd.DataFrame, paper: ClaimedPaper) -> Iterator[str]:
    parts = table["section"].map(paper.part_of)
    again = ("second verdict",) if table["second_verdict"].notna().any() else ()
    columns = ("claim", "printed", "what is measured", "this run", "verdict", *again, "why")
    for part in paper.parts:
        rows = table[parts == part]
        if len(rows):
            yield from ("", f"## {part}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")
            yield from (f"| {' | '.join(_cells(row, bool(again)))} |" for row in rows.to_dict("records"))


def _cells(row: Mapping[Any, Any], again: bool) -> tuple[str, ...]:
    asked = [row["how_measured"], f"asked: {row['asked']}" if row["asked"] else ""]
    said = [row["why"], f"note: {row['note']}" if row["note"] else ""]
    return (
        escaped(f"{row['id']} ({row['section']}): {row['statement']}"),
        "" if row["printed"] == "qualitative" else escaped(str(row["printed"])),
        escaped(" ".join(_sentence(text) for text in asked if text)),
        _by_line(str(row["ours"])),
        f"**{row['verdict']}**",
        *([_second(row)] if again else []),
        escaped(" ".join(_sentence(text) for text in said if text)),
    )


def _second(row: Mapping[Any, Any]) -> str:
    """The second verdict, with what it is of, and why."""
    if pd.isna(row["second_verdict"]):
        return ""
    why = f"<br>{escaped(_sentence(row['second_why']))}" if row["second_why"] and row["second_why"] != row["why"] else ""
    return f"**{row['second_verdict']}**<br>{_by_line(str(row['second']))}{why}"


def _by_line(said: str) -> str:
    """A line for each part."""
    return escaped(said).replace("; ", "<br>")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].removesuffix(".") + "."
