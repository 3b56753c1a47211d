"""What the trials of faults share: how many to make, and what is printed at the end."""

import os
from collections import Counter

import pytest

COUNTED = ("kills survived", "changes judged", "inputs tried", "wrong science caught")
_counts: Counter[str] = Counter()


def amount(full: int) -> int:
    """How many trials to make of `full`: a tenth in the short version (XLPROBE_FAULTS=short), and never none."""
    return max(1, full // 10) if os.environ.get("XLPROBE_FAULTS") == "short" else full


def count(what: str, number: int = 1) -> None:
    """Add to what `make test-faults` says at its end."""
    assert what in COUNTED, what
    _counts[what] += number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End in what was tried."""
    for what in COUNTED:
        if _counts[what]:
            terminalreporter.write_line(f"{what}: {_counts[what]:,}")
