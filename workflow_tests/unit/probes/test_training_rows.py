"""How the training of probes went: what is recorded, what is flagged, what is said."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from feature_files import write_features
from outcome_scores import scores_of
from scipy.stats import chi2

from xlprobe import command_line
from xlprobe.artifacts.dataset_folder import read_words
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.artifacts.tables import conform, write_table
from xlprobe.artifacts.training_reasons import REASONS
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.metrics.joining import join_tables
from xlprobe.metrics.probe_training_summary import summarise, write_summary
from xlprobe.probes.baselines import write_baselines
from xlprobe.probes.converged_probe import ConvergedSettings
from xlprobe.probes.linear_probe import Inputs, OnDev, ProbeSettings, ProbeTraining, Problem, fit_probes
from xlprobe.probes.training import PROTOCOLS, Controls, settings_of, train_probes
from xlprobe.probes.training_rows import cochran_q, loss_falls, seeds_disagree, summary, training_rows
from xlprobe.probes.transfer import transfer_probes
from xlprobe.seeds import derive_seed

SETTINGS = ProbeSettings(1e-2, 32, 20, 3)
CONVERGED = ConvergedSettings((0.01, 0.1, 1.0), 1e-4, 300)


def on_dev(loss: float, accuracy: float = 0.6) -> OnDev:
    return OnDev(accuracy, summed_loss=loss * 90, examples=100, known=90)


def test_cochrans_q_on_a_hand_worked_example():
    """Seeds are right 4, 2 and 0 times, examples by 2, 1, 0, 2 and 1 seeds: Q = 2 (3 * 20 - 36) / (18 - 10) = 6, p = exp(-3)."""
    right = np.array([[1, 1, 0, 1, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]])
    assert cochran_q(right) == pytest.approx(np.exp(-3))
    assert cochran_q(np.ones((3, 5))) == 1.0


def test_seeds_disagree_where_dev_tells_and_not_by_chance():
    generator = np.random.default_rng(1)
    shared = generator.random(3000) < 0.6

    def seeds(share: float, accuracy: float) -> np.ndarray:
        """Five seeds' probes, which judge a share of the examples anew, all but the last as well as the others."""
        anew = generator.random((5, 3000)) < share
        drawn = generator.random((5, 3000)) < np.array([0.6] * 4 + [accuracy])[:, None]
        return np.where(anew, drawn, shared).astype(np.int8)

    assert not seeds_disagree(seeds(0.3, 0.6)) and seeds_disagree(seeds(0.3, 0.4))
    # Two points of so few examples are chance; one point of many is no matter.
    assert not seeds_disagree(seeds(1.0, 0.4)[:, :40])
    many = np.repeat(seeds(0.0, 0.6), 20, axis=1)
    many[4, :600] = 0
    assert cochran_q(many) < 1e-9 and not seeds_disagree(many)


def test_flags_begin_where_they_are_said_to():
    """A loss that falls by more than half a per cent; seeds apart by more than two points, unless by a chance of one in a thousand."""
    for last, falls in ((0.9955, False), (0.9945, True)):
        assert loss_falls([ProbeTraining("patience", 9, on_dev(1.0), on_dev(last))]) == falls
        assert not loss_falls([ProbeTraining("cap", 9, on_dev(1.0), on_dev(last))]) and not loss_falls([])
    for points, apart in ((19, False), (21, True)):
        right = np.ones((2, 1000))
        right[1, :points] = 0
        assert cochran_q(right) < 1e-4 and seeds_disagree(right) == apart
    # Of n examples that one seed alone has right: Q = n, and so p = 0.0016 of 10, 0.0009 of 11, 0.0005 of 12.
    for examples, apart in ((10, False), (11, True)):
        right = np.array([[1] * examples, [0] * examples])
        assert cochran_q(right) == pytest.approx(chi2.sf(examples, 1)) and seeds_disagree(right) == apart


def test_flags_on_hand_made_seeds():
    patient = ProbeTraining("patience", 9, on_dev(1.0), on_dev(1.01))
    rows = training_rows([patient, replace(patient, stopped_by="cap")], [12, 50], np.ones((2, 9)))
    assert [row["flag"] for row in rows] == [None, "cap"]
    expected = {"seed": 0, "stopped_by": "patience", "epochs": 12, "best_epoch": 9, "inverse_strength": None, "dev_accuracy": 0.6}
    assert rows[0] == expected | {"dev_loss": 1.0, "dev_loss_at_stop": 1.01, "dev_examples": 100, "dev_unknown": 10, "flag": None}
    # Its loss fell by 4 % in the epochs that it was waited for.
    falling = replace(patient, last=on_dev(0.96))
    assert [row["flag"] for row in training_rows([replace(patient, best_epoch=1), patient], [4, 12])] == ["first epoch", None]
    assert [row["flag"] for row in training_rows([falling, falling], [12, 12], np.ones((2, 9)))] == ["loss falling"] * 2
    # Of seeds that learn other labels, none can disagree.
    apart = np.repeat([[1], [0]], 500, axis=1)
    assert [row["flag"] for row in training_rows([patient, patient], [12, 12], apart)] == ["seeds disagree"] * 2
    assert [row["flag"] for row in training_rows([patient, patient], [12, 12])] == [None, None]
    nothing_known = ProbeTraining("patience", 2, OnDev(0.0, 0.0, 9, 0), OnDev(0.0, 0.0, 9, 0))
    (row,) = training_rows([nothing_known], [4])
    assert np.isnan(row["dev_loss"]) and row["dev_unknown"] == 9


def test_what_is_said_of_flags():
    rows = [{"flag": None}, {"flag": "cap"}, {"flag": "cap; seeds disagree"}]
    assert summary(rows[:1], "pos en_ewt xlmr step 5", "paper") == "pos en_ewt xlmr step 5: 0 of 1 probes flagged (paper)"
    assert summary(rows, "pos en_ewt xlmr step 5", "paper") == (
        "pos en_ewt xlmr step 5: 2 of 3 probes flagged (paper): cap 2, seeds disagree 1; their scores say something of the training, too:"
        " raise probes.epochs, probes.patience, probes.learning_rate where it is small, or set probes.protocol: converged"
    )
    assert summary(rows[1:2], "x", "converged").endswith(
        "raise probes.converged.iterations, or leave the largest of probes.converged.inverse_strengths out"
    )


def test_what_is_recorded_of_a_training_is_what_happened():
    """Against the same probe trained to each epoch alone."""
    generator = torch.Generator().manual_seed(2)
    y = torch.randint(0, 4, (700,), generator=generator)
    x = torch.randn(4, 8, generator=generator)[y] + 2 * torch.randn(700, 8, generator=generator)
    dev_y = y[500:].clone()
    dev_y[dev_y == 3] = -1
    train, dev = (Inputs(x, [torch.arange(700)[part]]) for part in (slice(500), slice(500, None)))
    problem = Problem(3, y[:500], dev_y)

    def after(epochs: int) -> tuple[float, float]:
        """Accuracy and loss on dev, of weights that are kept whatever they score, since there is no epoch to compare with."""
        losing = replace(problem, stop_by_loss=True)
        probe = fit_probes(train, dev, [losing], 4, ProbeSettings(1e-3, 64, epochs, 100))
        assert probe.training[0].best_epoch == epochs, "the loss must fall for the last epoch to be the best"
        known = dev_y >= 0
        loss = probe.losses(dev[known.nonzero()[:, 0]], dev_y[known]).mean().item()
        return (probe.predict(dev)[0] == dev_y).double().mean().item(), loss

    probe = fit_probes(train, dev, [problem], 4, ProbeSettings(1e-3, 64, 40, 2))
    (training,), (epochs,) = probe.training, probe.epochs
    assert training.stopped_by == "patience" and epochs == training.best_epoch + 2 < 40
    for moment, epoch in ((training.kept, training.best_epoch), (training.last, epochs)):
        assert (moment.accuracy, moment.loss) == pytest.approx(after(epoch), rel=1e-4)
        assert (moment.examples, moment.known) == (200, int((dev_y >= 0).sum()))
    capped = fit_probes(train, dev, [problem], 4, ProbeSettings(1e-3, 64, training.best_epoch, 2))
    assert capped.training[0].stopped_by == "cap" and torch.equal(capped.weight_PCF, probe.weight_PCF)


@pytest.fixture
def treebank(tmp_path):
    """Words whose vectors point to their tags in noise, and of every dimension another scale; dev has a tag that train never has."""
    generator = np.random.default_rng(7)

    def word(tag: str) -> Word:
        return Word(f"w{generator.integers(40)}", 0, 0, tag, "_", 0, "_")

    def sentences(split: str, count: int) -> list[Sentence]:
        drawn = generator.choice(["NOUN", "VERB", "DET", *(["X"] if split == "dev" else [])], size=(count, 6))
        return [Sentence(f"{split}-{n}", "", [word(tag) for tag in tags]) for n, tags in enumerate(drawn)]

    write_dataset({split: sentences(split, 40) for split in ("train", "dev", "test")}, tmp_path / "xx_own", "xx_own", "en")
    words = read_words(tmp_path / "xx_own")
    centres = {tag: generator.standard_normal(12) for tag in sorted(words["upos"].unique())}
    clean_WD = np.stack([centres[tag] for tag in words["upos"]])
    vectors_LWD = np.stack([clean_WD + generator.standard_normal(clean_WD.shape) for _ in range(2)]) * np.logspace(-1, 1, 12)
    write_features(tmp_path / "xx_own.h5", tmp_path / "xx_own", vectors_LWD, [0, 3])
    write_baselines(tmp_path / "xx_own", "pos", tmp_path / "baselines.h5")
    return tmp_path


def train(treebank, name: str, n_seeds, settings, **changes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores and the training of a treebank's probes."""
    paths = [treebank / f"{name}.{kind}" for kind in ("outcomes.h5", "safetensors", "training.parquet")]
    train_probes(treebank / "xx_own.h5", treebank / "xx_own", "pos", n_seeds, settings, "cpu", *paths[:2], training=paths[2], **changes)
    return scores_of(paths[0], treebank / "baselines.h5"), conform(pd.read_parquet(paths[2]), "probe_training.schema.yaml")


def test_each_probe_has_a_row_of_its_training(treebank):
    controls = Controls(control_task=True, description_length=True)
    scores, training = train(treebank, "a", 3, SETTINGS, controls=controls)
    assert set(scores["protocol"]) == {"paper"} == set(training["protocol"]) and set(training["dataset"]) == {"xx_own"}
    # Layers, seeds; portions of 240 examples, of 1, 2, 4, 8, 15, 30, 60 and 120.
    assert training["labels"].value_counts().to_dict() == {"task": 6, "control_task": 6, "portion": 2 * 3 * 8}
    assert sorted(training.loc[training["labels"] == "portion", "examples"].unique()) == [1, 2, 4, 8, 15, 30, 60, 120]
    own = training[training["labels"] == "task"].set_index(["layer", "seed"])
    found = scores[(scores["metric"] == "accuracy") & (scores["split"] == "dev")].dropna(subset="seed").set_index(["layer", "seed"])
    assert own["dev_accuracy"].to_list() == found["value"].to_list() and own["epochs"].between(1, SETTINGS.epochs).all()
    unknown = (read_words(treebank / "xx_own").query("split == 'dev'")["upos"] == "X").sum()
    assert set(own["examples"]) == {240} == set(own["dev_examples"]) and set(own["dev_unknown"]) == {unknown} and unknown > 20
    assert (own["best_epoch"] <= own["epochs"]).all() and own["inverse_strength"].isna().all()
    join_tables([treebank / "a.training.parquet"] * 2, "probe_training.schema.yaml", treebank / "joined.parquet")
    assert len(pd.read_parquet(treebank / "joined.parquet")) == 2 * len(training)


def test_converged_probes_of_a_treebank(treebank, caplog):
    caplog.set_level("INFO")
    controls = Controls(control_task=True, description_length=True)
    scores, training = train(treebank, "a", 3, CONVERGED, controls=controls)
    assert "protocol converged: the optimum is one, so there is one probe a layer; probes.n_seeds" in caplog.text
    assert "pos xx_own xlmr step 5: 0 of 2 probes flagged (converged)" in caplog.text
    assert set(scores["protocol"]) == {"converged"} and set(scores["seed"].dropna()) == {0}
    # A row of the one seed, and the mean, which is the same.
    by_seed = scores.assign(seed=scores["seed"].fillna(-1)).pivot_table(index=["layer", "split", "metric"], columns="seed", values="value")
    # Layers; metrics of test, of dev and of train.
    assert (by_seed[0] == by_seed[-1]).all() and len(by_seed) == 2 * (4 + 3 + 2)
    assert set(training["stopped_by"]) == {"tolerance"} and set(training["inverse_strength"]) <= set(CONVERGED.inverse_strengths)
    assert training["labels"].value_counts().to_dict() == {"task": 2, "control_task": 2, "portion": 2 * 8}
    # Labels that vectors tell take far fewer bits than the uniform code; a class that a portion lacks costs no endless number.
    assert (by_seed[0].xs("compression", level="metric") > 1.5).all()
    # Transfer reads the weights as they are: the same test set again scores the same.
    probes = ProbeFile(treebank / "a.safetensors")
    assert (probes.protocol, probes.dataset, probes.languages) == ("converged", "xx_own", ["en"])
    transfer_probes(treebank / "xx_own.h5", treebank / "xx_own", "pos", [treebank / "a.safetensors"], treebank / "t.h5")
    expected = scores[(scores["split"] == "test") & (scores["metric"] == "accuracy")].reset_index(drop=True)
    pd.testing.assert_frame_equal(scores_of(treebank / "t.h5", treebank / "baselines.h5"), expected)
    assert expected["value"].min() > 0.6
    # Seeds decide nothing.
    again, _ = train(treebank, "b", None, CONVERGED, controls=controls)
    pd.testing.assert_frame_equal(again, scores)
    _, capped = train(treebank, "c", None, replace(CONVERGED, iterations=3))
    assert (
        set(capped["flag"]) == {"cap"} == set(capped["stopped_by"])
        and "leave the largest of probes.converged.inverse_strengths out" in caplog.text
    )


def test_converged_probes_beside_the_papers(treebank):
    """Each as if it were alone; controls and weights are those of the run's own protocol."""
    controls = Controls(control_task=True, description_length=True)
    scores, training = train(treebank, "a", 3, SETTINGS, controls=controls, beside=CONVERGED)
    for name, n_seeds, settings, asked in (("paper", 3, SETTINGS, controls), ("converged", None, CONVERGED, Controls())):
        alone, trained_alone = train(treebank, name, n_seeds, settings, controls=asked)
        for found, expected in ((scores, alone), (training, trained_alone)):
            part = found[found["protocol"] == name].reset_index(drop=True)
            pd.testing.assert_frame_equal(part, expected, check_like=True)
    assert len(scores) > len(alone) and {*scores["protocol"]} == {"paper", "converged"} == {*training["protocol"]}
    assert (treebank / "a.safetensors").read_bytes() == (treebank / "paper.safetensors").read_bytes()
    with pytest.raises(XlprobeError, match=r"^--converged-tasks: --protocol converged trains all probes so already; leave it out"):
        train(treebank, "b", None, CONVERGED, beside=replace(CONVERGED, iterations=3))


def test_checkpoints_have_common_seeds_where_they_are_asked_for(treebank):
    """The same vectors at two steps, with so small steps of learning that weights stay what they were at first."""
    settings = ProbeSettings(1e-9, 32, 1, 1)
    for step in (5, 10):
        with FeatureFile(treebank / "xx_own.h5") as features:
            vectors = np.stack([features.layer(layer) for layer in (0, 3)])
        write_features(treebank / f"{step}.h5", treebank / "xx_own", vectors, [0, 3], step=step)

    def weights(step: int, common_seeds: bool) -> np.ndarray:
        paths = treebank / "o.h5", treebank / "w.safetensors"
        train_probes(treebank / f"{step}.h5", treebank / "xx_own", "pos", 2, settings, "cpu", *paths, common_seeds=common_seeds)
        return np.stack([ProbeFile(paths[1]).layer(layer)[0] for layer in (0, 3)])

    common, apart = weights(5, True), weights(5, False)
    np.testing.assert_array_equal(common, weights(10, True))
    # Layers and seeds are apart in either case, checkpoints by default.
    drawn = [*common.reshape(4, -1), *apart.reshape(4, -1), *weights(10, False).reshape(4, -1)]
    assert np.corrcoef(drawn)[np.triu_indices(12, 1)].max() < 0.5
    # By default they are derived as they always were.
    words = read_words(treebank / "xx_own")
    train_words, dev_words = (torch.from_numpy(np.flatnonzero(words["split"] == split)) for split in ("train", "dev"))
    inputs = [Inputs(torch.from_numpy(vectors[0]), [rows]) for rows in (train_words, dev_words)]
    numbers = torch.tensor(words["upos"].map({"DET": 0, "NOUN": 1, "VERB": 2, "X": -1}).to_list())
    problems = [Problem(derive_seed("xlmr", 5, "pos", "xx_own", 0, seed), numbers[train_words], numbers[dev_words]) for seed in range(2)]
    np.testing.assert_array_equal(apart[0], fit_probes(*inputs, problems, 3, settings).weight_PCF.numpy())


def test_settings_that_a_protocol_lacks_are_named(treebank):
    values = {"learning_rate": 0.1, "batch_size": 8, "epochs": 3, "patience": 2, "shared_order": False, "tolerance": None}
    assert settings_of("paper", values) == ProbeSettings(0.1, 8, 3, 2)
    with pytest.raises(XlprobeError, match=r"^--protocol converged: needs --inverse-strengths; give it a value"):
        settings_of("converged", values)
    with pytest.raises(XlprobeError, match=r"^--protocol paper: needs --n-seeds; give it a value"):
        train(treebank, "a", None, SETTINGS)
    assert set(PROTOCOLS) == {"paper", "converged"} and command_line.layers("all") is None


def test_the_report_has_a_row_a_task_and_dataset(tmp_path):
    shared = {
        "model": "m<b>",
        "training_seed": None,
        "step": 5,
        "protocol": "paper",
        "layer": 0,
        "labels": "task",
        "examples": 9,
        "seed": 0,
    }
    shared |= {"stopped_by": "cap", "epochs": 50, "best_epoch": 49, "inverse_strength": None, "dev_examples": 9, "dev_unknown": 0}
    values = [("pos", "en_ewt", None, 0.5, 1.0), ("pos", "en_ewt", "cap; seeds disagree", 0.7, 2.0), ("pos", "tr_imst", None, 0.4, 3.0)]
    rows = [
        shared | {"task": task, "dataset": dataset, "flag": flag, "dev_accuracy": accuracy, "dev_loss": loss, "dev_loss_at_stop": loss}
        for task, dataset, flag, accuracy, loss in values
    ]
    # Controls are in the table of all, and not in the report.
    table = conform(pd.DataFrame([*rows, rows[1] | {"labels": "control_task"}]), "probe_training.schema.yaml")
    found = summarise(table).set_index("dataset")
    assert found.loc["en_ewt", ["probes", "flagged", *REASONS]].tolist() == [2, 1, 1, 1, 0, 0]
    assert found.loc["en_ewt", ["dev_accuracy", "dev_loss"]].tolist() == pytest.approx([0.6, 1.5]) and found.loc["tr_imst", "flagged"] == 0
    write_table(table, "probe_training.schema.yaml", tmp_path / "t.parquet")
    write_summary(tmp_path / "t.parquet", tmp_path / "t.html", tmp_path / "t.csv")
    page = (tmp_path / "t.html").read_text()
    assert "1 of 3 probes are flagged" in page and "m&lt;b&gt;" in page and "m<b>" not in page
    (flagged,) = re.findall(r'<tr class="flagged">(.*?)</tr>', page, re.DOTALL)
    assert "en_ewt" in flagged and "<td>60.0</td>" in flagged and "<td>1.50</td>" in flagged and len(pd.read_csv(tmp_path / "t.csv")) == 2
    # None at all: in the order of their names.
    assert summarise(table[table["flag"].isna()][::-1])["dataset"].tolist() == ["en_ewt", "tr_imst"]
    write_table(table[table["flag"].isna()], "probe_training.schema.yaml", tmp_path / "t.parquet")
    write_summary(tmp_path / "t.parquet", tmp_path / "t.html", tmp_path / "t.csv")
    assert "0 of 2 probes are flagged" in (tmp_path / "t.html").read_text()
