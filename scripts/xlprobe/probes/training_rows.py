"""How the training of probes went, and which probes are not to be trusted: one row a probe, flagged with a reason.

Four signs that scores say more of the training than of the vectors:

- **cap**: a probe was still getting better when it had to stop.
- **seeds disagree**: on the same dev examples one seed's probe is more than AGREEMENT better than another's, and that is no
  chance of dev's examples: the hypothesis that all seeds do equally well is rejected by Cochran's Q (1950), which counts only
  the examples that they judge differently. Seeds that have converged differ by less.
- **loss falling**: probes lost their patience while their loss on dev still fell, by more than FALL from the epoch that was
  kept to the last one, mean over seeds. Accuracy on a small dev set stands still for a few epochs long before training is
  done: on seven treebanks of 300 sentences the default, 2 to 5 points below converged probes, has losses that fall by 0.5 to
  1.3 %, or meets the cap; where training is done they rise.
- **first epoch**: nothing after a probe's first epoch was better, so that what is scored is hardly trained.

Shape letters: S seeds, N examples.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import chdtrc

from xlprobe.artifacts.training_reasons import CAP, FIRST_EPOCH, LOSS_FALLING, REASONS, SEEDS_DISAGREE
from xlprobe.probes.linear_probe import ProbeTraining

# Of accuracy: what the project calls close to the reference.
AGREEMENT = 0.02
# Many layers and datasets are looked at, so that few of them are flagged by chance.
SIGNIFICANCE = 0.001
FALL = 0.005
# By protocol, what to raise.
REMEDIES = {
    "paper": {CAP: "probes.epochs", SEEDS_DISAGREE: "probes.patience", LOSS_FALLING: "probes.patience", FIRST_EPOCH: "probes.patience"},
    "converged": {CAP: "probes.converged.iterations"},
}
ELSE = {
    "paper": "probes.learning_rate where it is small, or set probes.protocol: converged",
    "converged": "or leave the largest of probes.converged.inverse_strengths out",
}


def training_rows(training: Sequence[ProbeTraining], epochs: Sequence[int], right_SN: np.ndarray | None = None) -> list[dict[str, Any]]:
    """A row for each seed's probe of one task and layer.

    Args:
        training, epochs: of each seed.
        right_SN: whether each is right on each example of dev; None where seeds are not comparable, as they learn other labels.
    """
    of_all = [SEEDS_DISAGREE] if right_SN is not None and seeds_disagree(right_SN) else []
    if loss_falls(training):
        of_all.append(LOSS_FALLING)
    return [
        {
            "seed": seed,
            "stopped_by": one.stopped_by,
            "epochs": epochs[seed],
            "best_epoch": one.best_epoch,
            "inverse_strength": one.inverse_strength,
            "dev_accuracy": one.kept.accuracy,
            "dev_loss": one.kept.loss,
            "dev_loss_at_stop": one.last.loss,
            "dev_examples": one.kept.examples,
            "dev_unknown": one.kept.examples - one.kept.known,
            "flag": "; ".join(_reasons(one) + of_all) or None,
        }
        for seed, one in enumerate(training)
    ]


def _reasons(training: ProbeTraining) -> list[str]:
    """What the training of one probe alone tells."""
    at_once = training.stopped_by == "patience" and training.best_epoch == 1
    return [CAP] * (training.stopped_by == CAP) + [FIRST_EPOCH] * at_once


def seeds_disagree(right_SN: np.ndarray) -> bool:
    """Whether probes do differently well on the same examples, by more than AGREEMENT and more than chance allows."""
    accuracies_S = right_SN.mean(axis=1)
    return bool(np.ptp(accuracies_S) > AGREEMENT and cochran_q(right_SN) < SIGNIFICANCE)


def cochran_q(right_SN: np.ndarray) -> float:
    """The p-value of Cochran's Q: that probes which are equally good differ so much on the same examples.

    >>> float(cochran_q(np.array([[1, 1, 0, 1], [1, 1, 0, 1]])))
    1.0
    """
    n_seeds = len(right_SN)
    of_seed_S, of_example_N = right_SN.sum(axis=1, dtype=np.float64), right_SN.sum(axis=0, dtype=np.float64)
    spread = n_seeds * of_example_N.sum() - (of_example_N**2).sum()
    if not spread:
        return 1.0
    q = (n_seeds - 1) * (n_seeds * (of_seed_S**2).sum() - of_seed_S.sum() ** 2) / spread
    # The share of the chi-squared distribution beyond q; `scipy.stats` takes longer to import than to use.
    return float(chdtrc(n_seeds - 1, q))


def loss_falls(training: Sequence[ProbeTraining]) -> bool:
    """Whether probes that stopped for want of patience, as most seeds did, still had a falling loss on dev, mean over seeds."""
    out_of_patience = [one for one in training if one.stopped_by == "patience"]
    if not out_of_patience:
        return False
    kept, last = (np.mean([getattr(one, moment).loss for one in out_of_patience]) for moment in ("kept", "last"))
    return bool(last < (1 - FALL) * kept)


def summary(rows: Sequence[Mapping[str, Any]], what: str, protocol: str) -> str:
    """One line with counts for a log and, where some are flagged, a sentence on what to do."""
    flags = [row["flag"].split("; ") if row["flag"] else [] for row in rows]
    counts = {reason: sum(reason in flag for flag in flags) for reason in REASONS}
    found = [f"{reason} {count}" for reason, count in counts.items() if count]
    line = f"{what}: {sum(map(bool, flags))} of {len(rows)} probes flagged ({protocol})"
    if not found:
        return line
    remedies = dict.fromkeys(REMEDIES[protocol][reason] for reason, count in counts.items() if count)
    advice = ", ".join([*remedies, ELSE[protocol]])
    return f"{line}: {', '.join(found)}; their scores say something of the training, too: raise {advice}"
