"""What `make bench` holds: for each claim about speed a bound, which holds on any processor, and a goal; it ends in a table of both.

A ratio is the time of what a user would write without us over ours, both measured on this machine. Processors differ in it (caches,
vector units, memory), so that a bound is well below the goal, and a document that gives a ratio names the processor.
"""

import platform
import re
from collections.abc import Iterator
from pathlib import Path

# What is compared: the bound and the goal of the ratio.
CLAIMS = {
    "itermax against simalign": (1.5, 3.0),
    "binarisation against fairseq-preprocess": (4.0, 10.0),
    "bits of masked subwords against the whole vocabulary's": (2.5, 5.0),
    "search for test text against a set of windows": (2.0, 4.0),
    "extraction against a loop over sentences": (1.2, 1.5),
    "extraction in bfloat16 against a loop in float32": (1.5, 3.0),
    "probes of 17 tags against a DataLoader loop": (1.5, 3.0),
    "probes of pairs, 2 classes": (2.0, 5.0),
    "probes of pairs, 40 classes": (1.3, 2.0),
    "probes of 17 tags, shared order": (3.0, 7.0),
    "converged probes of 17 tags against scikit-learn": (1.5, 2.0),
    "converged probes of pairs, 2 classes": (2.0, 3.0),
    "lines of gzip against Python's reader": (0.8, 1.0),
    "lines of xz against Python's reader": (0.8, 1.0),
    "lines of zstd against its package's reader": (0.8, 1.0),
    "PARAFAC2 at rank 10 against tensorly, to equal residual": (0.7, 1.0),
    "PARAFAC2 at rank 100 against tensorly, to equal residual": (1.4, 1.8),
    "PARAFAC2 at rank 768 against tensorly, an iteration": (2.0, 3.0),
    # A job's time over that of looking for damage in what it reads: 20 is 5 %.
    "training of probes over its checksums": (20.0, 50.0),
    "transfer of 8 sources' probes over its checksums": (20.0, 25.0),
    "extraction over its checksums": (20.0, 40.0),
}
_measured: dict[str, float] = {}


def hold(claim: str, ratio: float) -> None:
    """Note a claim's ratio for the table, and hold its bound."""
    _measured[claim] = ratio
    assert ratio > CLAIMS[claim][0], f"{claim}: {ratio:.2f}x, but {CLAIMS[claim][0]}x holds on any processor"


def table() -> Iterator[str]:
    """The claims measured so far; no line where there is none."""
    if _measured:
        yield f"Times as fast on {_processor()}:"
        yield f"{'':<56}{'here':>7}{'bound':>8}{'goal':>7}"
    for claim, ratio in _measured.items():
        bound, goal = CLAIMS[claim]
        yield f"{claim:<56}{ratio:>6.1f}x{bound:>7.1f}x{goal:>6.1f}x{'' if ratio >= goal else '  below the goal'}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", information.read_text()) if information.exists() else None
    return found[1] if found else platform.processor() or platform.machine()
