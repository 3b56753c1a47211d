"""Grammatical number (UD's feature Number): a word without it is no example. Not in paper 1."""

import pandas as pd

from xlprobe.tasks.declaration import ProbeTask


def number(words: pd.DataFrame) -> pd.Series:
    """The value of Number, e.g. Sing; Number[psor], a possessor's, is another feature."""
    return words["feats"].str.extract(r"(?:^|\|)Number=([^|]+)", expand=False)


TASK = ProbeTask(name="number", title="Grammatical number", metric="accuracy", direction="higher", version=1, data="words", label=number)
