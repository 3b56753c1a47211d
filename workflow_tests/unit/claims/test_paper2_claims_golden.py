"""Paper 2's claims, from planted signatures to their table: held to a golden file, and to numbers that are worked out by hand."""

import os

import pandas as pd
import pytest
from planted_paper2 import FACTS, WEIGHTS, write_paper2_run

from xlprobe.claims.judging import write_claims
from xlprobe.files import write_json
from xlprobe.paths import PROJECT

GOLDEN = PROJECT / "workflow_tests" / "golden" / "paper2_claims.csv"
RENEW = "XLPROBE_RENEW_GOLDEN"
ADVICE = (
    f"If the change is meant, {RENEW}=1 python -m pytest workflow_tests/unit/claims/test_paper2_claims_golden.py writes {GOLDEN.name} anew;"
    " what this module works out must still hold"
)
COLUMNS = ["id", "verdict", "ours", "second_verdict", "second", "why"]


@pytest.fixture(scope="module")
def claims(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    write_paper2_run(folder)
    for name in ("config", "environment"):
        write_json(folder / f"{name}.json", {})
    tables = sorted((folder / "metrics").glob("*.parquet"))
    paths = [folder / f"paper2.{ending}" for ending in ("parquet", "csv", "md")]
    write_claims(tables, FACTS, folder / "config.json", folder / "environment.json", *paths)
    found = pd.read_csv(folder / "paper2.csv", dtype=str, keep_default_na=False)[COLUMNS]
    if os.environ.get(RENEW):
        found.to_csv(GOLDEN, index=False)
    return found


def test_claims_are_as_the_golden_file(claims):
    golden = pd.read_csv(GOLDEN, dtype=str, keep_default_na=False)
    differing = claims.compare(golden) if claims.shape == golden.shape else claims
    assert differing.empty, f"{differing}\n\n{ADVICE}"


def test_numbers_that_follow_by_arithmetic(claims):
    """See golden/paper2/README.md for what is planted."""
    ours, second = (claims.set_index("id")[name] for name in ("ours", "second"))
    # The mean over languages falls by a seventh of its mean over layers; of the second verdict it rises by a thirteenth.
    assert ours["p2-021"].startswith(f"{-100 / 7:.1f} %") and second["p2-021"].startswith(f"{100 / 13:.1f} %")
    # r with the lists V and W, which a, b and c give at each layer, mean over layers.
    roots = [sum(weight**2 for weight in weights) ** 0.5 for weights in WEIGHTS]
    with_v, with_w = (sum(weights[place] / root for weights, root in zip(WEIGHTS, roots, strict=True)) / 7 for place in (1, 2))
    assert ours["p2-033"].startswith(f"{with_v:.3f} ") and ours["p2-034"].startswith(f"{with_w:.3f} ")
    # All six languages fall, and none is among those that the paper names: five differ.
    assert ours["p2-023"].startswith("fall: 6; languages: 6") and ours["p2-024"].startswith("languages that differ: 5; here: none")
    # German, English and Swedish make a clade; joint and standardised, two of them do.
    assert ours["p2-054"].startswith("Germanic: 100.0 %") and second["p2-054"].startswith("Germanic: 66.7 %")
