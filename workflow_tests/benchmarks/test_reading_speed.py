"""Lines of compressed text against the readers that Python and zstd's package have: first equal, then the times, A/B/A/B.

Times are processor time. Those readers stop in silence at padding (xz), or refuse frames that may be skipped (zstd).
"""

import gzip
import lzma
import statistics
import time
from functools import partial

import numpy as np
import pytest
import speed_claims
from backports import zstd

from xlprobe.files import read_lines

LINES, ROUNDS = 100_000, 5
READERS = {
    "lines of gzip against Python's reader": (gzip, gzip.compress),
    "lines of xz against Python's reader": (lzma, partial(lzma.compress, preset=0)),
    "lines of zstd against its package's reader": (zstd, zstd.compress),
}


@pytest.mark.parametrize("name", READERS)
def test_lines_are_read_as_fast_as_by_a_reader_that_sees_less(tmp_path, name):
    generator, (package, compress) = np.random.default_rng(1), READERS[name]
    words = np.array(["".join(map(chr, generator.integers(97, 123, length))) for length in generator.integers(1, 12, 5000)])
    path = tmp_path / "text"
    path.write_bytes(compress("".join(" ".join(line) + "\n" for line in generator.choice(words, (LINES, 40))).encode()))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        found = [line for _, line in read_lines(path)]
        middle = time.process_time()
        with package.open(path, "rb") as stream:
            expected = [line.removesuffix(b"\n").removesuffix(b"\r").decode() for line in stream]
        ours.append(middle - start)
        theirs.append(time.process_time() - middle)
        assert found == expected and len(found) == LINES
    fast, slow = statistics.median(ours), statistics.median(theirs)
    print(f"\n{LINES:,} lines in {name.split()[2]}: ours {fast:.2f} s, {package.__name__} {slow:.2f} s: {slow / fast:.2f}x")
    speed_claims.hold(name, slow / fast)
