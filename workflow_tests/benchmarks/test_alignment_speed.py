"""Word alignment against the simalign package, sentence by sentence: first the links are equal, then the times, A/B/A/B.

Times are processor time of one thread. What limits ours are the products of the similarities; the package's similarity goes
through scikit-learn, and its itermax makes an identity matrix and several others anew in each round.
"""

import statistics
import time

import numpy as np
import speed_claims
from simalign import SentenceAligner

from xlprobe.alignment.word_alignment import itermax, similarity

PAIRS, LAYERS, DIMENSIONS, ROUNDS = 200, 3, 768, 3


def bitext() -> list[tuple[np.ndarray, np.ndarray]]:
    """Vectors of sentence pairs of 5 to 50 words, each word near its translation, in the precision that features have in use."""
    random = np.random.default_rng(1)
    pairs = []
    for _ in range(PAIRS * LAYERS):
        source = random.standard_normal((random.integers(5, 50), DIMENSIONS)).astype(np.float32)
        target = source[random.permutation(len(source))[: random.integers(4, len(source) + 1)]]
        pairs.append((source, target + 1.5 * random.standard_normal(target.shape).astype(np.float32)))
    return pairs


def simaligns_links(source_SD: np.ndarray, target_TD: np.ndarray) -> np.ndarray:
    return SentenceAligner.iter_max(SentenceAligner.get_similarity(source_SD, target_TD)) > 0


def test_itermax_is_faster_than_simalign():
    pairs = bitext()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        found = [itermax(similarity(*pair)) for pair in pairs]
        middle = time.process_time()
        expected = [simaligns_links(*pair) for pair in pairs]
        ours.append(middle - start)
        theirs.append(time.process_time() - middle)
        assert all(np.array_equal(mine, other) for mine, other in zip(found, expected, strict=True))
    fast, slow = statistics.median(ours), statistics.median(theirs)
    print(f"\n{PAIRS} sentence pairs x {LAYERS} layers: ours {fast:.2f} s, simalign {slow:.2f} s: {slow / fast:.1f}x")
    speed_claims.hold("itermax against simalign", slow / fast)
