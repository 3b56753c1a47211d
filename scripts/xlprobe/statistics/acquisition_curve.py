"""When a curve is learned, by a sigmoid on the logarithm of the step, which smooths over single checkpoints.

Shape letters: C checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit
from scipy.special import expit, logit

# A sigmoid has four parameters.
FEWEST_STEPS = 5


@dataclass(frozen=True)
class Acquisition:
    """A sigmoid y = start + (end - start) / (1 + exp(-slope (x - middle))) of x = log(step), fitted up to the best checkpoint."""

    start: float
    end: float
    slope: float
    middle: float
    first: int  # step
    last: int  # step of the best checkpoint

    def value(self, step: float) -> float:
        """What the sigmoid is at a step."""
        return float(self.start + (self.end - self.start) * expit(self.slope * (np.log(step) - self.middle)))

    def step_to_share(self, share: float) -> tuple[float, bool]:
        """The step at which it comes to a share of what it is at the best checkpoint, and whether that lies before the first one.

        Of what is better when lower, its inverse comes to that share, as in `xlprobe.metrics.measures.relative_performance`.
        """
        best = self.value(self.last)
        aimed = share * best if self.end > self.start else best / share
        if (aimed - self.value(self.first)) * (self.end - self.start) <= 0:
            return float(self.first), True
        return float(np.exp(self.middle + logit((aimed - self.start) / (self.end - self.start)) / self.slope)), False


def fit_acquisition(steps: Sequence[int], values_C: np.ndarray, higher_is_better: bool) -> Acquisition | None:
    """The sigmoid of a curve's rise to its best checkpoint, by least squares with free asymptotes.

    None where the best comes before the fifth checkpoint, where nothing rises, or where no sigmoid is found.
    """
    best = int(values_C.argmax() if higher_is_better else values_C.argmin())
    if best + 1 < FEWEST_STEPS or values_C[best] == values_C[0]:
        return None
    x_C, y_C = np.log(steps[: best + 1]), values_C[: best + 1]
    # Both from 0 to 1, so that starts and bounds fit any curve.
    width, height = x_C[-1] - x_C[0], y_C[-1] - y_C[0]
    place_C, share_C = (x_C - x_C[0]) / width, (y_C - y_C[0]) / height

    def sigmoid(slope: float, middle: float) -> tuple[float, float, np.ndarray]:
        """The start and the rise that fit best with a slope and a middle, and the sigmoid from 0 to 1."""
        sigmoid_C = expit(slope * (place_C - middle))
        off_C = sigmoid_C - sigmoid_C.mean()
        rise = max(float(off_C @ share_C / max(off_C @ off_C, 1e-12)), 0)
        return float(share_C.mean() - rise * sigmoid_C.mean()), rise, sigmoid_C

    def fitted(_: np.ndarray, slope: float, middle: float) -> np.ndarray:
        start, rise, sigmoid_C = sigmoid(slope, middle)
        return start + rise * sigmoid_C

    # Two parameters alone are searched for; with all four it takes ten times as long, and may fail.
    half = float(place_C[int((share_C >= 0.5).argmax())])
    try:
        (slope, middle), _ = curve_fit(fitted, place_C, share_C, (5, min(half, 0.99)), bounds=([0.1, -1], [200, 1]), max_nfev=500)
    except RuntimeError:
        return None
    start, rise, _ = sigmoid(slope, middle)
    if not rise * slope > 0:
        return None
    return Acquisition(
        start=float(y_C[0] + height * start),
        end=float(y_C[0] + height * (start + rise)),
        slope=float(slope / width),
        middle=float(x_C[0] + width * middle),
        first=steps[0],
        last=steps[best],
    )
