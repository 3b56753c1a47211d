"""Arc classification (paper 1, section 2.2): the universal relation between a word and its head.

Paper 1 does not say whether subtypes count; that they do not is our choice, since languages name them each in their own way.
"""

import pandas as pd

from xlprobe.tasks.declaration import ProbeTask


def universal_relation(pairs: pd.DataFrame) -> pd.Series:
    """The relation without its subtype: `nsubj` of `nsubj:pass`."""
    return pairs["relation"].str.partition(":")[0]


TASK = ProbeTask(
    name="arc_classification",
    title="Arc classification",
    metric="accuracy",
    direction="higher",
    version=1,
    data="pairs",
    label=universal_relation,
)
