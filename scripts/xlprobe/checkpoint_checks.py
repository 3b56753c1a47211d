"""Checks that look at a model's checkpoints together."""

from collections.abc import Sequence


def out_of_line(losses: Sequence[float], tolerance: float = 0.05, deviations: float = 6.0) -> list[bool]:
    """Flag the values that jump out of line with their neighbours.

    A value's residual is its distance from the straight line between its unflagged neighbours (at the ends: from the
    nearest one, upwards only). The largest residual is flagged while it exceeds both `tolerance` of the value expected
    and `deviations` times the median absolute residual; then the rest is looked at again without it.

    Args:
        losses: one value a step, in order of steps; the values are taken as evenly spaced.
    """
    flagged = [False] * len(losses)
    while True:
        kept = [index for index, flag in enumerate(flagged) if not flag]
        if len(kept) < 4:
            return flagged
        residuals = []
        for place, index in enumerate(kept):
            if 0 < place < len(kept) - 1:
                before, after = kept[place - 1], kept[place + 1]
                share = (index - before) / (after - before)
                expected = losses[before] + share * (losses[after] - losses[before])
                residuals.append((abs(losses[index] - expected), expected))
            elif place == len(kept) - 1:
                expected = losses[kept[place - 1]]
                residuals.append((max(0.0, losses[index] - expected), expected))
            else:
                residuals.append((0.0, losses[index]))
        usual = sorted(size for size, _ in residuals)[len(residuals) // 2]
        worst = max(range(len(kept)), key=lambda place: residuals[place][0])
        size, expected = residuals[worst]
        if size <= tolerance * abs(expected) or size <= deviations * usual:
            return flagged
        flagged[kept[worst]] = True
