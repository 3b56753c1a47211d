"""Whether a run is in paper 2's own setting: its languages, layers, sizes and fit; numbers of the paper hold for these alone."""

from collections.abc import Iterator, Mapping

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.finding import NotMeasured
from xlprobe.claims.published import Claim
from xlprobe.claims.setting import differing
from xlprobe.metrics.signature_tables import SIGNATURES
from xlprobe.metrics.training_outcomes import one_language

# "12 layers of 768", with the embeddings 13; and as many components as dimensions (B.2, the authors' call).
LAYERS, HIDDEN = 13, 768


def other_signature_setting(run: JudgedComparison, _claim: Claim, _arguments: Mapping[str, str]) -> str:
    """How the run differs from the paper; empty where it does not."""
    if run.tables.facts.world:
        return "the languages are invented"
    return "; ".join([*_languages(run), *_sizes(run)])


def _languages(run: JudgedComparison) -> Iterator[str]:
    papers = {row["code"] for row in published_rows("published/paper2_table2.tsv")}
    found = {one_language(code) for code in run.tables.facts.compared}
    if how := differing(found, papers):
        yield f"the run {how}"


def _sizes(run: JudgedComparison) -> Iterator[str]:
    try:
        layers, rank = len(run.layers), run.rows(SIGNATURES)["rank"].dropna()
    except NotMeasured as error:
        yield str(error)
        return
    if layers != LAYERS:
        yield f"{layers} layers are compared, not {LAYERS}"
    if len(rank) and int(rank.max()) != HIDDEN:
        yield f"fits have {int(rank.max())} components, not {HIDDEN}"
