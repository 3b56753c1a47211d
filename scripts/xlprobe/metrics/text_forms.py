"""Inference sets that are measured in two forms of their text count once."""

from collections.abc import Sequence

import pandas as pd

# As their files have them (`datasets.nli_published`).
PUBLISHED = "published"


def in_one_form(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Without rows of sets as published, where the same pair of languages stands in another form, too.

    Args:
        keys: the columns that tell further measurements apart, such as model and task.
    """
    forms = table.groupby([*keys, "source_language", "target_language"], dropna=False)["text_form"].transform("nunique")
    return table[(table["text_form"] != PUBLISHED) | (forms <= 1)]
