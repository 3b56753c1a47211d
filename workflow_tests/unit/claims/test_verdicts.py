"""Each verdict, by each rule: planted numbers flip it."""

import pytest

from xlprobe.claims.finding import Finding
from xlprobe.claims.published import Claim
from xlprobe.claims.verdicts import (
    ABSOLUTE_BITS,
    AGREE,
    BY_CONSTRUCTION,
    DIFFER,
    NOT_MEASURABLE,
    OTHER_SETTING,
    RULES,
    UNDECIDED,
    asked,
    judge,
)


def claim(rule, threshold="", value="qualitative", scope="any"):
    names = dict.fromkeys(("id", "section", "statement", "how_measured", "measure", "arguments", "note"), "")
    return Claim(**names, value=value, rule=rule, threshold=threshold, scope=scope)


def number(value, low=None, high=None, **others):
    return Finding(value=value, low=low, high=high, **others)


COMPARED = [
    # rule, threshold, wholly on the side, across, wholly on the other
    ("above", "5", (5.1, 7), (5, 7), (3, 5)),
    ("at least", "5", (5, 7), (4.9, 7), (3, 4.9)),
    ("below", "5", (3, 4.9), (3, 5), (5, 7)),
    ("at most", "5", (3, 5), (3, 5.1), (5.1, 7)),
]


@pytest.mark.parametrize(("rule", "threshold", "inside", "across", "outside"), COMPARED)
def test_an_interval_decides_by_the_side_it_lies_on(rule, threshold, inside, across, outside):
    for (low, high), verdict in ((inside, AGREE), (across, UNDECIDED), (outside, DIFFER)):
        # The number itself says the contrary, and decides nothing.
        found = judge(claim(rule, threshold), [number(-99 if "a" in rule else 99, low, high, honest=0.0)])
        assert found.verdict == verdict, (low, high)
    assert judge(claim(rule, threshold), [number(1, *across)]).why == "5 lies in the interval"


@pytest.mark.parametrize(("rule", "agrees", "differs"), [("above", 6, 4), ("at least", 5, 4), ("below", 4, 6), ("at most", 5, 6)])
def test_without_an_interval_the_cross_fitted_number_decides_and_says_so(rule, agrees, differs):
    found = judge(claim(rule, "5"), [number(differs, honest=float(agrees))])
    assert (found.verdict, found.why) == (AGREE, "no interval; the cross-fitted number decides")
    assert judge(claim(rule, "5"), [number(agrees, honest=float(differs))]).verdict == DIFFER
    # Nothing was chosen: it decides itself.
    found = judge(claim(rule, "5"), [number(agrees)])
    assert (found.verdict, found.why) == (AGREE, "no interval; the number itself decides")


def test_an_open_interval_decides_as_far_as_it_goes():
    assert judge(claim("above", "5"), [number(9, 6, float("inf"))]).verdict == AGREE
    assert judge(claim("above", "5"), [number(9, 4, float("inf"))]).verdict == UNDECIDED
    assert judge(claim("below", "5"), [number(9, float("-inf"), 4)]).verdict == AGREE


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (7.0, 6.0, 7.585, AGREE),  # 7.585 is printed as 7.59
        (7.0, 6.0, 7.58, DIFFER),
        (7.8, 7.595, 8.0, AGREE),
        (7.8, 7.6, 8.0, DIFFER),
        (7.59, 7.7, 8.0, DIFFER),  # the interval decides where there is one
        (7.589, None, None, AGREE),
        (7.6, None, None, NOT_MEASURABLE),
    ],
)
def test_a_printed_number_is_held_within_its_rounding(value, low, high, verdict):
    assert judge(claim("equals", value="7.59 points"), [number(value, low, high)]).verdict == verdict


def test_printed_steps_are_as_round_as_they_are_printed():
    for step, verdict in ((114_500, AGREE), (115_499, AGREE), (115_600, DIFFER), (114_400, DIFFER)):
        assert judge(claim("equals", value="115k"), [number(0, step, step)]).verdict == verdict


def test_one_of_two_ways_to_take_a_number_is_enough():
    ways = [number(5, 4, 6), number(7.5, 7, 8)]
    assert judge(claim("equals either", value="7.59"), ways).verdict == AGREE
    assert judge(claim("equals", value="7.59"), ways).verdict == DIFFER
    assert judge(claim("equals either", value="7.59"), [ways[0], number(2, 1, 3)]).verdict == DIFFER


def test_numbers_are_held_to_those_at_their_place():
    one, other = number(0.1, 0.0, 0.2, part="POS"), number(-0.4, -0.5, -0.3, part="XNLI")
    assert judge(claim("equals", value="POS 0.113*; XNLI -0.423**"), [one, other]).verdict == AGREE
    found = judge(claim("equals", value="POS 0.113*; XNLI -0.423**"), [other, one])
    assert (found.verdict, found.why) == (DIFFER, "2 of 2 parts differ")


def test_of_several_parts_one_that_differs_is_enough_and_what_is_not_measured_is_named():
    agrees, differs, spans = number(6, 5.5, 7, part="a"), number(4, 3, 4.5, part="b"), number(5, 4, 6, part="c")
    absent = Finding(part="d", why="it is not measured")
    rule = claim("above", "5")
    assert judge(rule, [agrees, agrees]).verdict == AGREE
    assert judge(rule, [agrees, spans]).verdict == UNDECIDED
    found = judge(rule, [agrees, spans, differs])
    assert (found.verdict, found.why) == (DIFFER, "1 of 3 parts differ")
    found = judge(rule, [agrees, absent])
    assert (found.verdict, found.why) == (AGREE, "1 of 2 parts agree; d: it is not measured")
    found = judge(rule, [absent, Finding(part="e", why="it is not measured")])
    assert (found.verdict, found.why) == (NOT_MEASURABLE, "it is not measured")


def test_a_number_that_is_another_one_and_has_no_interval_leaves_a_claim_undecided():
    base, replica = number(70.0, part="base"), number(87.3, 87.0, 87.6, part="replica")
    found = judge(claim("equals", value="89.65* vs 87.20"), [base, replica])
    assert found.verdict == UNDECIDED and found.why.startswith("1 of 2 parts agree; base: no interval")
    assert judge(claim("equals", value="89.65* vs 87.20"), [number(89.65, part="base"), replica]).verdict == AGREE


def test_a_number_that_cannot_decide_does_not():
    assert judge(claim("above", "0"), [number(1, 0.5, 2, why="n too small: 4 values")]) == (NOT_MEASURABLE, "n too small: 4 values")


def test_what_is_shown_beside_decides_nothing():
    converged = number(1, 0.5, 2, part="converged probes", beside=True)
    assert judge(claim("above", "5"), [number(7, 6, 8), converged]).verdict == AGREE


def test_signs_are_asked_of_each_part():
    rule = claim("signs", "POS -; Arc Pred. +; XNLI (transfer) ~2")
    parts = {"POS": (-2, -1), "Arc Pred.": (1, 2), "XNLI (transfer)": (-1.5, 1.9)}

    def verdict(**changed):
        return judge(rule, [number(0, *ends, part=part) for part, ends in (parts | changed).items()]).verdict

    assert verdict() == AGREE
    assert verdict(POS=(1, 2)) == DIFFER
    assert verdict(POS=(-1, 1)) == UNDECIDED
    assert verdict(**{"XNLI (transfer)": (2.1, 3)}) == verdict(**{"XNLI (transfer)": (-3, -2)}) == DIFFER
    assert verdict(**{"XNLI (transfer)": (1, 3)}) == UNDECIDED
    assert asked(rule) == "POS below 0, Arc Pred. above 0, XNLI (transfer) within 2 of 0"


def test_all_of_one_sign():
    above, below, both = number(1, 0.5, 2), number(-1, -2, -0.5), number(0, -1, 1)
    rule = claim("same sign")
    assert judge(rule, [above, above]).verdict == judge(rule, [below, below]).verdict == AGREE
    assert judge(rule, [above, below, above]).verdict == DIFFER
    assert judge(rule, [above, both]).verdict == judge(rule, [both, both]).verdict == UNDECIDED
    assert judge(rule, [above]).verdict == NOT_MEASURABLE


def test_significance_is_asked_of_some_parts_and_of_no_other():
    rule = claim("significant", "BPC; XNLI")

    def verdict(bits, pos, nli):
        found = [number(0.5, part=part, p=p) for part, p in (("BPC", bits), ("POS", pos), ("XNLI", nli))]
        return judge(rule, found).verdict

    assert verdict(0.01, 0.3, 0.04) == AGREE
    assert verdict(0.01, 0.04, 0.04) == DIFFER
    # What is not found may be there.
    assert verdict(0.01, 0.3, 0.06) == UNDECIDED


def test_no_correlation_takes_an_interval_that_stays_near_0():
    rule = claim("no correlation", "0.5")
    assert judge(rule, [number(0.1, -0.3, 0.49, p=0.5)]).verdict == AGREE
    assert judge(rule, [number(0.1, -0.3, 0.51, p=0.5)]).verdict == UNDECIDED
    assert judge(rule, [number(0.4, 0.1, 0.49, p=0.03)]).verdict == DIFFER
    assert judge(rule, [number(0.1, p=0.5)]).verdict == NOT_MEASURABLE


def test_the_scope_comes_first():
    agrees = [number(7, 6, 8)]
    assert judge(claim("above", "5", scope="construction"), agrees).verdict == BY_CONSTRUCTION
    assert judge(claim("above", "5", scope="paper"), agrees, "the languages are invented") == (OTHER_SETTING, "the languages are invented")
    assert judge(claim("above", "5", scope="paper"), agrees).verdict == AGREE
    # A statement about any model is held against invented languages, too.
    assert judge(claim("above", "5"), agrees, "the languages are invented").verdict == AGREE


def test_absolute_bits_never_agree():
    same = [number(0.36, 0.3, 0.4), number(1.86, 1.8, 1.9)]
    assert judge(claim("absolute bits", value="0.36 to 1.86", scope="paper"), same) == (NOT_MEASURABLE, ABSOLUTE_BITS)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "not judged"])
def test_every_rule_is_known_to_the_judge(rule):
    threshold = {"signs": " +", "significant": "a"}.get(rule, "1")
    found = judge(claim(rule, threshold, value="1"), [number(2.0, 1.5, 3.0, p=0.5), number(2.0, 1.5, 3.0, p=0.5)])
    assert found.verdict in (AGREE, DIFFER, UNDECIDED, NOT_MEASURABLE)
    assert isinstance(asked(claim(rule, threshold)), str)


def test_a_rule_that_is_unknown_is_a_fault():
    with pytest.raises(ValueError, match="no rule is called over"):
        judge(claim("over", "1"), [number(1.0)])
