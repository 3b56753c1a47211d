"""Two models whose true values are known, compared at their final checkpoints."""

from dataclasses import replace

import numpy as np
import pytest
from planted_outcomes import FAIRSEQ_SHARE, Planted, Sizes, Training, column, held_out_bits, in_language, small_set, transfer, write_results
from scipy import stats

from xlprobe.artifacts.outcome_file import OutcomeFile, OutcomePlace
from xlprobe.artifacts.tables import read_table
from xlprobe.metrics.model_comparisons import _Pair, _same_text, write_model_comparisons
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.metrics.training_outcomes import TrainingOutcomes
from xlprobe.statistics.bootstrap import Intervals

SIZES = Sizes(sentences=400, parallel=400, premises=300)
WORDS = {"majority": 0.15}
# At the last step, of each model; German has two treebanks.
IN_LANGUAGE = {"en_ewt": (0.90, 0.80), "de_gsd": (0.70, 0.80), "de_hdt": (0.50, 0.80), "fi_tdt": (0.60, 0.55)}
# From each source to each target; Uyghur is no target, and its probes are the best.
PAIRS = {("en", "de"): (0.80, 0.60), ("de", "en"): (0.70, 0.70), ("en", "en"): (0.95, 0.20), ("de", "de"): (0.95, 0.20)}
PAIRS |= {
    ("ug", "en"): (0.99, 0.30),
    ("en", "fi"): (0.6, 0.5),
    ("fi", "en"): (0.6, 0.5),
    ("de", "fi"): (0.6, 0.5),
    ("fi", "de"): (0.6, 0.5),
}
# Chinese has a corpus of each script.
BITS = {"en": (1.0, 1.2), "de": (1.5, 1.3), "zh-Hans": (2.0, 2.5), "zh-Hant": (1.5, 2.0)}


class OtherTestSet(Planted):
    """Measured on another version of its test set."""

    @property
    def facts(self):
        return super().facts | {"dataset": "another digest"}


class AsPublished(Planted):
    """Of text as it is published."""

    @property
    def facts(self):
        return super().facts | {"text_form": "published"}


def planted(number):
    """What is true of one of the two models, at its only step."""

    def value(values):
        return column([values[number]])

    measured = [
        found for name, values in IN_LANGUAGE.items() for found in in_language("pos", name, name[:2], value(values), baselines=WORDS)
    ]
    measured += [
        transfer("pos", (f"{source}_set", source), (f"{target}_pud", target), value(values), baselines=WORDS)
        for (source, target), values in PAIRS.items()
    ]
    bits = [held_out_bits(code, value(values), protocol) for code, values in BITS.items() for protocol in ("lines", "fairseq")]
    only = in_language("xnli", "xnli_en", "en", column([0.7]), baselines={"majority": 1 / 3}) if number else []
    forms = [
        kind(OutcomePlace("xnli", name, name, "test", "paper"), value(values), [12], ("th", "th"), "xnli", {"majority": 1 / 3})
        for kind, name, values in ((Planted, "xnli_th", (0.6, 0.7)), (AsPublished, "xnli_th_published", (0.1, 0.9)))
    ]
    sets = [OtherTestSet, Planted]
    old = Planted(OutcomePlace("pos", "sv_set", "sv_set", "test", "paper"), column([0.1]), [12], ("sv", "sv"), None, WORDS)
    return [*measured, *bits, *only, *forms, sets[number](**vars(old))]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Base is measured at two layers in Finnish, of which the last one counts."""
    results = tmp_path_factory.mktemp("models")
    one, other = planted(0), planted(1)
    finnish = next(number for number, found in enumerate(one) if found.place[:4] == ("pos", "fi_tdt", "fi_tdt", "test"))
    one[finnish] = replace(one[finnish], truth=np.array([[0.1, 0.60]]), layers=[6, 12])
    write_results(results, [Training("base", [1000], one), Training("replica", [2000], other)], SIZES)
    return results


def compared(results, path, resamples=300, checkpoints=None):
    baselines, checkpoints = sorted((results / "baselines").rglob("*.h5")), checkpoints or {"base": [1000], "replica": [2000]}
    write_model_comparisons(results / "outcomes", checkpoints, baselines, path, Intervals(resamples))
    return read_table(path)


@pytest.fixture(scope="module")
def table(results, tmp_path_factory):
    return compared(results, tmp_path_factory.mktemp("table") / "model_comparisons.parquet")


def row(table, model, task, setting, protocol="paper"):
    chosen = table[(table["model"] == model) & (table["task"] == task) & (table["setting"] == setting) & (table["protocol"] == protocol)]
    (found,) = chosen.to_dict("records")
    return found


def earned(results, run, step, name):
    """The score of a treebank on itself by the sums in its files."""
    place = OutcomePlace("pos", name, name, "test", "paper")
    with OutcomeFile(results / "outcomes" / run / f"{step}.h5") as file:
        correct = file.read(place).counts["correct"][:, -1]
    with OutcomeFile(results / "baselines/pos" / f"{name}.h5") as file:
        total = file.read(place._replace(protocol=None)).counts["total"]
    return correct.sum() / total.sum() / correct.shape[1]


def test_means_are_over_languages_each_model_at_its_last_step_and_layer(table):
    """German's two treebanks count once: (0.9 + 0.6 + 0.6) / 3 and (0.8 + 0.8 + 0.55) / 3; Swedish is another test set."""
    found = row(table, "base", "pos", "in language")
    assert (found["step"], found["other_model"], found["other_step"], found["n"], found["languages"]) == (1000, "replica", 2000, 3, 3)
    assert (found["mean"], found["other_mean"]) == pytest.approx((0.7, 0.7167), abs=0.012)
    assert found["value"] == pytest.approx(found["mean"] - found["other_mean"])
    assert found["sentences"] == 4 * 400 and found["interval"] == "percentile"
    # Of the same means.
    assert (found["low"] + found["high"]) / 2 == pytest.approx(found["value"], abs=0.004)


def test_transfer_is_over_ordered_pairs_off_the_diagonal_of_what_is_source_and_target(table):
    found = row(table, "base", "pos", "transfer")
    assert (found["n"], found["languages"], found["sentences"]) == (6, 3, 400)
    assert (found["mean"], found["other_mean"], found["value"]) == pytest.approx((0.65, 0.55, 0.10), abs=0.012)
    assert 0.05 < found["low"] < found["value"] < found["high"] < 0.15 and found["p"] < 0.01


def test_bits_are_compared_by_protocol_and_paired_by_document(table):
    lines, blocks = (row(table, "base", "bpc", "in language", protocol) for protocol in ("lines", "fairseq"))
    assert (lines["mean"], lines["other_mean"], lines["split"]) == (pytest.approx(1.5, abs=0.01), pytest.approx(1.75, abs=0.01), "valid")
    assert (blocks["mean"], blocks["n"]) == (pytest.approx(1.5 * FAIRSEQ_SHARE, abs=0.01), 4)
    assert lines["sentences"] == 4 * SIZES.documents and lines["high"] < -0.1 and lines["p"] < 0.01


def test_noise_of_languages_is_that_of_a_paired_t_test(table, results):
    """English 0.1 better, German 0.2 worse, Finnish 0.05 better: nothing is known of other languages."""
    values = [[earned(results, *run, name) for name in IN_LANGUAGE] for run in (("base", 1000), ("replica", 2000))]
    by_language = [[en, (gsd + hdt) / 2, fi] for en, gsd, hdt, fi in values]
    expected, found = stats.ttest_rel(*by_language), row(table, "base", "pos", "in language")
    assert found["language_p"] == pytest.approx(expected.pvalue) and found["language_p"] > 0.5
    assert (found["language_low"], found["language_high"]) == pytest.approx(tuple(expected.confidence_interval()))
    # Test sentences say something else: of these, a small difference is sure.
    assert found["high"] - found["low"] < 0.05 < 0.5 < found["language_high"] - found["language_low"]


def test_each_pair_stands_both_ways_round(table):
    for one in table[table["model"] == "base"].to_dict("records"):
        other = row(table, "replica", one["task"], one["setting"], one["protocol"])
        assert (other["mean"], other["other_mean"], other["value"], other["step"]) == (one["other_mean"], one["mean"], -one["value"], 2000)
        assert (other["low"], other["high"], other["p"]) == (-one["high"], -one["low"], one["p"])
        np.testing.assert_equal([other["language_low"], other["language_high"]], [-one["language_high"], -one["language_low"]])
    assert len(table) == 2 * 5


def test_inference_is_compared_in_one_form_of_the_text_and_only_where_both_are_measured(table):
    """English is measured in one model alone; Thai as published, too, which says nothing more."""
    found = row(table, "base", "xnli", "in language")
    assert (found["n"], found["sentences"]) == (1, 300) and (found["mean"], found["other_mean"]) == pytest.approx((0.6, 0.7), abs=0.03)


def test_one_probe_or_document_has_no_interval_over_sentences_and_languages_have_theirs(results, tmp_path):
    few = tmp_path / "one_seed"
    write_results(
        few, [Training("base", [1000], planted(0)), Training("replica", [2000], planted(1))], Sizes(60, 60, 60, documents=1, seeds=1)
    )
    found = compared(few, tmp_path / "model_comparisons.parquet")
    pos, bits = row(found, "base", "pos", "in language"), row(found, "base", "bpc", "in language", "lines")
    assert pos["interval"] == "no interval" and np.isnan([pos["low"], pos["high"], pos["p"]]).all() and pos["sentences"] == 240
    assert bits["interval"] == "no interval" and bits["sentences"] == 4, "one document each"
    assert not np.isnan([pos["language_low"], pos["language_p"]]).any()
    without = compared(results, tmp_path / "none.parquet", 0)
    assert {*without["interval"]} == {"no interval"} and not without[without["languages"] > 3]["language_low"].isna().any()


def test_one_model_is_compared_with_none_and_three_with_each_other(results, tmp_path):
    assert compared(results, tmp_path / "one.parquet", checkpoints={"base": [1000]}).empty
    other = replace(small_set()[1], model="third", steps=[5], planted=planted(1), training_seed=None)
    write_results(results, [other], SIZES)
    three = compared(results, tmp_path / "three.parquet", 20, {"base": [1000], "replica": [2000], "third": [5]})
    assert {*zip(three["model"], three["other_model"], strict=True)} == {
        (one, two) for one in ("base", "replica", "third") for two in ("base", "replica", "third") if one != two
    }


def test_blocks_are_paired_where_both_models_cut_the_text_alike(results):
    known = BaselineFiles(sorted((results / "baselines").rglob("*.h5")))
    with TrainingOutcomes(results / "outcomes", "base", [1000], known) as base:
        lines, blocks = (base.read(OutcomePlace("bpc", "en", "en", "valid", protocol)) for protocol in ("lines", "fairseq"))

    def otherwise(measured, **changed):
        return replace(measured, counts=replace(measured.counts, **changed))

    longer = {name: counts + 1 for name, counts in blocks.counts.counts.items()}
    assert _same_text(_Pair("en", "en", blocks, blocks)) and not _same_text(_Pair("en", "en", blocks, otherwise(blocks, counts=longer)))
    # A document is the same one, however a model cuts it.
    assert _same_text(_Pair("en", "en", lines, otherwise(lines, counts={name: counts + 1 for name, counts in lines.counts.counts.items()})))
    assert not _same_text(_Pair("en", "en", lines, otherwise(lines, keys=[f"{key} of another text" for key in lines.counts.keys])))
