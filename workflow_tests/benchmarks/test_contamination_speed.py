"""The search for test text in a corpus against a set of windows in Python: first equal, then the times, A/B/A/B.

Times are processor time of one thread.
"""

import re
import statistics
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import speed_claims

from xlprobe.contamination.search import WINDOW, SentenceSearch, letters_of, text_blocks
from xlprobe.files import atomic_zstd_writer

ROUNDS = 2
BYTES = 8 * 10**6


class Work:
    """A corpus of random words, and 2,000 sentences, of which every tenth is quoted in it."""

    def __init__(self, folder: Path) -> None:
        generator = np.random.default_rng(1)
        letters = np.array([*"aaeeiinnrrssttdhlouçéöж"])
        words = ["".join(generator.choice(letters, length)) for length in generator.integers(1, 12, 20_000)]
        chance = 1 / np.arange(1, len(words) + 1)
        drawn = generator.choice(words, 1_600_000, p=chance / chance.sum())
        lines = [" ".join(drawn[start : start + 40]).capitalize() + "." for start in range(0, len(drawn), 40)]
        self.sentences = [" ".join(generator.choice(words, 18)) for _ in range(2_000)]
        lines[: 200 * 150 : 150] = [f"“{sentence}”, they say" for sentence in self.sentences[::10]]
        self.path = folder / "train.txt.zst"
        with atomic_zstd_writer(self.path) as stream:
            stream.write("\n\n".join(lines).encode()[:BYTES].decode(errors="ignore").encode())


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Work:
    return Work(tmp_path_factory.mktemp("corpus"))


def compared(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())


def set_of_windows(work: Work) -> list[bool]:
    """As a user writes it: of each window of the sentences, whether it stands in a document."""
    parts = [compared(sentence) for sentence in work.sentences]
    windows = [part[start : start + WINDOW] for part in parts for start in range(len(part) - WINDOW + 1)]
    wanted, found = {*windows}, set()
    for document in "".join(text_blocks(work.path)).split("\n\n"):
        text = compared(document)
        found.update(window for start in range(len(text) - WINDOW + 1) if (window := text[start : start + WINDOW]) in wanted)
    return [window in found for window in windows]


def test_test_text_is_searched_for_faster_than_by_a_set_of_windows(work):
    letters_of("")
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        start = time.process_time()
        sentences, windows, _ = SentenceSearch(work.sentences).search(text_blocks(work.path))
        middle = time.process_time()
        expected = set_of_windows(work)
        times["ours"].append(middle - start)
        times["theirs"].append(time.process_time() - middle)
    assert windows.tolist() == expected and 0 < sum(expected) < len(expected) / 5 and 100 < sentences.sum() <= 201
    short, long = statistics.median(times["ours"]), statistics.median(times["theirs"])
    print(
        f"\n{BYTES / 10**6:.0f} MB of text, {len(windows):,} windows, one thread: ours {short:.2f} s ({BYTES / 10**6 / short:.0f} MB/s),"
        f" a set of windows {long:.2f} s: {long / short:.1f}x"
    )
    speed_claims.hold("search for test text against a set of windows", long / short)


PEAK = """
import sys
from pathlib import Path
from test_contamination_speed import *
work = object.__new__(Work)
work.path, work.sentences = Path(sys.argv[1]), sys.argv[2:]
SentenceSearch(work.sentences).search(text_blocks(work.path))
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_a_long_text_takes_no_more_memory_than_a_short_one(work, tmp_path):
    short = tmp_path / "short.txt.zst"
    with atomic_zstd_writer(short) as stream:
        stream.write(next(iter(text_blocks(work.path))).encode())
    peaks = []
    for path in (short, work.path):
        command = [sys.executable, "-c", PEAK, str(path), *work.sentences[:200]]
        done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)})
        assert done.returncode == 0, done.stderr[-4000:]
        peaks.append(int(done.stdout) * 1024)
    print(f"\n{peaks[0] / 2**20:.0f} MiB in all for 0.3 MB of text, {peaks[1] / 2**20:.0f} MiB for 8 MB")
    assert peaks[1] < peaks[0] + 20 * 2**20 < 500 * 2**20
