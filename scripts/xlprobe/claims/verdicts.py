"""By what rule a claim is judged: what a run's numbers, and their intervals, say of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from xlprobe.claims.finding import Finding
from xlprobe.claims.published import Claim, Printed

AGREE, DIFFER, UNDECIDED = "agree", "differ", "undecided"
OTHER_SETTING, BY_CONSTRUCTION, NOT_MEASURABLE = "other setting", "by construction", "not measurable"
VERDICTS = {
    AGREE: "the run says the same, as far as its interval tells",
    DIFFER: "the run says otherwise, as far as its interval tells",
    UNDECIDED: "the run's interval allows both",
    NOT_MEASURABLE: "this run, or any, cannot tell",
    OTHER_SETTING: "the claim is of the paper's own languages, checkpoints or model, and this run has others",
    BY_CONSTRUCTION: "counts and settings that a run takes over: nothing is tested",
}
# Of these it says something about the claim.
COUNTED = (AGREE, DIFFER, UNDECIDED, NOT_MEASURABLE)
ANY, PAPER, CONSTRUCTION = "any", "paper", "construction"
SCOPES = (ANY, PAPER, CONSTRUCTION)
SIGNIFICANT = 0.05
NO_INTERVAL_TO_HOLD = "no interval can be had that would hold the printed number or not"
ABSOLUTE_BITS = "absolute bits per character cannot be compared: the text that the paper measures them on is not published"

# How a rule is said; what stands in braces is the threshold.
RULES = {
    "equals": "the printed number",
    "equals either": "the printed number, by one of them",
    "absolute bits": "",
    "above": "above {}",
    "at least": "at least {}",
    "below": "below {}",
    "at most": "at most {}",
    "signs": "{}",
    "same sign": "all above 0, or all below 0",
    "significant": "p below 0.05 for {}, and for no other",
    "no correlation": "each within {} of 0",
    "not judged": "",
}


class Verdict(NamedTuple):
    """What is said of a claim, and why."""

    verdict: str
    why: str


def asked(claim: Claim) -> str:
    """What is asked of a run, in words; nothing where nothing can be."""
    if claim.rule == "signs":
        return ", ".join(f"{part} {_sign_text(sign)}" for part, sign in _by_part(claim.threshold).items())
    return RULES[claim.rule].format(claim.threshold.replace("; ", ", "))


def _sign_text(sign: str) -> str:
    return {"+": "above 0", "-": "below 0"}.get(sign) or f"within {sign.removeprefix('~')} of 0"


def judge(claim: Claim, findings: Sequence[Finding], other_setting: str = "") -> Verdict:
    """The verdict on a claim.

    Args:
        other_setting: how the run differs from the paper; empty where it does not.
    """
    if claim.scope == CONSTRUCTION:
        return Verdict(BY_CONSTRUCTION, _sentences(_reasons(findings, findings)))
    if claim.scope == PAPER and other_setting:
        return Verdict(OTHER_SETTING, _sentences([other_setting, *_reasons(findings, findings)]))
    if claim.rule == "absolute bits":
        return Verdict(NOT_MEASURABLE, ABSOLUTE_BITS)
    findings = [finding for finding in findings if not finding.beside]
    usable = [finding for finding in findings if not finding.why]
    if not usable:
        return Verdict(NOT_MEASURABLE, _sentences(_reasons(findings, findings)))
    if claim.rule == "same sign":
        return _of_same_sign(usable, findings)
    several = claim.printed[:1] * len(findings) if claim.rule == "equals either" else claim.printed
    numbers = [*several, *[None] * len(findings)][: len(findings)]
    each = [judge_part(claim, finding, number) for finding, number in zip(findings, numbers, strict=True) if not finding.why]
    return _together(each, usable, findings, one_is_enough=claim.rule == "equals either")


def judge_part(claim: Claim, finding: Finding, printed: Printed | None) -> Verdict:
    """The verdict on one number of a claim."""
    match claim.rule:
        case "equals" | "equals either":
            return _equals(finding, printed)
        case "above" | "at least" | "below" | "at most":
            return _compared(finding, claim.rule, claim.threshold)
        case "signs":
            return _sign(finding, _by_part(claim.threshold).get(finding.part, ""))
        case "significant":
            return _significance(finding, expected=finding.part in claim.threshold.split("; "))
        case "no correlation":
            return _uncorrelated(finding, float(claim.threshold))
    raise ValueError(f"{claim.id}: no rule is called {claim.rule}")


def _by_part(threshold: str) -> dict[str, str]:
    """`POS -; XNLI ~2`: what is asked of each part."""
    return {part: asked for part, _, asked in (each.rpartition(" ") for each in threshold.split("; "))}


def _equals(finding: Finding, printed: Printed | None) -> Verdict:
    if printed is None:
        return Verdict(NOT_MEASURABLE, "the paper prints no such number")
    least, most = printed.value - printed.half_unit, printed.value + printed.half_unit
    if finding.low is not None and finding.high is not None:
        return Verdict(AGREE if finding.low <= most and finding.high >= least else DIFFER, "")
    rounds = any(number is not None and least <= number <= most for number in (finding.value, finding.honest))
    return Verdict(AGREE, "") if rounds else Verdict(NOT_MEASURABLE, NO_INTERVAL_TO_HOLD)


def _compared(finding: Finding, rule: str, asked_for: str) -> Verdict:
    """Held against a number, which may have a unit behind it."""
    threshold = float(asked_for.partition(" ")[0])
    if finding.low is not None and finding.high is not None:
        low, high, why = finding.low, finding.high, ""
    else:
        low = high = finding.deciding or 0.0
        why = "no interval; the cross-fitted number decides" if finding.honest is not None else "no interval; the number itself decides"
    above = {"above": low > threshold, "at least": low >= threshold, "below": low >= threshold, "at most": low > threshold}[rule]
    below = {"above": high <= threshold, "at least": high < threshold, "below": high < threshold, "at most": high <= threshold}[rule]
    holds, fails = (above, below) if rule in ("above", "at least") else (below, above)
    if not holds and not fails:
        return Verdict(UNDECIDED, f"{asked_for} lies in the interval")
    return Verdict(AGREE if holds else DIFFER, why)


def _sign(finding: Finding, asked: str) -> Verdict:
    if asked in ("+", "-"):
        return _compared(finding, "above" if asked == "+" else "below", "0")
    if not asked.startswith("~"):
        raise ValueError(f"nothing is asked of {finding.part}")
    reach = asked.removeprefix("~")
    sides = [_compared(finding, "above", f"-{reach}"), _compared(finding, "below", reach)]
    if any(side.verdict == DIFFER for side in sides):
        return Verdict(DIFFER, "")
    return next((side for side in sides if side.verdict == UNDECIDED), sides[0])


def _significance(finding: Finding, expected: bool) -> Verdict:
    if finding.p is None:
        return Verdict(NOT_MEASURABLE, "it has no p-value")
    if finding.p < SIGNIFICANT:
        return Verdict(AGREE, "") if expected else Verdict(DIFFER, "p is below 0.05")
    return Verdict(UNDECIDED, "p is not below 0.05, which does not say that there is nothing") if expected else Verdict(AGREE, "")


def _uncorrelated(finding: Finding, reach: float) -> Verdict:
    if finding.p is not None and finding.p < SIGNIFICANT:
        return Verdict(DIFFER, "p is below 0.05")
    if finding.low is None or finding.high is None:
        return Verdict(NOT_MEASURABLE, NO_INTERVAL_TO_HOLD)
    near = -reach < finding.low and finding.high < reach
    return Verdict(AGREE, "") if near else Verdict(UNDECIDED, f"the interval reaches beyond {reach:g} from 0")


def _of_same_sign(usable: Sequence[Finding], findings: Sequence[Finding]) -> Verdict:
    if len(usable) < 2:
        return Verdict(NOT_MEASURABLE, _sentences(["it takes two parts to compare", *_reasons(findings, findings)]))
    signs = {side for finding in usable for side in ("above", "below") if _compared(finding, side, "0").verdict == AGREE}
    if len(signs) == 2:
        return Verdict(DIFFER, "one is above 0, another below")
    sure = all(any(_compared(finding, side, "0").verdict == AGREE for side in signs) for finding in usable)
    return Verdict(AGREE if sure else UNDECIDED, _sentences(_reasons(findings, usable)))


def _together(each: Sequence[Verdict], usable: Sequence[Finding], findings: Sequence[Finding], one_is_enough: bool) -> Verdict:
    """Of several parts: agree if all do, differ if one does; what is not measured is left out and named.

    A part whose number is there, but says nothing (too few languages), or cannot be held against the printed one, leaves a claim
    undecided where the others agree.
    """
    judged = [verdict for verdict, _ in each if verdict != NOT_MEASURABLE]
    counted = Counter(judged)
    if not judged:
        found = NOT_MEASURABLE
    elif one_is_enough:
        found = next(verdict for verdict in (AGREE, UNDECIDED, DIFFER) if counted[verdict])
    else:
        found = next(verdict for verdict in (DIFFER, UNDECIDED, AGREE) if counted[verdict])
    said = [f"{counted[found]} of {len(findings)} parts {_plural(found)}"] if len(findings) > 1 and found != NOT_MEASURABLE else []
    own = dict.fromkeys(why for verdict, why in each if why and verdict == found)
    # What is left out, with its parts' names.
    pairs = [replace(finding, why=why) for finding, (verdict, why) in zip(usable, each, strict=True) if verdict == NOT_MEASURABLE != found]
    unsure = [finding for finding in findings if finding.why and finding.value is not None]
    open_parts = found == AGREE and (pairs or unsure) and not one_is_enough
    return Verdict(
        UNDECIDED if open_parts else found,
        _sentences([*said, *own, *_reasons(findings, [*pairs, *(finding for finding in findings if finding.why)])]),
    )


def _plural(verdict: str) -> str:
    return {UNDECIDED: "are undecided"}.get(verdict, verdict)


def _reasons(findings: Sequence[Finding], of: Sequence[Finding]) -> list[str]:
    """Why numbers decide nothing; where several share a reason, their parts together."""
    parts: dict[str, list[str]] = {}
    for finding in of:
        if finding.why:
            parts.setdefault(finding.why, []).append(finding.part)
    shared = len(parts) == 1 and len(findings) == len(next(iter(parts.values())))
    return [why if shared or _names(why, named) else f"{', '.join(filter(None, named))}: {why}" for why, named in parts.items()]


def _names(why: str, parts: Sequence[str]) -> bool:
    """Whether a reason says of what part it is."""
    return not any(parts) or all(why.startswith(part) or f"language {part} " in why for part in parts)


def _sentences(parts: Sequence[str]) -> str:
    return "; ".join(part for part in parts if part)
