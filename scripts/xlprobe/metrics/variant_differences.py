"""What a variant changes: mean signatures in it, and in the main comparison, language by language.

Romanised text against the native script (paper 2, 5.1 and Figure 2b), a language with a tenth of its text, and drawn more often (5.2 and
D), a published model in place of E. Values of two fits have no common scale, so that beside their difference stands where a language lies
among the others of its own fit: its distance from their mean, in units of their standard deviation.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.metrics.last_signatures import PLACE, PUBLISHED, TRAINING, trainings

SCHEMA = "variant_differences.schema.yaml"
# Fewer others have no standard deviation that says much.
FEWEST_OTHERS = 3
_CELL = ["language", *PLACE]

# By variant and language: the text that E is pretrained on; None of a model that is pretrained elsewhere.
Texts = Mapping[str, Mapping[str, str | None]]
Row = dict[str, Any]


def difference_rows(table: pd.DataFrame, main: str, texts: Texts) -> list[Row]:
    """The rows of `variant_differences`: of each comparison but the main one, each language and place of it.

    A training of a variant is held against the main comparison's of the same seed, or against its only one.

    Args:
        table: as from `last_rows`.
        main: the name of the main comparison in the configuration.
        texts: by variant and language.
    """
    parts = [(names, with_places_among_others(part)) for names, part in trainings(table)]
    of_main = {names["training_seed"]: (names, part) for names, part in parts if names["variant"] == main}
    rows: list[Row] = []
    for names, part in parts:
        if names["variant"] == main:
            continue
        seed = names["training_seed"]
        held = of_main.get(seed) or (next(iter(of_main.values())) if len(of_main) == 1 else None)
        rows += _rows(names, part, held, main, texts)
    return rows


def with_places_among_others(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a comparison, with `others`, other languages that have a value at the place, and `z`, the distance from their mean.

    z is (value - mean) / sd, both of the others, sd by n - 1; missing where there are fewer than three, or these do not vary.
    """
    parts = [rows.head(0).assign(others=0, z=np.nan)]
    for _, part in rows.groupby([*PLACE], sort=False):
        others_L, z_L = _among_others(part["mean_published"].to_numpy(dtype=float, na_value=np.nan))
        parts.append(part.assign(others=others_L, z=z_L))
    return pd.concat(parts).sort_index()


def _among_others(value_L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many others of some languages have a value, and z; [L] both."""
    others_LL = np.where(np.eye(len(value_L), dtype=bool), np.nan, value_L)
    others_L, z_L = (~np.isnan(others_LL)).sum(axis=1), np.full(len(value_L), np.nan)
    for place, (value, of_others) in enumerate(zip(value_L, others_LL, strict=True)):
        found = of_others[~np.isnan(of_others)]
        if len(found) >= FEWEST_OTHERS and np.ptp(found):
            z_L[place] = (value - found.mean()) / found.std(ddof=1)
    return others_L, z_L


def _rows(names: Row, part: pd.DataFrame, held: tuple[Row, pd.DataFrame] | None, main: str, texts: Texts) -> list[Row]:
    main_names, main_part = held or (None, None)
    of_main = {} if main_part is None else {tuple(row[name] for name in _CELL): row for row in _records(main_part)}
    found = []
    for row in _records(part):
        cell = of_main.get(tuple(row[name] for name in _CELL))
        value, main_value = row["mean_published"], cell["mean_published"] if cell else None
        own, other = texts[names["variant"]].get(row["language"]), texts[main].get(row["language"])
        found.append(
            {name: names[name] for name in TRAINING}
            | {name: row[name] for name in _CELL}
            | {
                "signature": PUBLISHED,
                "main": main,
                "main_model": main_names["model"] if main_names else None,
                "main_step": main_names["step"] if main_names else None,
                "value": value,
                "main_value": main_value,
                "difference": None if value is None or main_value is None else value - main_value,
                "others": row["others"],
                "z": row["z"],
                "main_others": cell["others"] if cell else None,
                "main_z": cell["z"] if cell else None,
                "text": own,
                "main_text": other,
                "own_text_differs": None if own is None or other is None else own != other,
                "reason": _reason(row, cell, main, held is None) or None,
            }
        )
    return found


def _reason(row: Row, cell: Row | None, main: str, is_unpaired: bool) -> str:
    """Why there is no difference; else why there is no z, in either fit."""
    if row["mean_published"] is None:
        return str(row["reason"])
    if is_unpaired:
        return f"{main} has no training of this seed, and several others"
    if cell is None:
        return f"{main} has no such language, category, layer, fit or scale"
    if cell["mean_published"] is None:
        return f"in {main}: {cell['reason']}"
    for name, found in (("", row), (f"in {main}: ", cell)):
        if found["others"] < FEWEST_OTHERS:
            return f"{name}n too small: {found['others']} other languages, of which a z needs {FEWEST_OTHERS}"
        if found["z"] is None:
            return f"{name}the other languages do not vary, so that there is no z"
    return ""


def _records(part: pd.DataFrame) -> list[Row]:
    columns = [*_CELL, "mean_published", "reason", "others", "z"]
    return [{str(name): None if pd.isna(value) else value for name, value in row.items()} for row in part[columns].to_dict("records")]
