"""Whether a run is in paper 2's own setting: its languages, layers and fits; numbers of the paper hold for these alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.finding import NotMeasured
from xlprobe.claims.measures import SIGNATURE_MEASURES
from xlprobe.claims.published import Claim, read_claims
from xlprobe.claims.setting import differing
from xlprobe.metrics.last_signatures import AS_PRINTED
from xlprobe.metrics.signature_tables import SIGNATURES
from xlprobe.metrics.training_outcomes import one_language

# The claim that says how many layers the models have, and of what size (B.2).
ARCHITECTURE = "p2-017"
# How the authors' call is made.
CALL = {"iterations": 100, "nonnegative": True}


def other_signature_setting(run: JudgedComparison, claim: Claim, _arguments: Mapping[str, str]) -> str:
    """How the run differs from the paper in what a claim is about; empty where it does not."""
    if run.tables.facts.world:
        return "the languages are invented"
    return "; ".join([*_languages(run), *(_fits(run) if claim.measure in SIGNATURE_MEASURES else ())])


def _languages(run: JudgedComparison) -> Iterator[str]:
    papers = {row["code"] for row in published_rows("published/paper2_table2.tsv")}
    if how := differing({one_language(code) for code in run.tables.facts.compared}, papers):
        yield f"the run {how}"


@cache
def _size() -> tuple[int, int]:
    """How many layers the paper compares, the embeddings among them, and the components of a fit: as many as a layer has dimensions."""
    layers, hidden, *_ = next(claim.printed for claim in read_claims("paper2") if claim.id == ARCHITECTURE)
    return int(layers.value) + 1, int(hidden.value)


def _fits(run: JudgedComparison) -> Iterator[str]:
    """Of the fits as printed, where the run has them; those of the second verdict differ from these by their nature."""
    papers_layers, papers_rank = _size()
    for way in dict.fromkeys((AS_PRINTED, run.way)):
        of_way = replace(run, way=way)
        try:
            layers, rank = len(of_way.layers), of_way.rows(SIGNATURES)["rank"].dropna()
        except NotMeasured:
            # The claim itself says so, unless there are others.
            continue
        if layers != papers_layers:
            yield f"{layers} layers are compared, not {papers_layers}"
        if len(rank) and int(rank.max()) != papers_rank:
            yield f"fits have {int(rank.max())} components, not {papers_rank}"
        break
    section = run.configuration.get("signatures") or {}
    yield from (f"fits have {key} {section[key]}, not {own}" for key, own in CALL.items() if section.get(key, own) != own)
