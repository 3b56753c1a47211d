"""Arc prediction (paper 1, section 2.2): whether the second word of a pair is the first one's head, or drawn at random.

Paper 1 does not say how words that are not linked are drawn; after Liu, Gardner et al. 2019, whose code
draws one a word (`xlprobe.datasets.pairs`).
"""

import pandas as pd

from xlprobe.tasks.declaration import ProbeTask


def arc(pairs: pd.DataFrame) -> pd.Series:
    """`arc` or `no arc`, as many of each: an arc whose sentence has no third word to draw is no example."""
    return pairs["relation"].notna().map({True: "arc", False: "no arc"}).where(pairs["negative"].notna())


TASK = ProbeTask(name="arc_prediction", title="Arc prediction", metric="accuracy", direction="higher", version=1, data="pairs", label=arc)
