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
from xlprobe.tables.rendering import decimals

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


def _per_cent(share: float) -> str:
    """A share, or a difference of shares, without its unit; what rounds to 0 has no sign."""
    return decimals(100 * share, 1)


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
        for task in tasks:
            lost = tables.curves("forgetting", task, setting)
            lost = _between_languages(tables, lost[lost["measure"] == "relative"], setting)
            printed, fitted = lost[lost["rule"] == AS_PRINTED], lost[lost["rule"] == CROSS_FITTED]
            if not printed["value"].notna().any():
                continue
            beyond = fitted["p_sampling"].dropna() < SIGNIFICANT
            tried = fitted["p_jitter"].dropna() < SIGNIFICANT
            yield (
                f"{_curves(tables, task, setting)}: the final checkpoint has lost {_per_cent(printed['value'].mean())} % of the"
                f" best by paper 1's rule (mean of {len(printed)}, at most {_per_cent(printed['value'].max())} %),"
                f" {_per_cent(fitted['value'].mean())} % cross-fitted; {int(beyond.sum())} of {len(beyond)} lose more than test sentences"
                f" explain, {int(tried.sum())} of {len(tried)} more than the ups and downs of checkpoints do."
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
        asymmetry = tables.curves("asymmetry", task, TRANSFER)
        at_final = asymmetry[(asymmetry["rule"] == FINAL) & (asymmetry["source_language"] < asymmetry["target_language"])]
        tried = at_final["p"].dropna()
        if len(tried):
            mean_points = 100 * at_final["value"].abs().mean()
            yield (
                f"{tables.task(task).title}: the two ways between a pair of languages differ by {mean_points:.1f} points (mean of"
                f" {len(at_final)}); {int((tried < SIGNIFICANT).sum())} of {len(tried)} differences are larger than test sentences explain."
            )


def _at_most(half: float) -> str:
    return "no interval" if np.isnan(half) else f"±{100 * half:.1f} points over test sentences at most"


def _layers(tables: ModelTables) -> Iterator[str]:
    for setting in (IN_LANGUAGE, TRANSFER):
        for task in IN_LANGUAGE_TASKS if setting == IN_LANGUAGE else TRANSFER_TASKS:
            gains = tables.curves("layer_gains", task, setting)
            gains = _between_languages(tables, gains[gains["against"] == "any checkpoint"], setting)
            printed, fitted = gains[gains["rule"] == AS_PRINTED], gains[gains["rule"] == CROSS_FITTED]
            if not len(printed):
                continue
            sure = fitted["low"].dropna() > 0
            changes = _between_languages(tables, tables.curves("expected_layers", task, setting), setting)
            changes = changes[(changes["measure"] == "change") & (changes["weights"] == "min-max") & (changes["grid"] == "own")]
            falls = changes[changes["rule"] == AS_PRINTED]["value"].dropna()
            moved = ""
            if len(falls):
                way = "down" if falls.mean() > 0 else "up"
                down = f"{int((falls > 0).sum())} of {len(falls)} down"
                moved = f"; the expected layer (min-max) moves {way} by {abs(falls.mean()):.2f} layers, {down}"
            yield (
                f"{_curves(tables, task, setting)}: the best internal layer's best less that of the last layer is"
                f" {_per_cent(printed['value'].mean())} points as printed, {_per_cent(fitted['value'].mean())} cross-fitted;"
                f" {int(sure.sum())} of {len(sure)} surely above 0{moved}."
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


def _curves(tables: ModelTables, task: str, setting: str) -> str:
    """What curves are about; alignments are of two languages, and bits of one."""
    title = tables.task(task).title
    return title if task in ("alignment", "bpc") else f"{title}, {_where(setting)}"


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
