"""Control tasks (Hewitt & Liang 2019): random labels of word forms, which a probe can only learn by heart."""

import numpy as np
import pandas as pd

from xlprobe.seeds import derive_seed


def control_labels(examples: pd.DataFrame, train: pd.DataFrame, *identity: str | int) -> pd.Series:
    """Labels of a control task (Hewitt & Liang 2019, section 2): each word form gets one at random, as often as train has it.

    A probe can win it by learning forms by heart alone. Of a pair, the first word's form decides, as in their control task
    for dependencies; forms that train never has get a label, too, which nothing tells.

    Args:
        examples: all of the dataset; the same forms get the same label in each split.
        identity: what draws the labels, e.g. task, dataset and seed number.
    """
    forms = examples["form"].astype("category")
    generator = np.random.default_rng(derive_seed("control task", *identity))
    drawn = generator.choice(train["label"].to_numpy(), size=len(forms.cat.categories))
    return pd.Series(drawn[forms.cat.codes], index=examples.index)
