"""Draws of clusters of test sentences with replacement, by name."""

from collections.abc import Sequence

import numpy as np

from xlprobe.seeds import derive_seed


def draws(name: Sequence[str], clusters: int, resamples: int) -> np.ndarray:
    """How often each resample takes each cluster, [resamples, clusters] in float32; the same draws for the same name and number."""
    generator = np.random.default_rng(derive_seed("bootstrap", *name))
    taken_RC = np.empty((resamples, clusters), dtype=np.float32)
    for taken_C in taken_RC:
        taken_C[:] = np.bincount(generator.integers(clusters, size=clusters), minlength=clusters)
    return taken_RC
