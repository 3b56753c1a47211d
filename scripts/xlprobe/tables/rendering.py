"""Writing a table of a paper: CSV, a pipe table of Markdown, and LaTeX (packages `booktabs` and `array`)."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.files import write_text
from xlprobe.tasks.declaration import load_task

# What is not measured, or has no value.
MISSING = "–"
# A cell with more characters is set in lines.
LONG = 48
# A table with more characters beside each other is set smaller.
WIDE = 90
# Around what stands bold: characters that no text holds.
BOLD_START, BOLD_END = "\x0e", "\x0f"
LATEX = {character: f"\\{character}" for character in "&%$#_{}"}
LATEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "–": "--", "→": r"$\rightarrow$"}
LATEX |= {"°": r"$^\circ$", "×": r"$\times$", "−": "$-$", "<": "$<$", ">": "$>$", "|": r"\textbar{}", "ρ": r"$\rho$"}
LATEX |= {BOLD_START: r"\textbf{", BOLD_END: "}"}
MARKDOWN = {"|": r"\|", "*": r"\*", "\\": "\\\\", "`": r"\`", "_": r"\_", BOLD_START: "**", BOLD_END: "**"}
NUMBER = re.compile(r"-?[0-9.,]+[*°]*( \(n=[0-9]+\))?")


def bold(text: str) -> str:
    """A text of a cell that stands bold; in CSV as it is."""
    return f"{BOLD_START}{text}{BOLD_END}"


def score(value: float, task: str) -> str:
    """A score as paper 1 prints it: bits with three decimals, all else in per cent with two."""
    if np.isnan(value):
        return MISSING
    return decimals(value, 3) if load_task(task).direction == "lower" else decimals(100 * value, 2)


def decimals(value: float, count: int) -> str:
    """A number with so many decimals; what rounds to 0 has no sign."""
    text = f"{value:.{count}f}"
    return text if float(text) else text.removeprefix("-")


def p_value(p: float) -> str:
    """A p-value as a table says it."""
    if np.isnan(p):
        return "p –"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def write_rendered(
    table: pd.DataFrame,
    title: str,
    notes: Sequence[str],
    csv: Path,
    markdown: Path,
    latex: Path,
    beside: pd.DataFrame | None = None,
) -> None:
    """Write a table of cells of text.

    Args:
        notes: sentences under it, in Markdown and LaTeX.
        beside: further columns of the same rows, for the CSV alone.
    """
    plain = table.map(lambda cell: cell.replace(BOLD_START, "").replace(BOLD_END, ""))
    whole = plain if beside is None else pd.concat([plain, beside], axis=1)
    write_text(csv, whole.to_csv(index=False))
    write_text(markdown, as_markdown(table, title, notes))
    write_text(latex, as_latex(table, title, notes))


def as_markdown(table: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """The table as GitHub's Markdown has it, under its title, in the third rank as RESULTS.md needs it; a group's name stands once."""
    ends = [" ---: |" if _is_number(table[column]) else " --- |" for column in table]
    rows = [[*table.columns], *_groups_named_once(table)]
    lines = ["| " + " | ".join(_escaped(cell, MARKDOWN) for cell in cells) + " |" for cells in rows]
    lines.insert(1, "|" + "".join(ends))
    return "\n\n".join([f"### {_escaped(title, MARKDOWN)}", "\n".join(lines), *(_escaped(note, MARKDOWN) for note in notes)]) + "\n"


def as_latex(table: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """The table as LaTeX has it, with a caption; a line stands between groups of rows, whose name stands once."""
    long = [table[column].str.len().max() > LONG for column in table]
    kinds = [r">{\raggedright\arraybackslash}p{%.2f\linewidth}" % (0.75 / sum(long)) if wide else "" for wide in long]
    kinds = [kind or ("r" if _is_number(table[column]) else "l") for kind, column in zip(kinds, table, strict=True)]
    rows = [" & ".join(_escaped(cell, LATEX) for cell in cells) + r" \\" for cells in _groups_named_once(table)]
    first = [*table.iloc[:, 0]]
    if len({*first}) < len(first):
        begins = [number for number in range(1, len(first)) if first[number] != first[number - 1]]
        rows = [("\\midrule\n" if number in begins else "") + row for number, row in enumerate(rows)]
    head = " & ".join(_escaped(name, LATEX) for name in [*table.columns]) + r" \\"
    tabular = [rf"\begin{{tabular}}{{{''.join(kinds)}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    under = [rf"\par\smallskip\footnotesize {_escaped(note, LATEX)}" for note in notes]
    caption = rf"\caption{{{_escaped(title, LATEX)}}}"
    width = sum(table[column].str.len().max() for column, wide in zip(table, long, strict=True) if not wide) if len(table) else 0
    size = r"\scriptsize" if width > WIDE else r"\small"
    return "\n".join([r"\begin{table}", rf"\centering{size}", caption, *tabular, *under, r"\end{table}"]) + "\n"


def _groups_named_once(table: pd.DataFrame) -> list[list[str]]:
    """The cells by row; the first one is blank where it repeats what stands above."""
    rows: list[list[str]] = table.to_numpy(dtype=object).tolist()
    above = [None, *(row[0] for row in rows)]
    return [["" if row[0] == name else row[0], *row[1:]] for row, name in zip(rows, above, strict=False)]


def _is_number(cells: pd.Series) -> bool:
    return len(cells) > 0 and all(cell in ("", MISSING) or NUMBER.fullmatch(cell) for cell in cells)


def _escaped(text: str, characters: dict[str, str]) -> str:
    """With what the format would take for its own."""
    escaped = "".join(characters.get(character, character) for character in text.replace("\n", " "))
    # A minus sign before a number, which is longer than a hyphen.
    return re.sub(r"(?<![\w.])-(?=[0-9])", "$-$", escaped) if characters is LATEX else escaped
