"""What learning goes together with: rank correlations of measures with factors of languages, and of measures with each other.

Paper 1, Tables 4 (in language) and 5 (transfer), section 3.2 and Appendix B. Signs are as printed there: bits per character are
lower when better, and "Lang. Sim." is a distance, lower when more similar. Each correlation stands twice, of measures as printed and
of cross-fitted ones, and each has the printed p-value, which takes all values as independent, and one by permutation, of values in
language and of whole languages in transfer (`xlprobe.statistics.correlation`).

Shape letters: N languages' datasets, L languages; LL sources by targets.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.artifacts.tables import read_of_schema, write_table
from xlprobe.metrics.factors import Factors
from xlprobe.metrics.learning import AS_PRINTED, FINAL, NO_INTERVAL
from xlprobe.metrics.text_forms import in_one_form
from xlprobe.metrics.training_outcomes import CURVE, one_language
from xlprobe.statistics import correlation

IN_LANGUAGE, TRANSFER = "in language", "transfer"
PERFORMANCE, STEPS, FORGETTING, ASYMMETRY = "performance", "steps to 95 %", "forgetting", "asymmetry"
PRETRAINING, SOURCE_PRETRAINING, TARGET_PRETRAINING = "pretraining data", "source pretraining data", "target pretraining data"
TASK_DATA, DISTANCE = "task data", "syntactic distance"
SHARE = 0.95
GROUP = ["model", "training_seed", "task", "protocol"]
WITHOUT_PIVOT, WITHOUT_DEGENERATE, WITHOUT_BOTH = "without the pivot", "without degenerate distances", "without both"
# The table's, and what tells which rows are one test.
COLUMNS = [
    *(*GROUP, "setting", "outcome", "factor", "rule", "formula", "value", "p", "permutation_p", "smallest_p", "n_too_small"),
    *("robust_error", "robust_p", "interval", "n", "languages", "alternative", "test"),
]

Row = dict[str, Any]


def write_correlations(
    best: Path, steps: Path, forgetting: Path, asymmetry: Path | None, factors: Path, correlations: Path, alternatives: Path
) -> None:
    """Write the tables `correlations` and `alternatives` (schemas/).

    Args:
        asymmetry: None where there is no transfer.

    Raises:
        XlprobeError: a table is missing or damaged.
    """
    curves = join_measures(
        read_of_schema(best, "best.schema.yaml"),
        read_of_schema(steps, "steps.schema.yaml"),
        read_of_schema(forgetting, "forgetting.schema.yaml"),
    )
    asymmetries = None if asymmetry is None else in_one_form(read_of_schema(asymmetry, "asymmetry.schema.yaml"), GROUP)
    known = Factors.read(factors)
    found = adjusted(correlate(curves, asymmetries, known))
    write_table(found.drop(columns="alternative"), "correlations.schema.yaml", correlations)
    others = [row for name in alternatives_of(known, curves) for row in correlate(curves, asymmetries, known, name)]
    write_table(adjusted(others), "alternatives.schema.yaml", alternatives)


def join_measures(best: pd.DataFrame, steps: pd.DataFrame, forgetting: pd.DataFrame) -> pd.DataFrame:
    """Each curve's performance, steps to 95 % and relative forgetting, as printed and cross-fitted.

    Alignments are left out, as are bits of parallel text, and inference sets as published where they stand in another form, too.
    """
    keys = [*CURVE, "layer", "rule"]
    table = best.rename(columns={"value": PERFORMANCE})[[*keys, PERFORMANCE]]
    parts = {STEPS: steps[np.isclose(steps["share"], SHARE)], FORGETTING: forgetting[forgetting["measure"] == "relative"]}
    for name, part in parts.items():
        table = table.merge(part.rename(columns={"value": name})[[*keys, name]], on=keys)
    return in_one_form(table[(table["task"] != "alignment") & ((table["task"] != "bpc") | (table["split"] == "valid"))], GROUP)


def correlate(curves: pd.DataFrame, asymmetries: pd.DataFrame | None, factors: Factors, alternative: str | None = None) -> Iterator[Row]:
    """The correlations of each model, task and rule; with an alternative, those alone that it changes.

    Args:
        curves: as `join_measures` gives them.
    """
    for key, part in curves.groupby([*GROUP, "rule"], dropna=False):
        shared = dict(zip([*GROUP, "rule"], key, strict=True))
        sources = FactorValues(factors, str(shared["model"]), str(shared["task"]), alternative)
        in_language, transfer = part[part["source"] == part["target"]], part[part["source"] != part["target"]]
        tests = [*_in_language(in_language, sources, alternative is None)] if len(in_language) else []
        if len(transfer):
            own = None if asymmetries is None else _asymmetries_of(asymmetries, shared)
            tests += _of_transfer(transfer, own, sources, alternative is None)
        yield from (shared | {"alternative": alternative} | test for test in tests)
    if alternative is None:
        yield from _between_tasks(curves)


def alternatives_of(factors: Factors, curves: pd.DataFrame) -> list[str]:
    """What paper 1 leaves open: which size a language's text has, and whether the pivot and degenerate distances count."""
    readings = {reading for model in curves["model"].unique() for reading in factors.readings(model)}
    return [*sorted(readings), WITHOUT_PIVOT, WITHOUT_DEGENERATE, WITHOUT_BOTH]


class FactorValues:
    """The factors of some languages, and what of them an alternative changes.

    Args:
        alternative: a reading of pretraining data, or what is left out of distances.
    """

    def __init__(self, factors: Factors, model: str, task: str, alternative: str | None) -> None:
        self._factors, self._model, self._task, self._alternative = factors, model, task, alternative

    def pretraining(self, languages: Sequence[str]) -> np.ndarray | None:
        """GiB of text of each language."""
        return self._changed(lambda reading: [self._factors.pretraining_data(self._model, code, reading) for code in languages])

    def task_data(self, datasets: Sequence[str], languages: Sequence[str]) -> np.ndarray | None:
        """The examples that each dataset has; of bits the text, since that is what they are trained on. Inference has as many in all."""
        if self._task == "bpc":
            return self.pretraining(languages)
        if self._task == "xnli" or self._alternative is not None:
            return None
        return np.array([self._factors.task_data(self._task, name) for name in datasets], dtype=float)

    def distance_to_pivot(self, languages: Sequence[str]) -> np.ndarray | None:
        """Of each language to that with most text."""
        pivot = self._factors.pivot(self._model)
        return None if pivot is None else self._changed(lambda left_out: [self._distance(code, pivot, left_out) for code in languages])

    def distances(self, languages: Sequence[str]) -> np.ndarray | None:
        """Between languages, [L, L], without those to themselves."""

        def between(left_out: str | None) -> np.ndarray:
            pairs = product(languages, languages)
            values = [np.nan if one == other else self._distance(one, other, left_out) for one, other in pairs]
            return np.reshape(values, (len(languages), len(languages)))

        return None if self._alternative == WITHOUT_BOTH else self._changed(between)

    def _distance(self, one: str, other: str, left_out: str | None) -> float:
        is_pivot = left_out in (WITHOUT_PIVOT, WITHOUT_BOTH) and one == other
        degenerate = left_out in (WITHOUT_DEGENERATE, WITHOUT_BOTH) and self._factors.is_degenerate(one, other)
        return np.nan if is_pivot or degenerate else self._factors.distance(one, other)

    def _changed(self, values: Callable[[str | None], Any]) -> np.ndarray | None:
        """A factor under the alternative; None where that leaves it as it is."""
        found = np.array(values(self._alternative), dtype=float)
        same = self._alternative is not None and np.array_equal(found, np.array(values(None), dtype=float), equal_nan=True)
        return None if same else found


def _in_language(curves: pd.DataFrame, factors: FactorValues, also_measures: bool) -> Iterator[Row]:
    languages, datasets = curves["source_language"].tolist(), curves["source"].tolist()
    bits = (curves["task"] == "bpc").any()
    # Paper 1 correlates no forgetting of bits, of which it sees none.
    measured = {name: curves[name].to_numpy(float) for name in (PERFORMANCE, STEPS, FORGETTING) if not (bits and name == FORGETTING)}
    related = {
        PRETRAINING: factors.pretraining(languages),
        TASK_DATA: factors.task_data(datasets, languages),
        DISTANCE: factors.distance_to_pivot(languages),
    }
    tests = [(name, other, related[other]) for name in measured for other in related]
    tests += [(name, other, measured[other]) for name, other in combinations(measured, 2)] if also_measures else []
    for name, other, values in tests:
        if values is not None:
            # Text is a model's task data, which is no further test.
            test = (name, PRETRAINING if bits and other == TASK_DATA else other)
            yield {"setting": IN_LANGUAGE, "outcome": name, "factor": other, "test": test} | _of_values(measured[name], values, languages)


def _of_values(outcome_N: np.ndarray, factor_N: np.ndarray, languages: Sequence[str]) -> Row:
    found = correlation.rank_correlation(outcome_N, factor_N)
    both = {code for code, known in zip(languages, ~np.isnan(outcome_N + factor_N), strict=True) if known}
    return _row(found.rho, found.p, found, found.n, len(both), "rank_correlation")


def _of_transfer(curves: pd.DataFrame, asymmetries: pd.DataFrame | None, factors: FactorValues, also_measures: bool) -> Iterator[Row]:
    languages = sorted({*curves["source_language"]} & {*curves["target_language"]})
    if len(languages) < 2:
        return

    def matrix(table: pd.DataFrame, name: str) -> np.ndarray:
        """Sources by targets, of languages that are both; of several datasets of a language, their mean."""
        by_pair = table.pivot_table(index="source_language", columns="target_language", values=name, aggfunc="mean")
        return np.where(np.eye(len(languages), dtype=bool), np.nan, by_pair.reindex(index=languages, columns=languages).to_numpy(float))

    measured = {name: matrix(curves, name) for name in (PERFORMANCE, STEPS, FORGETTING)}
    text, distances = factors.pretraining(languages), factors.distances(languages)
    sources = curves[curves["source_language"].isin(languages)].drop_duplicates("source")
    examples = factors.task_data(sources["source"].tolist(), sources["source_language"].tolist())
    if examples is not None:
        by_language = sources.assign(examples=examples).groupby("source_language")["examples"].mean()
        examples = by_language.reindex(languages).to_numpy(float)
    # A factor, its values by language, and whether it is the target's.
    of_languages = [(SOURCE_PRETRAINING, text, False), (TARGET_PRETRAINING, text, True), (TASK_DATA, examples, False)]
    for name, outcome_LL in measured.items():
        for other, factor_L, of_targets in of_languages:
            if factor_L is not None:
                permuted = correlation.label_permutation(outcome_LL, factor_L, of_targets=of_targets)
                yield _transfer_row(name, other, outcome_LL, _of_pairs(factor_L, of_targets), permuted)
        of_pairs = {DISTANCE: distances} | ({other: measured[other] for other in _after(name)} if also_measures else {})
        for other, factor_LL in of_pairs.items():
            if factor_LL is not None:
                yield _transfer_row(name, other, outcome_LL, factor_LL, correlation.mantel(outcome_LL, factor_LL))
    if asymmetries is not None:
        outcome_LL, printed = matrix(asymmetries, "value"), AS_PRINTED in {*asymmetries["rule"]}
        for other, factor_L, of_targets in of_languages:
            if factor_L is not None:
                yield _asymmetry_row(other, outcome_LL, factor_L, of_targets, printed)


def _after(name: str) -> list[str]:
    return {PERFORMANCE: [STEPS, FORGETTING], STEPS: [FORGETTING]}.get(name, [])


def _of_pairs(factor_L: np.ndarray, of_targets: bool) -> np.ndarray:
    """A factor of sources is the same along a row, one of targets down a column, [L, L]."""
    factor_LL = np.tile(factor_L[:, None], (1, len(factor_L)))
    return factor_LL.T if of_targets else factor_LL


def _transfer_row(name: str, other: str, outcome_LL: np.ndarray, factor_LL: np.ndarray, permuted: correlation.PermutedLanguages) -> Row:
    """The printed correlation over ordered pairs, with errors and p-values that hold for pairs that share languages."""
    robust = correlation.rank_regression(outcome_LL, factor_LL)
    row = _row(robust.rho, _printed_p(outcome_LL, factor_LL), permuted, robust.n, robust.languages, "rank_regression", robust)
    return {"setting": TRANSFER, "outcome": name, "factor": other, "test": (name, other)} | row


def _asymmetry_row(other: str, outcome_LL: np.ndarray, factor_L: np.ndarray, of_targets: bool, printed: bool) -> Row:
    """As printed: of ordered pairs with the factor of one of their languages; else of unordered ones with the difference between both."""
    # A pair's asymmetry turns its sign with its direction, so that source and target are one test.
    shared = {"setting": TRANSFER, "outcome": ASYMMETRY, "factor": other, "test": (ASYMMETRY, SOURCE_PRETRAINING if of_targets else other)}
    if printed:
        permuted = correlation.label_permutation(outcome_LL, factor_L, of_targets=of_targets)
        return _transfer_row(ASYMMETRY, other, outcome_LL, _of_pairs(factor_L, of_targets), permuted) | shared
    difference_LL = np.subtract.outer(factor_L, factor_L) * (-1 if of_targets else 1)
    robust = correlation.asymmetry_regression(outcome_LL / 2, -factor_L if of_targets else factor_L)
    # No p-value is printed of it.
    permuted = correlation.mantel(outcome_LL, difference_LL)
    return _row(robust.rho, np.nan, permuted, robust.n, robust.languages, "asymmetry_regression", robust) | shared


def _printed_p(outcome_LL: np.ndarray, factor_LL: np.ndarray) -> float:
    """Scipy's, which takes pairs as independent."""
    both_LL = ~np.isnan(outcome_LL + factor_LL) & ~np.eye(len(outcome_LL), dtype=bool)
    one, other = outcome_LL[both_LL], factor_LL[both_LL]
    return float(stats.spearmanr(one, other).pvalue) if len(one) > 2 and np.ptp(one) and np.ptp(other) else np.nan


def _between_tasks(curves: pd.DataFrame) -> Iterator[Row]:
    """Whether languages that forget one task forget another one, too (paper 1: 3.2: "no correlation")."""
    chosen = curves[(curves["source"] == curves["target"]) & (curves["task"] != "bpc")]
    for key, part in chosen.groupby(["model", "training_seed", "protocol", "rule"], dropna=False):
        shared = dict(zip(["model", "training_seed", "protocol", "rule"], key, strict=True)) | {"alternative": None}
        by_language = part.pivot_table(index=part["source_language"].map(one_language), columns="task", values=FORGETTING, aggfunc="mean")
        for one, other in combinations(by_language.columns, 2):
            row = _of_values(by_language[one].to_numpy(), by_language[other].to_numpy(), by_language.index.tolist())
            named = {"task": one, "setting": IN_LANGUAGE, "outcome": FORGETTING, "factor": f"{FORGETTING} in {other}"}
            yield shared | named | {"test": (one, other)} | row


def _asymmetries_of(asymmetries: pd.DataFrame, shared: Mapping[str, Any]) -> pd.DataFrame | None:
    of_group = asymmetries
    for name in GROUP:
        value = shared[name]
        of_group = of_group[of_group[name].isna() if pd.isna(value) else of_group[name] == value]
    # At their own best checkpoints, or both ways at the final one.
    of_rule = of_group[of_group["rule"] == (AS_PRINTED if shared["rule"] == AS_PRINTED else FINAL)]
    return of_rule if len(of_rule) else None


def _row(
    rho: float,
    p: float,
    permuted: correlation.Permuted,
    n: int,
    languages: int,
    formula: str,
    robust: correlation.PairRegression | None = None,
) -> Row:
    return {
        "formula": formula,
        "value": rho,
        "p": p,
        "permutation_p": permuted.permutation_p,
        "smallest_p": permuted.smallest_p,
        "n_too_small": permuted.n_too_small,
        "robust_error": robust.standard_error if robust else np.nan,
        "robust_p": robust.p if robust else np.nan,
        "interval": NO_INTERVAL,
        "n": n,
        "languages": languages,
    }


def adjusted(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a table, with q: the p-value adjusted over the distinct tests of a family (Benjamini & Hochberg).

    A family is of one model, training, protocol, setting, rule and alternative.

    That by permutation, where there is one; else, of twenty values and more in language, the printed one. Two rows that say the same
    count as one test: of two directions of an asymmetry, and of text as pretraining data and as task data.
    """
    table = pd.DataFrame(list(rows), columns=COLUMNS)
    table["q"] = np.nan
    for _, family in table.groupby(["model", "training_seed", "protocol", "setting", "rule", "alternative"], dropna=False):
        p = family["permutation_p"].fillna(family["p"])
        tests = list(zip(family["task"], family["test"], strict=True))
        once = {test: place for place, test in reversed([*enumerate(tests)])}
        q = dict(zip(once, correlation.benjamini_hochberg(p.to_numpy()[[*once.values()]]), strict=True))
        table.loc[family.index, "q"] = [q[test] for test in tests]
    return table.drop(columns="test")
