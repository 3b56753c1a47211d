"""Measures of claims, on rows whose answers are worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from claimed_runs import rows, run_of, scores

from xlprobe.claims import correlated, counts, layers, levels, losses, times, transfer
from xlprobe.claims.finding import NotMeasured

IN_LANGUAGE, TRANSFER = "in language", "transfer"
PRINTED, FITTED, FINAL = "as printed", "cross-fitted", "final checkpoint"
SET = "set of steps"


def numbers(found):
    """Values by part."""
    return {one.part: one.value for one in found}


def ends(finding):
    return finding.low, finding.high


def steps(task, by_pair, share=0.98, **columns):
    """Steps as printed and cross-fitted; a set that begins at 0 begins before the first checkpoint, None is after the last one."""
    parts = []
    for pair, (printed, fitted, low, high) in by_pair.items():
        parts.append(rows("steps", task, {pair: {PRINTED: printed}}, share=share, **columns))
        censored = " and ".join([*(["before"] if low == 0 else []), *(["after"] if high is None else [])]) or None
        found = {FITTED: (fitted, 1000 if low == 0 else low, high)}
        parts.append(rows("steps", task, {pair: found}, **({"share": share, "censored": censored, "interval": SET} | columns)))
    return pd.concat(parts, ignore_index=True)


POS_STEPS = {
    ("en_a", "en_a"): (1000, 1000, 0, 2000),
    ("de_a", "de_a"): (2000, 2000, 2000, 3000),
    # A second treebank of German: the language counts once, at 3000.
    ("de_b", "de_b"): (4000, 4000, 3000, None),
    ("fi_a", "fi_a"): (4000, 3000, 3000, 4000),
}
# Finnish is a target only, and Uyghur a source only: neither is in the grid.
POS_PAIRS = {
    ("en_a", "de_pud"): (3000, 3000, 2000, 4000),
    ("de_a", "en_pud"): (4000, 4000, 3000, 4000),
    ("en_a", "en_pud"): (1000, 1000, 0, 1000),
    ("de_a", "de_pud"): (1000, 1000, 0, 1000),
    ("en_a", "fi_pud"): (1000, 1000, 0, 1000),
    ("ug_a", "en_pud"): (1000, 1000, 0, 1000),
}


class TestTimes:
    run = run_of({"steps": [steps("pos", POS_STEPS), steps("pos", POS_PAIRS), steps("pos", POS_STEPS, share=0.5)]})

    def test_steps_of_languages(self):
        (mean,) = times.step_statistic(self.run, task="pos", setting=IN_LANGUAGE, share=0.98, statistic="mean")
        # English 1000, German 3000, Finnish 4000; from 0, 2500, 3000.
        assert mean.value == pytest.approx(8000 / 3)
        assert mean.low == pytest.approx(5500 / 3) and mean.high == np.inf
        assert mean.n == 3
        (latest,) = times.step_statistic(self.run, task="pos", setting=IN_LANGUAGE, share=0.98, statistic="latest")
        assert (latest.value, latest.honest, *ends(latest)) == (4000, 3000, 3000, np.inf)

    def test_steps_of_pairs_are_off_the_diagonal_and_in_the_grid(self):
        (mean,) = times.step_statistic(self.run, task="pos", setting=TRANSFER, share=0.98, statistic="mean")
        assert (mean.value, mean.n, *ends(mean)) == (3500, 2, 2500, 4000)

    def test_early_is_a_share_of_all_training(self):
        (found,) = times.early_share(self.run, tasks=["pos", "xnli"], share=0.98)
        assert found.value == 75 and ends(found) == (62.5, 100)

    @pytest.mark.parametrize(("step", "languages", "least", "most"), [(2000, 2, 2, 2), (3000, 1, 0, 2), (4000, 0, 0, 1)])
    def test_languages_after_a_step(self, step, languages, least, most):
        (found,) = times.after_step(self.run, task="pos", share=0.98, step=step, counted="languages")
        assert (found.value, *ends(found)) == (languages, least, most)
        (found,) = times.after_step(self.run, task="pos", share=0.98, step=step, counted="share")
        assert found.value == pytest.approx(languages / 3 * 100)

    def test_transfer_less_in_language(self):
        (found,) = times.later_in_transfer(self.run, tasks=["pos"], share=0.98)
        assert found.value == pytest.approx(3500 - 8000 / 3)
        assert found.low == -np.inf and found.high == pytest.approx(4000 - 5500 / 3)

    def test_a_share_or_task_that_is_not_measured_says_so(self):
        run = run_of({"steps": steps("pos", POS_STEPS)}, absent={"xnli, in language": "the run measures no inference"})
        with pytest.raises(NotMeasured, match="the run has no number of POS in language"):
            times.step_statistic(run, task="pos", setting=IN_LANGUAGE, share=0.9, statistic="mean")
        with pytest.raises(NotMeasured, match="the run measures no inference"):
            times.step_statistic(run, task="xnli", setting=IN_LANGUAGE, share=0.98, statistic="mean")

    def test_order_of_tasks_takes_the_later_of_both_that_come_first(self):
        one = {name: {("en_a", "en_a"): (step, step, step, step)} for name, step in
               {"pos": 1000, "arc_prediction": 2000, "arc_classification": 3000, "xnli": 2500}.items()}  # fmt: skip
        run = run_of({"steps": [steps(task, by_pair) for task, by_pair in one.items()]})
        found = times.order_of_groups(run, setting=IN_LANGUAGE, share=0.98, statistic="median")
        assert numbers(found) == {"Arc Class. after POS and Arc Pred.": 1000, "XNLI after Arc Class.": -500}

    def test_order_of_transfer(self):
        found_at = {"pos": 2000, "arc_prediction": 1000, "arc_classification": 4000, "xnli": 3000}
        pairs = {task: {("en_a", "de_b"): (at, at, at, at), ("de_a", "en_b"): (at, at, at, at)} for task, at in found_at.items()}
        run = run_of({"steps": [steps(task, by_pair) for task, by_pair in pairs.items()]})
        assert numbers(times.transfer_order(run, share=0.98)) == {
            "POS after Arc Pred.": 1000,
            "Arc Class. after POS": 2000,
            "XNLI after Arc Class.": -1000,
        }

    def test_neighbouring_checkpoints(self):
        arcs = {("en_a", "en_a"): (3000, 1000, 0, 1), ("de_a", "de_a"): (4000, 3000, 0, 1), ("fi_a", "fi_a"): (2000, 2000, 0, 1)}
        run = run_of({"steps": [steps("pos", POS_STEPS), steps("arc_prediction", arcs)]})
        (found,) = times.neighbouring_checkpoints(run, tasks=["pos", "arc_prediction"], share=0.98)
        # English is two checkpoints apart, German one, Finnish two; cross-fitted 0, 0, 1.
        assert (found.value, found.honest) == (pytest.approx(100 / 3), 100)

    def test_the_spread_over_pairs_is_the_middle_half(self):
        names = [("en", "de"), ("de", "en"), ("en", "fi"), ("fi", "en"), ("de", "fi")]
        pairs = {(f"{one}_a", f"{other}_b"): (at, 1000, 0, 1) for (one, other), at in zip(names, range(1000, 6000, 1000), strict=True)}
        run = run_of({"steps": [steps("pos", pairs), steps("pos", POS_STEPS)]})
        (found,) = times.spread_over_pairs(run, tasks=["pos"], share=0.98, beyond="nothing")
        # Of 1000 to 5000 the middle half is 2000 wide, of 4000 steps.
        assert (found.value, found.honest) == (50, 0)
        (found,) = times.spread_over_pairs(run, tasks=["pos"], share=0.98, beyond=IN_LANGUAGE)
        # In language 1000, 3000, 4000: 1500 wide, 37.5 %.
        assert found.value == 12.5

    def test_languages_and_pairs_in_order(self):
        def row(source, target, rule, holds):
            return {"source_language": source, "target_language": target, "rule": rule, "holds": holds, "protocol": "paper"}

        table = [row("en", "en", PRINTED, "yes"), row("de", "de", PRINTED, "no"), row("fi", "fi", PRINTED, "yes")]
        table += [row("en", "en", FITTED, "undecided"), row("de", "de", FITTED, "no"), row("fi", "fi", FITTED, "yes")]
        table += [row("en", "de", PRINTED, "no"), row("de", "en", PRINTED, "yes"), row("en", "de", FITTED, "no")]
        table += [row("de", "en", FITTED, "yes")]
        # Uyghur is no target.
        table += [row("ug", "en", PRINTED, "yes"), row("ug", "en", FITTED, "yes")]
        run = run_of({"order": pd.DataFrame(table).assign(model="base")})
        in_order, languages = times.in_paper_order(run, setting=IN_LANGUAGE, counted="languages")
        assert (in_order.value, *ends(in_order), languages.value) == (2, 1, 2, 3)
        assert languages.beside
        (share,) = times.in_paper_order(run, setting=TRANSFER, counted="share")
        assert (share.value, *ends(share)) == (50, 50, 50)


def best(task, by_pair, step=3000, **columns):
    """Best scores, as printed and cross-fitted, and the final one with its interval."""
    parts = []
    for pair, (printed, fitted, final) in by_pair.items():
        parts.append(rows("best", task, {pair: {PRINTED: printed, FITTED: fitted}}, step=step, **columns))
        parts.append(rows("best", task, {pair: {FINAL: final}}, step=4000, **({"interval": "percentile"} | columns)))
    return pd.concat(parts, ignore_index=True)


def scores_at_best(task, by_pair):
    """Scores at the best step, with their intervals."""
    metric = "bits_per_character" if task == "bpc" else "accuracy"
    return pd.concat([rows("scores", task, {pair: {"": number}}, step=3000, metric=metric) for pair, number in by_pair.items()])


class TestLevels:
    def test_the_range_of_languages(self):
        one, other = ("en_a", "en_a"), ("de_a", "de_a")
        run = run_of({"best": best("pos", {one: (0.9, 0.88, (0.85, 0.83, 0.87)), other: (0.8, 0.79, (0.75, 0.72, 0.78))}),
                      "scores": scores_at_best("pos", {one: (0.9, 0.88, 0.92), other: (0.8, 0.78, 0.82)})})  # fmt: skip
        lowest, highest = levels.range_of_best(run, task="pos")
        # From the final checkpoint's lower end to the best one's upper end.
        assert (lowest.value, lowest.honest, *ends(lowest)) == pytest.approx((80, 79, 72, 82))
        assert (highest.value, highest.honest, *ends(highest)) == pytest.approx((90, 88, 83, 92))
        (apart,) = levels.relative_range(run, tasks=["pos"])
        assert apart.value == pytest.approx(10 / 85 * 100)
        # At least 83 against 82; at most 92 against 72.
        assert ends(apart) == pytest.approx((1 / 87 * 100, 20 / 77.5 * 100))
        (few,) = levels.curves_below(run, tasks=["pos", "xnli"], below=85)
        assert (few.value, *ends(few)) == (1, 1, 2)

    def test_of_scores_that_are_all_0_no_range_can_be_had(self):
        pairs = {(f"{code}_a", f"{code}_a"): (0.0, 0.0, (0.0, 0.0, 0.0)) for code in ("en", "de")}
        own = dict.fromkeys(pairs, (0.0, 0.0, 0.0))
        (apart,) = levels.relative_range(run_of({"best": best("pos", pairs), "scores": scores_at_best("pos", own)}), tasks=["pos"])
        assert apart.value is None and apart.why and apart.low is None

    def test_of_bits_lower_is_better(self):
        pair = ("en", "en")
        run = run_of({"best": best("bpc", {pair: (1.0, 1.05, (1.2, 1.1, 1.3))}, layer=None),
                      "scores": scores_at_best("bpc", {pair: (1.0, 0.9, 1.1)}).assign(layer=None)})  # fmt: skip
        lowest, _ = levels.range_of_best(run, task="bpc")
        assert (lowest.value, *ends(lowest)) == (1.0, 0.9, 1.3)

    def test_bits_and_probes_move_together_over_later_steps_alone(self):
        bits, falling, same = [9, 3, 2, 1], [0.1, 0.9, 0.8, 0.7], [0.9, 0.1, 0.2, 0.3]
        run = run_of({"scores": [scores("bpc", {("en", "en", 0): bits}), scores("pos", {("en_a", "en_a", 12): same}),
                                 scores("xnli", {("en_b", "en_b", 12): falling})]})  # fmt: skip
        found = levels.rho_with_bits(run, tasks=["pos", "xnli"], least=3)
        assert numbers(found) == {"POS": -1, "XNLI": 1}
        (small, *_) = levels.rho_with_bits(run, tasks=["pos"], least=4)
        assert small.why.startswith("n too small: fewer than 4 checkpoints")

    def test_the_model_less_another_one(self):
        columns = [
            "model",
            "other_model",
            "task",
            "setting",
            "split",
            "protocol",
            "mean",
            "other_mean",
            "value",
            "low",
            "high",
            "n",
            "interval",
        ]
        table = pd.DataFrame(
            [
                ("base", "old", "bpc", IN_LANGUAGE, "valid", "lines", 0.65, 0.61, 0.04, 0.03, 0.05, 94, "percentile"),
                ("base", "old", "xnli", TRANSFER, "test", "paper", 0.54, 0.53, 0.01, 0.005, 0.02, 210, "percentile"),
            ],
            columns=columns,
        )
        run = run_of({"model_comparisons": table})
        bits, nli, pos = levels.model_differences(run, compared=["bpc", "xnli-transfer", "pos"])
        # More bits are worse.
        assert (bits.part, bits.value, *ends(bits)) == ("BPC", -0.04, -0.05, -0.03)
        assert (nli.part, nli.value, *ends(nli)) == ("XNLI (transfer)", 1, 0.5, 2)
        assert pos.why == "one model alone: there is none to compare it with"
        other, own = levels.two_model_means(run, task="xnli", setting=TRANSFER)
        assert (other.part, other.value, own.part, own.value) == ("old", 53, "base", 54)
        # Its interval is of the same pairs: of a language's treebanks the mean, and no source that is no target.
        final = {("en_a", "de_p"): (0.5, 0.4, 0.6), ("de_a", "en_p"): (0.6, 0.5, 0.7), ("de_b", "en_p"): (0.4, 0.3, 0.5),
                 ("ug_a", "en_p"): (0.1, 0.0, 0.1), ("en_a", "en_p"): (0.9, 0.9, 0.9)}  # fmt: skip
        rows_of = rows("best", "xnli", {pair: {FINAL: number} for pair, number in final.items()})
        _, own = levels.two_model_means(run_of({"model_comparisons": table, "best": rows_of}), task="xnli", setting=TRANSFER)
        assert ends(own) == pytest.approx((40, 60))

    def test_a_language_with_two_treebanks_counts_once_beside_bits(self):
        bits, falling, rising = [9, 3, 2, 1], [0.1, 0.9, 0.8, 0.7], [0.9, 0.1, 0.2, 0.3]
        of_pos = scores("pos", {("en_a", "en_a", 12): rising, ("de_a", "de_a", 12): falling, ("de_b", "de_b", 12): falling})
        of_bits = scores("bpc", {("en", "en", 0): bits, ("de", "de", 0): bits})
        (rho,) = levels.rho_with_bits(run_of({"scores": [of_bits, of_pos]}), tasks=["pos"], least=3)
        assert (rho.value, rho.n) == (0, 2)


# From a language to another; the diagonal is each on its own parallel set.
GRID = {
    ("en", "en"): 0.9, ("en", "de"): 0.8, ("en", "ja"): 0.85,
    ("de", "en"): 0.7, ("de", "de"): 0.6, ("de", "ja"): 0.45,
    ("ja", "en"): 0.25, ("ja", "de"): 0.1, ("ja", "ja"): 0.95,
    # Neither is in the grid.
    ("ug", "en"): 0.99, ("en", "fi"): 0.99,
}  # fmt: skip


def grid(task, values=GRID, final=None):
    return best(
        task, {(f"{one}_a", f"{other}_b"): (value, value, (value, *(final or (None, None)))) for (one, other), value in values.items()}
    )


class TestTransfer:
    run = run_of({"best": [grid("pos"), grid("xnli")]})

    def test_the_diagonal_is_held_against_the_row(self):
        # English .9 over .825, German .6 over .575, Japanese .95 over .175.
        assert numbers(transfer.diagonal_above_row(self.run, tasks=["pos"])) == {"POS": 100}
        # Under its row, but above its column, .45.
        own = GRID | {("de", "de"): 0.49}
        (found,) = transfer.diagonal_above_row(run_of({"best": grid("pos", own)}), tasks=["pos"])
        assert found.value == pytest.approx(200 / 3)

    def test_what_transfer_keeps(self):
        easy = {pair: 0.8 if pair[0] != pair[1] else 0.9 for pair in GRID}
        run = run_of({"best": [grid("pos"), grid("arc_prediction", easy)]})
        (found, absent) = transfer.lead_in_transfer(run, task="arc_prediction", others=["pos", "xnli"])
        kept = np.mean([0.8, 0.85, 0.7, 0.45, 0.25, 0.1]) / np.mean([0.9, 0.6, 0.95])
        assert found.value == pytest.approx((8 / 9 - kept) * 100)
        assert absent.part == "Arc Pred. less XNLI" and absent.why

    def test_places_of_sources_and_targets(self):
        (english, german, missing) = transfer.place_as_source(self.run, tasks=["pos", "xnli"], languages=["en", "de", "it"])
        assert (english.value, german.value) == (100, 50)
        assert missing.why == "the language it is not both source and target here"
        # Into English .475, German .45, Japanese .65, another order than from them.
        ranks = transfer.rank_among_targets(self.run, task="xnli", languages=["ja", "en"])
        assert numbers(ranks) == {"ja": 3, "en": 2}

    def test_isolation_is_a_high_place_at_home_and_a_low_one_elsewhere(self):
        (found,) = transfer.isolation(self.run, tasks=["pos"], language="ja")
        # The best at home, the worst as a source, the best as a target.
        assert found.value == 50
        # German: at home the worst; one of both others is worse as a source, none as a target.
        (found,) = transfer.isolation(self.run, tasks=["pos"], language="de")
        assert found.value == 0 - (50 + 0) / 2

    def test_columns_and_rows(self):
        by_target = {(one, other): {"en": 0.9, "de": 0.5, "ja": 0.1}[other] for one in ("en", "de", "ja") for other in ("en", "de", "ja")}
        (found,) = transfer.target_beyond_source(run_of({"best": grid("xnli", by_target)}), task="xnli")
        assert found.value == pytest.approx(100)
        by_source = {(other, one): value for (one, other), value in by_target.items()}
        (found,) = transfer.target_beyond_source(run_of({"best": grid("xnli", by_source)}), task="xnli")
        assert found.value == pytest.approx(-100)

    def test_as_good_on_a_target_as_at_home(self):
        found, of = transfer.as_good_as_at_home(self.run, task="xnli", target="en")
        # German .7 over .6; Japanese .25 under .95; English itself does not count.
        assert (found.value, of.value, of.beside) == (1, 2, True)
        ends_of = {("en_a", "en_b"): (0.9, 0.9, (0.9, 0.8, 1.0))}
        ends_of |= {("de_a", "en_b"): (0.7, 0.7, (0.7, 0.65, 0.75)), ("de_a", "de_b"): (0.6, 0.6, (0.6, 0.5, 0.7))}
        ends_of |= {("en_a", "de_b"): (0.8, 0.8, (0.8, 0.7, 0.9))}
        found, _ = transfer.as_good_as_at_home(run_of({"best": best("xnli", ends_of)}), task="xnli", target="en")
        assert (found.value, *ends(found)) == (1, 0, 1)

    def test_tasks_are_alike_in_which_pairs_transfer(self):
        names = ["en", "de", "ja", "fi", "fr"]
        generator = np.random.default_rng(1)
        values = {(one, other): generator.uniform() for one in names for other in names}
        against = {pair: 1 - value for pair, value in values.items()}
        run = run_of({"best": [grid("pos", values), grid("arc_prediction", values), grid("xnli", against)]})
        found = transfer.alike_in_transfer(run, tasks=["pos", "arc_prediction", "xnli"])
        assert numbers(found) == {
            "POS and Arc Pred.": pytest.approx(1),
            "POS and XNLI": pytest.approx(-1),
            "Arc Pred. and XNLI": pytest.approx(-1),
        }
        (small,) = transfer.alike_in_transfer(self.run, tasks=["pos", "xnli"])
        assert small.why == "n too small: 3 languages"

    def test_asymmetry_is_from_a_language_less_into_it(self):
        pairs = {("ko_a", "en_b"): -0.02, ("en_a", "ko_b"): 0.02, ("ko_a", "de_b"): -0.04, ("de_a", "ko_b"): 0.04}
        by_pair = {pair: {PRINTED: value, FINAL: (value, value - 0.01, value + 0.01)} for pair, value in pairs.items()}
        run = run_of({"asymmetry": rows("asymmetry", "pos", by_pair)})
        (found,) = transfer.mean_asymmetry(run, tasks=["pos"], language="ko")
        assert (found.value, *ends(found)) == pytest.approx((-3, -4, -2))

    def test_pairs_that_are_surely_asymmetric_count_once(self):
        values = {("en_a", "de_b"): (0.1, 0.05, 0.2), ("en_a", "fi_b"): (0.1, -0.05, 0.2), ("de_a", "fi_b"): (-0.1, -0.2, -0.05)}
        back = {(other.replace("_b", "_a"), one.replace("_a", "_b")): (-v, -h, -low) for (one, other), (v, low, h) in values.items()}
        by_pair = {pair: {PRINTED: value[0], FINAL: value} for pair, value in (values | back).items()}
        sets = {("en_a", "de_b"): (1000, 1000, 0, 2000), ("de_a", "en_b"): (3000, 3000, 3000, None)}
        sets |= {("en_a", "fi_b"): (1000, 1000, 0, 3000), ("fi_a", "en_b"): (3000, 3000, 3000, 4000)}
        run = run_of({"asymmetry": rows("asymmetry", "pos", by_pair), "steps": steps("pos", sets)})
        better, sooner = transfer.asymmetric_pairs(run, tasks=["pos", "xnli"], share=0.98)
        assert (better.value, better.n) == (pytest.approx(200 / 3), 3)
        assert (sooner.value, sooner.n) == (50, 2)


def losses_of(task, by_pair, measure="relative", **columns):
    """Losses as printed and cross-fitted, and whether the curve forgets."""
    parts = []
    for pair, (printed, fitted, forgets) in by_pair.items():
        parts.append(rows("forgetting", task, {pair: {PRINTED: printed}}, measure=measure, **columns))
        parts.append(
            rows("forgetting", task, {pair: {FITTED: fitted}}, **({"measure": measure, "forgets": forgets, "interval": "x"} | columns))
        )
    return pd.concat(parts, ignore_index=True)


LOSSES = {
    ("en_a", "en_a"): (0.13, (0.12, 0.1, 0.14), True),
    ("de_a", "de_a"): (0.01, (-0.01, -0.02, 0.009), False),
    ("fi_a", "fi_a"): (0.0, (-0.01, -0.02, 0.0), False),
    ("hi_a", "hi_a"): (0.02, (0.0, -0.02, 0.02), None),
}


class TestLosses:
    def test_what_forgets_is_beyond_the_ups_and_downs(self):
        run = run_of({"forgetting": losses_of("pos", LOSSES)})
        (found,) = losses.curves_that_forget(run, tasks=["pos", "xnli"])
        # By the paper's way three of four have lost something; of three that can be told one has.
        assert (found.value, found.honest) == (75, pytest.approx(100 / 3))
        # One of four surely; two may have lost 1 % of the best: German at most 0.9 %, Hindi 2 %.
        assert ends(found) == (25, 50)

    def test_where_it_can_be_told_of_few_the_interval_alone_says_it(self):
        untold = {pair: (printed, fitted, True if pair[0] == "en_a" else None) for pair, (printed, fitted, _) in LOSSES.items()}
        (found,) = losses.curves_that_forget(run_of({"forgetting": losses_of("pos", untold)}), tasks=["pos"])
        assert (found.honest, *ends(found)) == (None, 25, 50)
        unknown = {pair: (printed, (0.0, None, None), None) for pair, (printed, _, _) in LOSSES.items()}
        (found,) = losses.curves_that_forget(run_of({"forgetting": losses_of("pos", unknown)}), tasks=["pos"])
        assert ends(found) == (0, 100)

    def test_converged_probes_stand_beside(self):
        converged = losses_of("pos", {("en_a", "en_a"): (0.0, (0.0, -0.1, 0.1), False)}, protocol="converged")
        run = run_of({"forgetting": [losses_of("pos", LOSSES), converged]})
        _, found = losses.curves_that_forget(run, tasks=["pos"])
        assert (found.part, found.value, found.honest, found.beside) == ("converged probes", 0, 0, True)

    def test_best_steps_differ_for_sure_where_one_forgets_and_another_does_not(self):
        tables = {"forgetting": losses_of("pos", LOSSES)}
        tables["best"] = pd.concat(
            [rows("best", "pos", {pair: {PRINTED: 0.9}}, step=step) for pair, step in zip(LOSSES, (1000, 2000, 3000, 3000), strict=True)]
        )
        (found,) = losses.different_best_steps(run_of(tables), tasks=["pos"])
        assert (found.value, *ends(found)) == (3, 2, 3)
        (found,) = losses.largest_share_at_one_step(run_of(tables), tasks=["pos"])
        assert (found.value, *ends(found)) == (50, 50, 75)
        # Where each of the others may have lost something, none surely keeps its best.
        unsure = {pair: (printed, (*fitted[:2], 0.05), forgets) for pair, (printed, fitted, forgets) in LOSSES.items()}
        (found,) = losses.different_best_steps(run_of(tables | {"forgetting": losses_of("pos", unsure)}), tasks=["pos"])
        assert ends(found) == (1, 3)
        level = {pair: (printed, fitted, False) for pair, (printed, fitted, _) in LOSSES.items()}
        (found,) = losses.different_best_steps(run_of(tables | {"forgetting": losses_of("pos", level)}), tasks=["pos"])
        assert ends(found) == (1, 3)
        (found,) = losses.largest_share_at_one_step(run_of(tables | {"forgetting": losses_of("pos", level)}), tasks=["pos"])
        assert ends(found) == (50, 100)

    def test_losses_of_some_tasks(self):
        pairs = [("en_a", "de_b"), ("de_a", "en_b")]
        lost = {"pos": 0.04, "arc_classification": 0.02, "arc_prediction": 0.01, "xnli": 0.0}
        tables = [
            losses_of(task, dict.fromkeys(pairs, (value, (value, value - 0.001, value + 0.001), None)), "absolute")
            for task, value in lost.items()
        ]
        # A language on its own parallel set is no transfer.
        tables.append(losses_of("pos", {("en_a", "en_b"): (0.9, (0.9, 0.9, 0.9), None)}, "absolute"))
        run = run_of({"forgetting": tables})
        found, more = losses.loss_of_some_tasks(run, tasks=["pos", "arc_classification"], others=["arc_prediction", "xnli"])
        assert (found.part, found.value, *ends(found)) == ("POS and Arc Class.", *map(pytest.approx, (3, 2.9, 3.1)))
        assert (more.value, *ends(more)) == pytest.approx((2.5, 2.3, 2.7))

    def test_the_spread_is_over_targets_of_one_source(self):
        lost = {("en_a", "de_b"): 0.02, ("en_a", "fi_b"): 0.04, ("de_a", "en_b"): 0.1, ("de_a", "fi_b"): 0.1, ("fi_a", "en_b"): 0.2}
        lost[("fi_a", "de_b")] = 0.2
        table = losses_of("pos", {pair: (value, (value, 0, 1), None) for pair, value in lost.items()}, "absolute")
        (found,) = losses.spread_over_targets(run_of({"forgetting": table}), tasks=["pos"])
        assert found.value == pytest.approx(np.sqrt(2) / 3)


class TestLayers:
    def falls(self, task, by_pair, **columns):
        named = {"measure": "change", "grid": "own", "weights": "min-max", "step": 4000}
        return rows("expected_layers", task, by_pair, **(named | columns))

    def run(self):
        own = {("cs_a", "cs_a"): {PRINTED: 1.79, FITTED: (1.7, 1.5, 1.9)}, ("ja_a", "ja_a"): {PRINTED: 2.79, FITTED: (2.7, 2.5, 2.9)}}
        pairs = {("cs_a", "ja_b"): {PRINTED: 0.5, FITTED: (0.5, 0.4, 0.6)}, ("ja_a", "cs_b"): {PRINTED: 1.5, FITTED: (1.5, 1.4, 1.6)}}
        # Other weights, the layers that all share, levels and converged probes are other numbers.
        others = {("cs_a", "cs_a"): {PRINTED: 9.0, FITTED: (9.0, 8.0, 10.0)}}
        task = "arc_classification"
        other = ({"weights": "raw"}, {"grid": "shared"}, {"measure": "level"}, {"protocol": "converged"})
        tables = [self.falls(task, own), self.falls(task, pairs), *(self.falls(task, others, **columns) for columns in other)]
        return run_of({"expected_layers": tables})

    def test_the_expected_layer_falls(self):
        mean, least, most, *converged = layers.fall_of_layer(
            self.run(), task="arc_classification", setting=IN_LANGUAGE, statistics=["mean", "smallest", "largest"]
        )
        assert (mean.value, *ends(mean)) == pytest.approx((2.29, 2.0, 2.4))
        assert (least.value, most.value, *ends(most)) == (1.79, 2.79, 2.5, 2.9)
        assert [(one.value, one.beside) for one in converged] == [(9, True)] * 3
        (found, *_) = layers.fall_of_language(self.run(), task="arc_classification", language="cs")
        assert (found.value, found.honest, *ends(found)) == (1.79, 1.7, 1.5, 1.9)
        with pytest.raises(NotMeasured, match="the language en is not measured at several layers"):
            layers.fall_of_language(self.run(), task="arc_classification", language="en")

    def test_in_language_and_in_transfer_are_two_numbers(self):
        found = layers.falls_of_layer(self.run(), curves=["arc_classification", "arc_classification-transfer", "alignment"])
        assert [(one.part, one.value) for one in found[:2]] == [("Arc Class.", pytest.approx(2.29)), ("Arc Class. (transfer)", 1.0)]
        assert found[2].why == "SimAlign is measured at one layer in language (config key sweeps)"

    def test_internal_layers_gain(self):
        gains = {
            ("cs_a", "cs_a"): {PRINTED: 0.08, FITTED: (0.07, 0.06, 0.08)},
            ("ja_a", "ja_a"): {PRINTED: 0.06, FITTED: (0.05, 0.04, 0.06)},
        }
        at_best = {pair: dict.fromkeys(by_rule, 0.01) for pair, by_rule in gains.items()}
        run = run_of({"layer_gains": [rows("layer_gains", "xnli", gains, against="final checkpoint"),
                                      rows("layer_gains", "xnli", at_best, against="any checkpoint")]})  # fmt: skip
        final, at_any = layers.internal_gain(run, task="xnli", setting=IN_LANGUAGE, against=["final", "any"])
        assert (final.value, final.honest, *ends(final)) == pytest.approx((7, 6, 5, 7))
        assert (at_any.value, at_any.part) == (1, "than the last layer at its best")

    def test_the_last_layer_is_beaten(self):
        by_layer = {("en_a", "en_a", 6): [0.5, 0.6, 0.6, 0.6], ("en_a", "en_a", 12): [0.6, 0.5, 0.6, 0.5]}
        run = run_of({"scores": scores("xnli", by_layer),
                      "layer_gains": rows("layer_gains", "xnli", {("en_a", "en_a"): {PRINTED: 1.0, FITTED: (-0.1, -1, 1)}},
                                          against="final checkpoint")})  # fmt: skip
        (found,) = layers.last_layer_beaten(run, tasks=["xnli", "arc_classification"])
        # At two of four checkpoints; where both are equal it is not. Step 0 is no checkpoint.
        assert (found.value, found.honest, found.n) == (50, 0, 4)

    def test_low_layers_are_compared_at_the_same_layers(self):
        pair, own = ("en_a", "de_b"), ("en_a", "en_a")
        levels_of = {0: [0.2, 0.2, 0.2, 0.4], 12: [0.6] * 4}
        by_layer = {(*pair, layer): values for layer, values in levels_of.items()}
        # At layers that transfer is not measured at it is far better; at the same ones as good.
        by_layer |= {(*own, layer): [0.5] * 4 for layer in (0, 12)} | {(*own, 2): [0.99] * 4}
        found = layers.low_layers(run_of({"scores": scores("xnli", by_layer)}), tasks=["xnli"])
        assert numbers(found) == {"XNLI (transfer)": pytest.approx(-20), "XNLI (transfer less in language)": pytest.approx(-35)}


def correlations(task, outcome, factor, by_rule, setting=IN_LANGUAGE, **columns):
    columns = {"p": 0.5, "permutation_p": np.nan, "n_too_small": False, "n": 44, "languages": 44, "robust_error": np.nan} | columns
    own = {
        "model": "base",
        "task": task,
        "protocol": "lines" if task == "bpc" else "paper",
        "setting": setting,
        "formula": "rank_correlation",
    }
    found = [own | columns | {"outcome": outcome, "factor": factor, "rule": rule, "value": value} for rule, value in by_rule.items()]
    return pd.DataFrame(found)


class TestCorrelated:
    def test_in_language_rho_has_fishers_interval(self):
        table = correlations("pos", "performance", "task data", {PRINTED: 0.5, FITTED: 0.4}, n=44)
        (found, absent) = correlated.correlation(
            run_of({"correlations": table}), outcome="performance", factor="task data", setting=IN_LANGUAGE, tasks=["pos", "xnli"]
        )
        # arctanh .5 = .5493; 1.96 sqrt(1.125 / 41) = .3247.
        assert (found.value, found.honest, found.p) == (0.5, 0.4, 0.5)
        assert ends(found) == pytest.approx((np.tanh(0.5493 - 0.3247), np.tanh(0.5493 + 0.3247)), abs=1e-3)
        assert absent.part == "XNLI" and "no such correlation" in absent.why

    def test_of_pairs_the_error_is_robust(self):
        table = correlations("pos", "steps to 95 %", "syntactic distance", {PRINTED: 0.5}, TRANSFER, robust_error=0.1, languages=18, n=306)
        (found,) = correlated.correlation(
            run_of({"correlations": table}), outcome="steps to 95 %", factor="syntactic distance", setting=TRANSFER, tasks=["pos"]
        )
        # Student's t with 17 degrees of freedom: 2.1098.
        assert ends(found) == pytest.approx((0.5 - 0.21098, 0.5 + 0.21098), abs=1e-4)

    def test_a_robust_error_that_is_nothing_by_chance_is_that_of_independent_pairs(self):
        table = correlations("pos", "performance", "task data", {PRINTED: 0.05}, TRANSFER, robust_error=0.005, languages=18, n=306)
        (found,) = correlated.correlation(
            run_of({"correlations": table}), outcome="performance", factor="task data", setting=TRANSFER, tasks=["pos"]
        )
        # 2.1098 / sqrt(303) = .1212.
        assert ends(found) == pytest.approx((0.05 - 0.1212, 0.05 + 0.1212), abs=1e-3)

    def test_permutation_comes_before_the_printed_p_and_few_values_say_nothing(self):
        table = correlations(
            "pos", "performance", "task data", {PRINTED: 1.0}, p=0.0, permutation_p=0.33, n_too_small=True, n=3, languages=3
        )
        (found,) = correlated.correlation(
            run_of({"correlations": table}), outcome="performance", factor="task data", setting=IN_LANGUAGE, tasks=["pos"]
        )
        assert found.p == 0.33 and found.why.startswith("n too small: 3 values of 3 languages")
        assert ends(found) == (None, None)

    def test_the_range_over_tasks(self):
        tables = [correlations(task, "performance", "forgetting", {PRINTED: rho}, TRANSFER)
                  for task, rho in (("pos", -0.42), ("xnli", -0.13), ("arc_prediction", -0.3))]  # fmt: skip
        highest, lowest = correlated.correlation_range(
            run_of({"correlations": tables}),
            outcome="performance",
            factor="forgetting",
            setting=TRANSFER,
            tasks=["pos", "arc_prediction", "arc_classification", "xnli"],
        )
        assert (highest.part, highest.value, lowest.part, lowest.value) == ("highest, XNLI", -0.13, "lowest, POS", -0.42)

    def test_tasks_at_which_a_factor_is_significant(self):
        both = {PRINTED: 0.5, FITTED: 0.5}
        tables = [correlations("pos", "performance", "task data", both, p=0.01),
                  # Not by permutation; but of so few languages it may be there.
                  correlations("xnli", "performance", "task data", both, p=0.01, permutation_p=0.2, n=15),
                  correlations("arc_prediction", "performance", "task data", {PRINTED: -0.5, FITTED: -0.5}, p=0.001),
                  # Of so many it is surely weak.
                  correlations("arc_classification", "performance", "task data", {PRINTED: 0.0, FITTED: 0.0}, p=0.9, n=94),
                  correlations("bpc", "performance", "task data", {PRINTED: 1.0, FITTED: 1.0}, p=0.0, n_too_small=True)]  # fmt: skip
        asked = {"outcome": "performance", "factors": ["task-data", "pretraining-data"], "setting": IN_LANGUAGE}
        asked["tasks"] = ["bpc", "pos", "arc_prediction", "arc_classification", "xnli"]
        found, absent = correlated.significant_tasks(run_of({"correlations": tables}), **asked)
        # Three of four by the printed p; by permutation two. What is too small does not count.
        assert (found.part, found.value, found.honest, *ends(found)) == ("task data", 75, 50, 50, 75)
        assert absent.why
        (trend, _) = correlated.common_trend(run_of({"correlations": tables}), **asked)
        # Two have one sign, by permutation one, and two may.
        assert (trend.value, trend.honest, *ends(trend)) == (50, 25, 25, 50)

    def test_forgetting_of_two_tasks_is_found_whichever_comes_first(self):
        table = correlations("arc_prediction", "forgetting", "forgetting in pos", {PRINTED: 0.3})
        other = correlations("pos", "performance", "forgetting", {PRINTED: 0.9})
        found = correlated.between_tasks(run_of({"correlations": [table, other]}), tasks=["pos", "arc_prediction", "xnli"])
        assert (found[0].part, found[0].value) == ("POS and Arc Pred.", 0.3)
        assert [bool(one.why) for one in found] == [False, True, True]


class TestCounts:
    def test_languages_and_checkpoints(self):
        own = {(f"{code}_a", f"{code}_a"): (1, 1, (1, 1, 1)) for code in ("en", "zh-Hant")}
        bits = {(code, code): (1, 1, (1, 1, 1)) for code in ("zh-Hans", "zh-Hant")}
        run = run_of({"best": [best("pos", own), grid("pos"), best("bpc", bits)]})
        assert numbers(counts.measured_languages(run, task="bpc", setting=IN_LANGUAGE)) == {"": 2}
        assert numbers(counts.measured_languages(run, task="pos", setting=TRANSFER)) == {"sources": 4, "targets": 4}
        assert numbers(counts.suite_languages(run)) == {"": 6}
        # Step 0 is no checkpoint.
        assert numbers(counts.checkpoints(run)) == {"": 4} and numbers(counts.last_step(run)) == {"": 4000}
        assert counts.spacing(run)[0].text == "steps 1000, 2000, 3000, 4000"

    def test_the_configuration_says_what_it_says(self):
        configuration = {"probes": {"n_seeds": 5}, "models": {"base": {"pretrain": {"training": {"alpha": 0.7}}}}}
        run = run_of({}, configuration=configuration, environment={"gpus": [], "processor": "x86"})
        assert counts.configured(run, keys=["probes.n_seeds", "model.pretrain.training.alpha"])[0].text == "n_seeds: 5; alpha: 0.7"
        assert "trained elsewhere" in counts.configured(run_of({}), keys=["model.pretrain.training.alpha"])[0].text
        assert counts.machine(run)[0].text == "no GPU; x86"

    def test_sizes(self):
        sizes = pd.DataFrame(
            {"factor": "pretraining_data", "model": "base", "language": ["xh", "en"], "value": [0.1, 300.8], "default": True}
        )
        run = run_of({"factors": sizes, "checkpoints": pd.DataFrame({"model": ["base"], "layers": [12], "hidden_size": [768]})})
        assert numbers(counts.text_sizes(run)) == {"smallest, xh": 0.1, "largest, en": 300.8}
        assert numbers(counts.model_size(run, column="hidden_size")) == {"": 768}
