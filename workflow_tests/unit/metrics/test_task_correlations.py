"""Scores of XTREME's models as published, files of users, the run's own scores, and correlations with signatures that are known."""

import numpy as np
import pandas as pd
import pytest
from compared_languages import last_rows_of, row
from planted_task_correlations import PAWSX, write_scores
from scipy import stats

from xlprobe.artifacts.tables import conform, read_schema
from xlprobe.errors import FormatError
from xlprobe.metrics.task_correlations import (
    IN_PRINT,
    SCHEMA,
    XTREME_MODELS,
    XTREME_TASKS,
    correlation_rows,
    note_of,
    own_scores,
    read_scores,
    xtreme_scores,
)

HEADER = "task\tmodel\tlanguage\tmetric\tvalue\tsource\n"
TRAINING = {"model": "xlmr_main", "training_seed": None, "step": 20}
# As the sources print them, over all their languages (of XQuAD, as XTREME does: without Romanian).
MEANS = {
    ("XQuAD", "mBERT", "F1"): (64.5, 11),
    ("XQuAD", "mBERT", "EM"): (49.4, 11),
    ("XQuAD", "XLM-R", "F1"): (76.6, 11),
    ("XQuAD", "XLM-R", "EM"): (60.8, 11),
    ("PAWS-X", "mBERT", "accuracy"): (81.9, 7),
    ("PAWS-X", "XLM", "accuracy"): (80.9, 7),
    ("PAWS-X", "XLM-R", "accuracy"): (86.4, 7),
    ("PAWS-X", "MMTE", "accuracy"): (81.3, 7),
}


def test_published_scores_are_read_and_come_to_the_published_means(real_data):
    path = real_data / "reference" / "xtreme_per_language.tsv"
    if not path.is_file():
        pytest.skip("XLPROBE_DATA has no reference/xtreme_per_language.tsv: no published scores to read")
    table = read_scores(path)
    found = table.groupby(["task", "model", "metric"])["value"].agg(["mean", "count"])
    assert found["count"].to_dict() == {key: count for key, (_, count) in MEANS.items()}
    # Means are printed of more digits than the scores.
    assert found["mean"].to_dict() == pytest.approx({key: mean for key, (mean, _) in MEANS.items()}, abs=0.06)
    assert {*table["task"]} <= XTREME_TASKS.keys() and {*table["model"]} <= {*XTREME_MODELS}
    # They stand where rows without scores say.
    for task, source in zip(table["task"], table["source"], strict=True):
        assert source.removeprefix("github:").partition(" ")[0] in IN_PRINT[task]


def test_what_no_file_has_says_where_to_get_it():
    scores = {(found.names["task"], found.names["score_model"], found.names["metric"]): found for found in xtreme_scores()}
    # Nine tasks, three of which have two metrics, by four models.
    assert len(scores) == 12 * 4 and not any(found.by_language for found in scores.values())
    assert all("config key signatures.task_scores" in found.reason for found in scores.values())
    assert "arXiv:2003.11080" in scores["BUCC", "XLM-R", "F1"].reason
    assert "google-deepmind/xquad" in scores["XQuAD", "XLM", "EM"].reason and "ERNIE" in scores["PAWS-X", "XLM", "accuracy"].reason


def test_a_users_file_has_xtremes_tasks_and_others(tmp_path):
    file = tmp_path / "scores.tsv"
    lines = ["BUCC\tXLM-R\tde\tF1\t67.5\tmine\n", "PAWS-X\tXLM\tde\taccuracy\t50\tmine\n", "MyTask\tXLM-R\tde\tF1\t1\tmine\n"]
    file.write_text(HEADER + "".join(lines))
    scores = {(found.names["task"], found.names["score_model"]): found for found in xtreme_scores(file)}
    for key, value in {("BUCC", "XLM-R"): 67.5, ("PAWS-X", "XLM"): 50, ("MyTask", "XLM-R"): 1}.items():
        assert scores[key].by_language == {"de": value} and scores[key].names["source"] == "user's file" and scores[key].where == "mine"
    assert scores["PAWS-X", "mBERT"].reason and scores["PAWS-X", "mBERT"].names["source"] == "XTREME" and len(scores) == 9 * 4 + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "scores.tsv:1: found nothing, expected the columns task, model"),
        ("task\tmodel\n", "scores.tsv:1: found the header"),
        (HEADER + "BUCC\tXLM-R\tde\tF1\t67.5\n", "scores.tsv:2: found .*, expected 6 cells"),
        (HEADER + "BUCC\tXLM-R\tde\tF1\t67.5\t \n", "scores.tsv:2: found .*, expected 6 cells separated by tabs, none of them blank"),
        (HEADER + "\nBUCC\tXLM-R\tGerman\tF1\t67.5\tmine\n", "scores.tsv:3: found the language 'German', expected a code such as de"),
        (HEADER + "BUCC\tXLM-R\tde\tF1\t67,5\tmine\n", "scores.tsv:2: found the value '67,5', expected a number from 0 to 100"),
        (HEADER + "BUCC\tXLM-R\tde\tF1\t675\tmine\n", "scores.tsv:2: found the value '675', expected a number from 0 to 100"),
        (HEADER + "BUCC\tXLM-R\tde\tF1\tnan\tmine\n", "scores.tsv:2: found the value 'nan'"),
        (
            HEADER + "BUCC\tXLM-R\tde\tF1\t6\tmine\n" * 2,
            r"scores.tsv:3: found BUCC, XLM-R, de, F1 a second time, expected it once .*line 2",
        ),
    ],
)
def test_what_a_users_file_should_not_hold_is_named_with_its_line(tmp_path, text, said):
    file = tmp_path / "scores.tsv"
    file.write_text(text)
    with pytest.raises(FormatError, match=said):
        xtreme_scores(file)


def correlations(folder, values, others=None, scores=None, factors=None):
    rows = [row("main", None, 20, code) | {"mean_published": value} for code, value in values.items()]
    rows += [row("main", None, 20, code, category="case") | {"mean_published": 1.0} for code in values]
    others = xtreme_scores(write_scores(folder)) if others is None else others
    found = pd.DataFrame(correlation_rows(last_rows_of(rows, folder), others, scores, factors))
    return conform(found.reindex(columns=[*read_schema(SCHEMA)["properties"]]), SCHEMA)


PAWS = {code: value for code, value in PAWSX.items() if code != "zh"}
VALUES = {"de": 0.2, "en": 0.9, "es": 0.5, "fr": 0.4, "ja": 0.1, "ko": 0.3, "zh-Hant": 5.0, "hi": 0.7}


def test_the_correlation_with_pawsx_with_chinese_as_printed_and_without(tmp_path):
    found = correlations(tmp_path, VALUES)
    paws = found[(found["task"] == "PAWS-X") & (found["score_model"] == "XLM-R")].set_index("matching")
    assert paws.index.to_list() == ["as printed", "same script"] and paws["n"].to_list() == [7, 6]
    printed = stats.pearsonr([VALUES[code] for code in PAWS] + [5.0], [*PAWSX.values()])
    own = stats.pearsonr([VALUES[code] for code in PAWS], [*PAWS.values()])
    assert paws["r"].to_list() == pytest.approx([printed.statistic, own.statistic])
    assert paws["p"].to_list() == pytest.approx([printed.pvalue, own.pvalue])
    assert paws["low"].to_list() == pytest.approx([printed.confidence_interval().low, own.confidence_interval().low])
    assert paws.loc["as printed", "languages"] == "de en es fr ja ko zh-Hant" and paws.loc["same script", "left_out"] == "zh"
    assert paws.loc["as printed", "influential"] == "zh-Hant" and paws["permutation_p"].between(1 / 5040, 1).all()
    assert paws["note"].str.startswith(("n = 7: ", "n = 6: ")).all() and not paws["n_too_small"].any()
    # Those of all words alone.
    assert found["category"].unique().tolist() == ["part_of_speech"]


def test_simplified_chinese_is_xtremes_and_needs_no_second_row(tmp_path):
    found = correlations(tmp_path, {"zh-Hans": 5.0} | VALUES)
    paws = found[(found["task"] == "PAWS-X") & (found["score_model"] == "XLM-R")]
    assert paws["matching"].to_list() == ["as printed"] and paws.iloc[0]["languages"].endswith("ko zh-Hans")


def test_few_languages_have_a_note_and_fewer_a_reason(tmp_path):
    found = correlations(tmp_path, {code: VALUES[code] for code in ("de", "en", "fr", "ko")})
    paws = found[(found["task"] == "PAWS-X") & (found["score_model"] == "XLM-R")].iloc[0]
    assert paws["n"] == 4 and "no interval says much" in paws["note"] and paws["low"] < paws["r"] < paws["high"]
    xquad = found[(found["task"] == "XQuAD") & (found["score_model"] == "mBERT")].iloc[0]
    assert (
        xquad["n_too_small"]
        and xquad["n"] == 2
        and xquad["reason"] == "2 values have both: a correlation needs 3"
        and pd.isna(xquad["note"])
    )
    absent = found[found["task"] == "Tatoeba"]
    assert absent["n"].eq(0).all() and absent["reason"].str.contains("the appendix of Hu").all() and absent["r"].isna().all()


def test_the_note_says_what_chance_reaches():
    # Of four independent pairs r is spread evenly from -1 to 1.
    assert "an |r| of 0.95 in one of 20" in note_of(4) and note_of(10) is None
    random = np.random.default_rng(5).standard_normal((2, 20_000, 6))
    r = [np.corrcoef(*pair)[0, 1] for pair in random.transpose(1, 0, 2)]
    assert np.quantile(np.abs(r), 0.95) == pytest.approx(float(note_of(6).split("|r| of ")[1].split(" ")[0]), abs=0.015)


def score(task, source, target, languages, value, **changed):
    names = {"model": "xlmr_main", "training_seed": None, "step": 20, "layer": 4, "task": task, "source": source, "target": target}
    names |= dict(zip(("source_language", "target_language"), languages, strict=True))
    rest = {"text_form": None, "split": "test", "seed": None, "protocol": "paper", "metric": "accuracy", "value": value, "n": 9}
    return names | rest | {"low": None, "high": None} | changed


SCORES = [
    score("pos", "en_ewt", "en_ewt", ("en", "en"), 0.99),
    score("pos", "en_ewt", "en_pud", ("en", "en"), 0.9),
    score("pos", "en_ewt", "de_pud", ("en", "de"), 0.8),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.5),
    score("pos", "en_ewt", "fr_other", ("en", "fr"), 0.7),
    # None of these counts.
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, seed=0),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, layer=2),
    score("pos", "en_ewt", "en_ewt", ("en", "en"), 0.1, layer=5),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, protocol="converged"),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, step=10),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, split="dev"),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, metric="accuracy_unseen"),
    score("pos", "en_ewt", "fr_pud", ("en", "fr"), 0.1, model="other"),
    score("pos", "de_gsd", "fr_pud", ("de", "fr"), 0.1),
    score("alignment", "align_en_de", "align_en_de", ("en", "de"), 0.6, protocol=None, metric="f1"),
    score("alignment", "align_fr_en", "align_fr_en", ("fr", "en"), 0.4, protocol=None, metric="f1"),
    score("alignment", "align_fr_de", "align_fr_de", ("fr", "de"), 0.1, protocol=None, metric="f1"),
]


def test_own_scores_are_zero_shot_from_the_pivot_at_the_last_layer():
    pos, xnli, alignment = own_scores(pd.DataFrame(SCORES), TRAINING)
    # Of the pivot the set that is like those of others, not the train set's own; of two sets the mean.
    assert pos.by_language == pytest.approx({"en": 0.9, "de": 0.8, "fr": 0.6})
    assert pos.names == {
        **{"source": "this run", "task": "pos", "score_model": "xlmr_main", "metric": "accuracy", "score_layer": 4, "pivot": "en"}
    }
    assert alignment.by_language == {"de": 0.6, "fr": 0.4} and alignment.where == "metrics/scores.parquet, with en"
    assert xnli.reason == "the run has no scores of xnli of xlmr_main at step 20"
    (from_german, *_) = own_scores(pd.DataFrame(SCORES), TRAINING, "de")
    assert from_german.by_language == {"fr": 0.1} and from_german.names["pivot"] == "de"
    assert all(found.reason for found in own_scores(None, TRAINING))


def test_without_english_the_pivot_is_the_language_from_which_most_are_reached():
    table = pd.DataFrame([one for one in SCORES if "en" not in (one["source_language"], one["target_language"])])
    found = [score("pos", "fr_gsd", f"{code}_pud", ("fr", code), 0.3) for code in ("de", "it", "es")]
    pos, *_ = own_scores(pd.concat([table, pd.DataFrame(found)]), TRAINING)
    assert pos.names["pivot"] == "fr" and pos.by_language == {"de": 0.3, "it": 0.3, "es": 0.3}


def test_own_scores_never_meet_another_script(tmp_path):
    scores = [score("xnli", "xnli_en", f"xnli_{code}", ("en", code), value) for code, value in {"zh-Hans": 0.4, **PAWS}.items()]
    found = correlations(tmp_path, VALUES, others=[], scores=pd.DataFrame(scores))
    xnli = found[found["task"] == "xnli"]
    assert xnli["matching"].to_list() == ["same script"] and xnli["n"].to_list() == [6] and xnli["left_out"].to_list() == ["zh-Hans"]
    assert xnli.iloc[0]["r"] == pytest.approx(stats.pearsonr([VALUES[code] for code in PAWS], [*PAWS.values()]).statistic)
    assert found[found["task"] == "pos"]["reason"].to_list() == ["the run has no scores of pos of xlmr_main at step 20"]
