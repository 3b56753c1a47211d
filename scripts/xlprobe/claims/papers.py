"""The papers whose claims are held against a run: by which measures, in what setting, and what their table says at its head."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.finding import JudgedRun
from xlprobe.claims.measures import MEASURES, SETTING_MEASURES, SIGNATURE_MEASURES, Measure
from xlprobe.claims.published import Claim
from xlprobe.claims.setting import other_setting
from xlprobe.claims.signature_setting import other_signature_setting

_ONE_DIFFERS = "Of a claim with several parts, one part that differs is enough to differ."


@dataclass(frozen=True, kw_only=True)
class ClaimedPaper:
    """A paper, as its claims are judged and shown.

    Attributes:
        name: of its table, `resources/published/<name>_claims.tsv`.
        measures: by name, what claims are measured by.
        asked_again: those that a second verdict asks again.
        other_setting: how a run differs from the paper in what a claim, with its arguments, is about; empty where it does not.
        made_by: who makes the claims, up to their number in the sentence.
        parts: of the shown table, by how the claims' sections begin; the first that fits takes a claim.
        reading: how to read it, a paragraph each.
    """

    name: str
    title: str
    measures: Mapping[str, Measure]
    asked_again: Collection[str]
    other_setting: Callable[[Any, Claim, Mapping[str, str]], str]
    made_by: str
    parts: Mapping[str, tuple[str, ...]]
    reading: Sequence[str]

    def part_of(self, section: str) -> str:
        """The part of the table that a claim stands in."""
        return next(part for part, starts in self.parts.items() if section.startswith(starts))


PAPER1 = ClaimedPaper(
    name="paper1",
    title="paper 1",
    measures=MEASURES,
    asked_again=(),
    other_setting=other_setting,
    made_by="Paper 1, its poster and its first version make",
    parts={
        "Abstract, introduction and model": ("Abstract", "1", "2"),
        "In language": ("3",),
        "Transfer": ("4",),
        "Layers": ("5", "C"),
        "What learning goes together with": ("B",),
        "Other sections, appendix and other versions": ("",),
    },
    reading=(
        "Each number is taken by the paper's own way first. That way often chooses the best checkpoint or layer on the sentences that it"
        " is measured on, so that it is too good. The cross-fitted number is chosen on other sentences. Where there is an interval, it"
        " decides: a claim agrees or differs if the whole interval does. Where there is none, the cross-fitted number decides, and"
        f" the last column says so. {_ONE_DIFFERS}",
        "Intervals cover test sentences and the seeds of probes; those of correlations cover languages. They do not cover other"
        " trainings of the model. A number over several curves has an interval that is wider than it need be: from what all lower ends"
        " give together to what all upper ends give.",
    ),
)
PAPER2 = ClaimedPaper(
    name="paper2",
    title="paper 2",
    measures=SIGNATURE_MEASURES | SETTING_MEASURES,
    asked_again=SIGNATURE_MEASURES,
    other_setting=other_signature_setting,
    made_by="Paper 2 makes",
    parts={
        "Abstract and introduction": ("Abstract", "1"),
        "Method, models and text": ("2", "3", "4", "A", "B", "Limitations"),
        "Over layers and categories (first question)": ("5.1",),
        "Related languages and little text (second question)": ("5.2",),
        "Trees of languages (third question)": ("E.1", "5.3/Fig5"),
        "Scores of tasks (third question)": ("5.3/T1", "E.2"),
        "Other statements on trees and tasks": ("",),
    },
    reading=(
        "Each number is taken by the paper's own way first: signatures of raw covariances, fitted layer by layer. The mean of such a"
        " signature grows with the vectors of a model, so that layers are hard to compare. The second verdict asks the same of signatures"
        " of standardised vectors, all layers in one fit. Where both say otherwise, a claim hangs on how signatures are taken.",
        "Where a number has an interval, it decides: a claim agrees or differs if the whole interval does. Where there is none, the number"
        f" itself decides, and the last column says so. {_ONE_DIFFERS}",
        "Intervals of correlations cover languages, those of slopes take layers to be independent. None covers other trainings of the"
        " models. Scores of tasks are XTREME's where a file has them (config key signatures.task_scores); the run's own scores are a"
        " stand-in, and decide nothing.",
    ),
)


def paper_of(run: JudgedRun | JudgedComparison) -> ClaimedPaper:
    """The paper whose claims are held against a run."""
    return PAPER1 if isinstance(run, JudgedRun) else PAPER2
