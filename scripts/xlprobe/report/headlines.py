"""What a run found, in sentences: each is made of the numbers in its tables, names their rule, and says how sure they are."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from xlprobe.claims.verdicts import SIGNIFICANT
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.curves import WORD_GROUPS
from xlprobe.metrics.learning import AS_PRINTED, CROSS_FITTED, FINAL
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.statistics.language_noise import MeanOverLanguages, mean_over_languages, sentence_half_width

IN_LANGUAGE_TASKS = ("pos", "arc_prediction", "arc_classification", "xnli", "bpc", "alignment")
TRANSFER_TASKS = ("pos", "arc_prediction", "arc_classification", "xnli")
# Of fewer languages, an interval over languages would be wider than what it is of.
FEWEST = 5


def headlines(tables: ModelTables, level: float = 0.95) -> dict[str, list[str]]:
    """The sentences of a model's findings, by subject; a subject of which nothing is measured is left out.

    Args:
        level: that of the run's intervals, which those over languages have, too.
    """
    found = {"How good": [*_levels(tables, level)]} | {subject: [*sentences(tables)] for subject, sentences in SUBJECTS.items()}
    return {subject: sentences for subject, sentences in found.items() if sentences}


def shown(task: str, value: float) -> str:
    """A score as text: bits with two digits behind the point, all else in per cent."""
    return f"{value:.2f}" if task == "bpc" else f"{100 * value:.1f} %"


def _signed(value: float, digits: int) -> str:
    """A number with its sign; 0 has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not float(text) else text


def counted(n: int, what: str) -> str:
    """A number with its noun: 1 language, 2 languages."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def _noises(task: str, mean: MeanOverLanguages, sentences: float) -> str:
    """How far a mean over languages may lie off, where that is known."""
    scale, unit, digits = (1, "", 2) if task == "bpc" else (100, " points", 1)
    languages = (mean.high - mean.low) / 2 if mean.n >= FEWEST else np.nan
    known = [(languages, f"over {_units(task)}s"), (sentences, "over test sentences")]
    parts = [f"±{scale * half:.{digits}f}{unit} {what}" for half, what in known if not np.isnan(half)]
    return f" ({', '.join(parts)})" if parts else ""


def _units(task: str) -> str:
    return {"alignment": "bitext"}.get(task, "language")


def _by_language(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    """The value of each language, or bitext, and the ends of its interval: of several datasets their means, as in Table 3."""
    codes = rows["language"] if task in ("bpc", "alignment") else rows["source_language"].map(one_language)
    return rows[["value", "low", "high"]].astype(float).groupby(codes).mean(skipna=False)


def _over_sentences(rows: pd.DataFrame, *, shared: bool) -> float:
    return sentence_half_width(rows["low"].to_numpy(float), rows["high"].to_numpy(float), shared=shared)


def _levels(tables: ModelTables, level: float) -> Iterator[str]:
    for task in IN_LANGUAGE_TASKS:
        final = tables.curves("best", task, IN_LANGUAGE)
        final = final[final["rule"] == FINAL]
        scores = tables.last_layer(tables.curves("scores", task, IN_LANGUAGE))
        if not len(final) or not len(scores):
            continue
        first = scores[scores["step"] == scores["step"].min()]
        by_language = _by_language(final, task)
        mean = mean_over_languages(by_language["value"].to_numpy(), level)
        # XNLI's test sets are translations of each other.
        half = _over_sentences(by_language, shared=task == "xnli")
        sentence = (
            f"{tables.task(task).title}: {shown(task, mean.value)} at the final checkpoint, mean over {counted(mean.n, _units(task))}"
            f"{_noises(task, mean, half)}; {shown(task, _by_language(first, task)['value'].mean())} at step {first['step'].iloc[0]:,}"
        )
        above = _above_baseline(tables, task, final)
        yield sentence + (f"; {above}." if above else ".")
    for group in WORD_GROUPS:
        scores = tables.last_layer(tables.curves("scores", "pos", IN_LANGUAGE, metric=f"accuracy_{group}"))
        steps = pd.Series({step: _by_language(rows, "pos")["value"].mean() for step, rows in scores.groupby("step")}, dtype=float)
        if len(steps) > 1:
            baselines = tables.baselines("pos", IN_LANGUAGE, metric=f"accuracy_{group}")
            baseline = _by_language(baselines[baselines["model"] == "word_type"], "pos")["value"].mean()
            first, final = steps.index.min(), steps.index.max()
            languages = counted(len(_by_language(scores, "pos")), "language")
            yield (
                f"Part of speech of {group} words, whose form alone does not tell it: {shown('pos', steps[final])} at the final"
                f" checkpoint, {shown('pos', steps[first])} at step {first:,} (mean of {languages};"
                f" baseline {shown('pos', baseline)})."
            )


def _above_baseline(tables: ModelTables, task: str, final: pd.DataFrame) -> str | None:
    """How many curves end better than the best baseline on their test set."""
    gates = tables.curves("gates", task, IN_LANGUAGE).set_index("source")["baseline"].dropna()
    known = final[final["source"].isin(gates.index)]
    if not len(known):
        return None
    baseline_N = gates.loc[known["source"]].to_numpy()
    lower = tables.task(task).direction == "lower"
    better_N = known["high"].to_numpy(float) < baseline_N if lower else known["low"].to_numpy(float) > baseline_N
    than = f"the best baseline ({shown(task, baseline_N.mean())})"
    return f"{int(better_N.sum())} of {counted(len(known), 'curve')} end better than {than} by more than their interval"


def _acquisition(tables: ModelTables) -> Iterator[str]:
    for setting, tasks in ((IN_LANGUAGE, IN_LANGUAGE_TASKS), (TRANSFER, TRANSFER_TASKS)):
        medians = {}
        for task in tasks:
            steps = tables.curves("steps", task, setting)
            steps = steps[(steps["rule"] == AS_PRINTED) & np.isclose(steps["share"].astype(float), 0.98)].dropna(subset=["value"])
            steps = _between_languages(tables, steps, setting)
            if len(steps):
                medians[tables.task(task).title] = (steps["value"].median(), len(steps))
        if medians:
            parts = [f"{title} at step {median:,.0f} (of {n})" for title, (median, n) in sorted(medians.items(), key=lambda one: one[1])]
            yield f"98 % of the best is reached, {_where(setting)}, as printed and by the median: {', '.join(parts)}."
    order = tables.table("order")
    order = order[order["protocol"] == tables.facts.protocols.get("pos")]
    own = order["source_language"] == order["target_language"]
    for setting, chosen in ((IN_LANGUAGE, order[own]), (TRANSFER, tables.between_languages(order[~own]))):
        for rule in (AS_PRINTED, CROSS_FITTED):
            told = chosen[(chosen["rule"] == rule) & chosen["holds"].notna()]
            if len(told):
                counts = ", ".join(f"{answer} {count}" for answer, count in told["holds"].value_counts().items())
                pairs = len(told[["source_language", "target_language"]].drop_duplicates())
                what = counted(pairs, "language" if setting == IN_LANGUAGE else "pair")
                # Several treebanks of a language, or forms of its pairs of sentences, count each.
                what += f", {len(told)} sets of datasets" if len(told) > pairs else ""
                yield f"Tasks come in paper 1's order ({_where(setting)}, {rule}; {what}): {counts}."


def _forgetting(tables: ModelTables) -> Iterator[str]:
    for setting, tasks in ((IN_LANGUAGE, IN_LANGUAGE_TASKS), (TRANSFER, TRANSFER_TASKS)):
        parts, all_fitted = [], []
        for task in tasks:
            lost = tables.curves("forgetting", task, setting)
            lost = _between_languages(tables, lost[lost["measure"] == "relative"], setting)
            printed, fitted = lost[lost["rule"] == AS_PRINTED]["value"].dropna(), lost[lost["rule"] == CROSS_FITTED]
            if len(printed):
                cross_fitted = _signed(100 * fitted["value"].mean(), 1)
                parts.append(f"{tables.task(task).title} {100 * printed.mean():.1f} % (at most {100 * printed.max():.1f}; {cross_fitted})")
                all_fitted.append(fitted)
        if parts:
            fitted = pd.concat(all_fitted)
            beyond, tried = fitted["p_sampling"].dropna() < SIGNIFICANT, fitted["p_jitter"].dropna() < SIGNIFICANT
            yield (
                f"Of its best, the final checkpoint has lost, {_where(setting)}, by paper 1's rule (in brackets the largest loss,"
                f" and the mean cross-fitted, which is below 0 where nothing is lost): {', '.join(parts)}."
            )
            yield (
                f"{int(beyond.sum())} of {counted(len(beyond), 'curve')} {_where(setting)} lose more than test sentences explain;"
                f" {int(tried.sum())} of {len(tried)} with enough checkpoints lose more than the ups and downs of checkpoints explain."
            )


def _transfer(tables: ModelTables) -> Iterator[str]:
    for task in TRANSFER_TASKS:
        final = tables.curves("best", task, TRANSFER)
        final = tables.in_grid(final[final["rule"] == FINAL])
        if not len(final):
            continue
        # Of several datasets of a language the mean, as in Figure 4.
        ends = [final[f"{axis}_language"].map(one_language) for axis in ("source", "target")]
        final = final[["value", "low", "high"]].astype(float).groupby(ends).mean(skipna=False)
        one, other = (final.index.get_level_values(place) for place in (0, 1))
        related = np.array([tables.family(code) for code in one], dtype=object) == [tables.family(code) for code in other]
        parts = []
        for what, chosen in (
            ("to a language's own test set", one == other),
            ("within a family", (one != other) & related),
            ("between families", ~related & (one != other)),
        ):
            if chosen.any():
                mean, half = final.loc[chosen, "value"].mean(), _over_sentences(final[chosen], shared=True)
                parts.append(f"{shown(task, mean)} {what} ({int(chosen.sum())}, {_at_most(half)})")
        yield f"{tables.task(task).title}, transfer at the final checkpoint: {'; '.join(parts)}."
    asymmetries = [tables.curves("asymmetry", task, TRANSFER) for task in TRANSFER_TASKS]
    parts = []
    for asymmetry in asymmetries:
        # Each pair stands both ways.
        pairs = asymmetry[(asymmetry["rule"] == FINAL) & (asymmetry["source_language"] < asymmetry["target_language"])]
        if len(tried := pairs["p"].dropna()):
            title = tables.task(pairs["task"].iloc[0]).title
            parts.append(f"{title} {100 * pairs['value'].abs().mean():.1f} ({int((tried < SIGNIFICANT).sum())} of {len(tried)})")
    if parts:
        yield (
            "The two ways between a pair of languages differ at the final checkpoint, in points and on average (in brackets how"
            f" many by more than test sentences explain): {', '.join(parts)}."
        )


def _at_most(half: float) -> str:
    return "no interval" if np.isnan(half) else f"±{100 * half:.1f} points over test sentences at most"


def _layers(tables: ModelTables) -> Iterator[str]:
    for setting, tasks in ((IN_LANGUAGE, IN_LANGUAGE_TASKS), (TRANSFER, TRANSFER_TASKS)):
        gained, moved = [], []
        for task in tasks:
            gains = tables.curves("layer_gains", task, setting)
            gains = _between_languages(tables, gains[gains["against"] == "any checkpoint"], setting)
            printed, fitted = gains[gains["rule"] == AS_PRINTED]["value"], gains[gains["rule"] == CROSS_FITTED]
            title = tables.task(task).title
            if len(printed):
                sure, cross_fitted = fitted["low"].dropna() > 0, _signed(100 * fitted["value"].mean(), 1)
                gained.append(f"{title} {_signed(100 * printed.mean(), 1)} ({cross_fitted}; {int(sure.sum())} of {len(sure)})")
            changes = _between_languages(tables, tables.curves("expected_layers", task, setting), setting)
            changes = changes[(changes["measure"] == "change") & (changes["weights"] == "min-max") & (changes["grid"] == "own")]
            if len(falls := changes[changes["rule"] == AS_PRINTED]["value"].dropna()):
                moved.append(f"{title} {_signed(-falls.mean(), 2)} ({int((falls > 0).sum())} of {len(falls)})")
        if gained:
            yield (
                f"The best internal layer's best less that of the last layer, {_where(setting)}, in points as printed (in brackets"
                f" cross-fitted, and how many curves are surely above 0): {', '.join(gained)}."
            )
        if moved:
            yield (
                f"From the first checkpoint to the final one the expected layer (min-max) moves, {_where(setting)}, by layers"
                f" (in brackets how many curves move down): {', '.join(moved)}."
            )


def _dependence(tables: ModelTables) -> Iterator[str]:
    found = _of_protocols(tables, tables.table("correlations"))
    for setting in (IN_LANGUAGE, TRANSFER):
        chosen = found[(found["setting"] == setting) & (found["rule"] == AS_PRINTED)].dropna(subset=["value"])
        if len(chosen):
            small = chosen["n_too_small"].fillna(False).astype(bool)
            sure = chosen[~small & (chosen["q"] < SIGNIFICANT)]
            yield (
                f"Of {counted(len(chosen), 'rank correlation')} of what is learned with factors and measures ({_where(setting)}),"
                f" {len(sure)} hold among so many (q below 0.05); for {int(small.sum())} there are too few languages to tell."
            )


def _signal(tables: ModelTables) -> Iterator[str]:
    gates = _of_protocols(tables, tables.table("gates"))
    if len(gates):
        passes = gates["passes"].fillna(False).astype(bool)
        yield (
            f"{int(passes.sum())} of {counted(len(gates), 'curve')} have a clear signal over pretraining (`metrics/gates.parquet`);"
            " read the others with care."
        )


def _of_protocols(tables: ModelTables, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that are measured as each task is in figures and tables; alignments are measured in one way."""
    return rows[rows["protocol"].isna() | (rows["protocol"] == rows["task"].map(tables.facts.protocols))]


def _between_languages(tables: ModelTables, curves: pd.DataFrame, setting: str) -> pd.DataFrame:
    """In transfer, the pairs of different languages of the grid."""
    return curves if setting == IN_LANGUAGE else tables.between_languages(curves)


def _where(setting: str) -> str:
    return "in language" if setting == IN_LANGUAGE else "in transfer"


SUBJECTS: dict[str, Callable[[ModelTables], Iterator[str]]] = {
    "When": _acquisition,
    "What is lost": _forgetting,
    "Between languages": _transfer,
    "At which layer": _layers,
    "What it goes together with": _dependence,
    "How clear": _signal,
}
