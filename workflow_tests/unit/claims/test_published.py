"""The claims of both papers as they stand in their tables: each can be measured, judged and read."""

import pytest

from xlprobe.claims.measures import MEASURES, arguments_of, read_arguments
from xlprobe.claims.papers import PAPER1, PAPER2
from xlprobe.claims.published import Claim, read_claims
from xlprobe.claims.verdicts import RULES, SCOPES, asked

PAPERS = {"p1": PAPER1, "p2": PAPER2}
CLAIMS = {claim.id: claim for paper in PAPERS.values() for claim in read_claims(paper.name)}


def measures_of(identity):
    return PAPERS[identity.partition("-")[0]].measures


@pytest.mark.parametrize(("paper", "count"), [("p1", 137), ("p2", 79)])
def test_each_claim_stands_under_its_own_id(paper, count):
    assert [claim.id for claim in read_claims(PAPERS[paper].name)] == [f"{paper}-{number:03}" for number in range(1, count + 1)]


@pytest.mark.parametrize("identity", CLAIMS)
def test_a_claim_names_a_measure_with_its_arguments_a_rule_and_a_scope(identity):
    claim = CLAIMS[identity]
    read_arguments(measures_of(identity)[claim.measure], arguments_of(claim.arguments))
    assert claim.rule in RULES and claim.scope in SCOPES
    assert (claim.rule == "not judged") == (claim.scope == "construction" or claim.measure == "not_measurable")
    if claim.rule in ("above", "at least", "below", "at most", "no correlation"):
        float(claim.threshold.partition(" ")[0])
    else:
        assert bool(claim.threshold) == (claim.rule in ("signs", "significant"))
    if claim.rule.startswith("equals"):
        assert claim.printed
    assert asked(claim) or claim.rule in ("not judged", "absolute bits")


@pytest.mark.parametrize("paper", PAPERS.values(), ids=lambda paper: paper.name)
def test_every_measure_is_asked_by_a_claim(paper):
    assert {claim.measure for claim in read_claims(paper.name)} == {*paper.measures}
    assert {*paper.asked_again} <= {*paper.measures}
    assert all(paper.part_of(claim.section) for claim in read_claims(paper.name))


@pytest.mark.parametrize("identity", CLAIMS)
def test_a_claim_says_in_words_what_its_arguments_say(identity):
    """What is printed to be read agrees with what is computed."""
    claim, arguments = CLAIMS[identity], arguments_of(CLAIMS[identity].arguments)
    assert claim.how_measured
    if "share" in arguments:
        assert f"{float(arguments['share']) * 100:g} % of" in claim.how_measured
    if "step" in arguments:
        assert f"step {float(arguments['step']) / 1000:g}k" in claim.how_measured
    if claim.measure == "correlation":
        assert ("pairs" in claim.how_measured) == (arguments["setting"] == "transfer")
        assert ("distance" in claim.how_measured) == (arguments["factor"] == "syntactic distance")
        assert ("loss" in claim.how_measured) == (arguments["outcome"] == "forgetting")
        assert ("step to 95 %" in claim.how_measured) == ("steps to 95 %" in (arguments["outcome"], arguments["factor"]))


def test_arguments_that_a_measure_does_not_take_are_refused():
    with pytest.raises(ValueError, match="early_share takes"):
        read_arguments(MEASURES["early_share"], {"tasks": "pos"})
    read = read_arguments(MEASURES["after_step"], arguments_of("task=pos; share=0.98; step=200000; counted=languages"))
    assert read == {"task": "pos", "share": 0.98, "step": 200000.0, "counted": "languages"}
    assert read_arguments(MEASURES["curves_that_forget"], arguments_of("tasks=pos xnli"))["tasks"] == ["pos", "xnli"]


@pytest.mark.parametrize(
    ("value", "numbers"),
    [
        ("0.36 to 1.86", [(0.36, 0.005), (1.86, 0.005)]),
        ("0.609* vs 0.652", [(0.609, 0.0005), (0.652, 0.0005)]),
        ("115k", [(115_000, 500)]),
        ("1.5M", [(1_500_000, 50_000)]),
        ("12 of 13 languages", [(12, 0.5), (13, 0.5)]),
        ("about 21%", [(21, 0.5)]),
        ("14.2 F1", [(14.2, 0.05)]),
        ("ρ=-0.50 (p<<0.001)", [(-0.50, 0.005)]),
        ("ρ from -0.13 to -0.42", [(-0.13, 0.005), (-0.42, 0.005)]),
        ("mean 1.10 (0.67 to 2.20)", [(1.10, 0.005), (0.67, 0.005), (2.20, 0.005)]),
        ("POS -0.322*; Arc Pred. -0.338*", [(-0.322, 0.0005), (-0.338, 0.0005)]),
        ("mBERT .60 / .35; XLM .81 / .56; MMTE .28 / -", [(0.6, 0.005), (0.35, 0.005), (0.81, 0.005), (0.56, 0.005), (0.28, 0.005)]),
        ("-0.65 / -0.28 / -0.02", [(-0.65, 0.005), (-0.28, 0.005), (-0.02, 0.005)]),
        ("minimum at layer 6", [(6, 0.5)]),
        ("qualitative", []),
    ],
)
def test_printed_numbers_are_read_with_their_rounding(value, numbers):
    fields = dict.fromkeys(Claim.__dataclass_fields__, "") | {"value": value}
    assert [(one.value, pytest.approx(one.half_unit)) for one in Claim(**fields).printed] == numbers


def test_scopes_of_some_claims():
    """Numbers of the paper's model hold for it alone; what it says of models is asked of any; counts are taken over."""
    by_scope = {scope: {claim.id for claim in CLAIMS.values() if claim.scope == scope} for scope in SCOPES}
    assert {"p1-010", "p1-016", "p1-071", "p1-130"} <= by_scope["construction"]
    assert {"p1-022", "p1-028", "p1-042", "p1-046", "p1-059", "p1-085", "p1-112", "p1-119", "p1-134"} <= by_scope["paper"]
    assert {"p1-001", "p1-004", "p1-005", "p1-033", "p1-037", "p1-066", "p1-135"} <= by_scope["any"]


def test_what_is_odd_in_print_is_named():
    for identity, words in {
        "p1-006": "59 is 44 + 15",
        "p1-059": "7.67",
        "p1-128": "2.93",
        "p1-102": "one star",
        "p1-079": "what its stars mean",
        "p1-096": "opposite",
        "p1-097": "-0.795**",
        "p1-015": "zh twice",
    }.items():
        assert words in CLAIMS[identity].note
