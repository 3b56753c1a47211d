"""What the trials of faults share: how many to make."""

import os

SHORT = os.environ.get("XLPROBE_FAULTS") == "short"


def amount(full: int) -> int:
    """How many trials to make of `full`: a tenth in the short version (XLPROBE_FAULTS=short), and never none."""
    return max(1, full // 10) if SHORT else full
