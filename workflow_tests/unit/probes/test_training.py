import numpy as np
import pandas as pd
import pytest
import torch
from feature_files import write_features
from outcome_scores import outcome_in, scores_of, scores_of_baselines
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

from xlprobe.artifacts.dataset_folder import read_words
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.outcome_file import OutcomeFile
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.features.extraction import extract_features
from xlprobe.probes import linear_probe
from xlprobe.probes.baselines import majority_label, word_type_labels, write_baselines
from xlprobe.probes.control_tasks import control_labels
from xlprobe.probes.labels import label_numbers, word_groups
from xlprobe.probes.linear_probe import Adam, Inputs, ProbeSettings, Problem, _Fitting, epoch_order, fit_probes, initial_weights
from xlprobe.probes.training import Controls, train_probes
from xlprobe.seeds import derive_seed
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.tasks.declaration import load_probe_task

SETTINGS = ProbeSettings(learning_rate=1e-2, batch_size=64, epochs=30, patience=3)
SEEDS = [derive_seed("test", number) for number in range(4)]


@pytest.fixture(scope="module")
def problem():
    """Noisy clusters: 1,003 examples (the last batch is smaller), 24 dimensions, 7 classes, one of which dev never has."""
    generator = torch.Generator().manual_seed(3)
    centres = torch.randn(7, 24, generator=generator)
    y = torch.randint(0, 7, (1603,), generator=generator)
    x = centres[y] + 2 * torch.randn(1603, 24, generator=generator)
    dev = y[1003:].clone()
    dev[dev == 6] = -1
    return x[:1003], y[:1003], x[1003:], dev


def fit(problem, seeds=SEEDS, settings=SETTINGS):
    """The probes of a problem whose examples are single words, each with a row of its own."""
    train_x, train_y, dev_x, dev_y = problem
    return fit_probes(words(train_x), words(dev_x), [Problem(seed, train_y, dev_y) for seed in seeds], 7, settings)


def words(x):
    return Inputs(x, [torch.arange(len(x))])


def plain_loop(problem, seed: int, settings: ProbeSettings, orders_of: int | None = None, classes: int = 7):
    """One probe trained as anyone would write it, over the same orders: its own, or those of another seed."""
    train_x, train_y, dev_x, dev_y = problem
    drawing = torch.Generator().manual_seed(seed if orders_of is None else orders_of)
    initial_weights(drawing, classes, train_x.shape[1])
    generator = torch.Generator().manual_seed(seed)
    probe = torch.nn.Linear(train_x.shape[1], classes)
    weight, bias = initial_weights(generator, classes, train_x.shape[1])
    probe.load_state_dict({"weight": weight, "bias": bias})
    optimizer = torch.optim.Adam(probe.parameters(), lr=settings.learning_rate)
    best, best_epoch, kept = -1.0, 0, None
    for epoch in range(1, settings.epochs + 1):
        for chosen in epoch_order(drawing, len(train_x)).split(settings.batch_size):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(probe(train_x[chosen]), train_y[chosen]).backward()
            optimizer.step()
        accuracy = (probe(dev_x).argmax(1) == dev_y).double().mean().item()
        if accuracy > best:
            best, best_epoch, kept = accuracy, epoch, {name: value.clone() for name, value in probe.state_dict().items()}
        if epoch - best_epoch >= settings.patience:
            break
    return kept["weight"], kept["bias"], epoch, best


def assert_equal_to_plain_loops(probes, problem, settings, orders_of=None, classes=7):
    assert len(set(probes.epochs)) > 1, "the seeds must stop at different epochs for the test to see them leave the batch"
    for place, seed in enumerate(SEEDS):
        weight, bias, epochs, best = plain_loop(problem, seed, settings, orders_of, classes)
        torch.testing.assert_close(probes.weight_PCF[place], weight, atol=1e-5, rtol=0)
        torch.testing.assert_close(probes.bias_PC[place], bias, atol=1e-5, rtol=0)
        assert (probes.epochs[place], probes.dev_score[place]) == (epochs, best)


@pytest.mark.parametrize(("patience", "at_once"), [(2, 1), (5, 1), (2, 4), (2, 3)])
def test_batched_probes_equal_a_plain_loop(problem, patience, at_once, monkeypatch):
    monkeypatch.setattr(linear_probe, "problems_at_once", lambda device, problems, bytes_each: at_once)
    settings = ProbeSettings(1e-2, 64, 30, patience)
    assert_equal_to_plain_loops(fit(problem, settings=settings), problem, settings)


def test_with_a_shared_order_all_seeds_go_through_the_first_ones(problem):
    settings = ProbeSettings(1e-2, 64, 30, 3, shared_order=True)
    assert_equal_to_plain_loops(fit(problem, settings=settings), problem, settings, orders_of=SEEDS[0])


@pytest.fixture(scope="module")
def pairs():
    """Words in half precision, and pairs of them whose class depends on the product of the two."""
    generator = torch.Generator().manual_seed(4)
    vectors = torch.randn(400, 12, generator=generator).half()
    first, second = torch.randint(0, 400, (2, 1403), generator=generator)
    y = (vectors[first] * vectors[second]).float()[:, :7].argmax(1)
    return vectors, first, second, y


def test_probes_of_pairs_equal_a_plain_loop_over_what_they_read_side_by_side(pairs):
    vectors, first, second, y = pairs
    train, dev = (Inputs(vectors, [first[part], second[part]]) for part in (slice(1003), slice(1003, None)))
    settings = ProbeSettings(1e-2, 64, 30, 2)
    probes = fit_probes(train, dev, [Problem(seed, y[:1003], y[1003:]) for seed in SEEDS], 7, settings)
    r1, r2 = vectors.float()[first], vectors.float()[second]
    x = torch.cat([r1, r2, r1 * r2], dim=1)
    assert_equal_to_plain_loops(probes, (x[:1003], y[:1003], x[1003:], y[1003:]), settings)
    assert min(probes.dev_score) > 0.5


@pytest.mark.parametrize(("at_once", "shared"), [(1, False), (4, False), (1, True)])
def test_probes_of_two_classes_equal_a_plain_loop(problem, at_once, shared, monkeypatch):
    """They are computed in a way of their own."""
    monkeypatch.setattr(linear_probe, "problems_at_once", lambda device, problems, bytes_each: at_once)
    train_x, train_y, dev_x, dev_y = problem
    settings = ProbeSettings(1e-2, 64, 30, 2, shared_order=shared)
    problems = [Problem(seed, train_y % 2, dev_y % 2) for seed in SEEDS]
    probes = fit_probes(words(train_x), words(dev_x), problems, 2, settings)
    assert_equal_to_plain_loops(probes, (train_x, train_y % 2, dev_x, dev_y % 2), settings, SEEDS[0] if shared else None, classes=2)


def test_words_are_held_once_and_read_by_row(problem):
    train_x, train_y, dev_x, dev_y = problem
    mixed = torch.cat([dev_x, train_x])
    rows = [torch.arange(len(dev_x), len(mixed))], [torch.arange(len(dev_x))]
    problems = [Problem(seed, train_y, dev_y) for seed in SEEDS]
    probes = fit_probes(Inputs(mixed, rows[0]), Inputs(mixed, rows[1]), problems, 7, SETTINGS)
    assert torch.equal(probes.weight_PCF, fit(problem).weight_PCF)


def test_a_seed_does_not_depend_on_its_neighbours(problem):
    together = fit(problem)
    alone = fit(problem, seeds=SEEDS[2:3])
    torch.testing.assert_close(together.weight_PCF[2:3], alone.weight_PCF, atol=1e-5, rtol=0)
    assert together.epochs[2:3] == alone.epochs


def test_probes_stop_at_the_last_epoch_allowed(problem):
    assert fit(problem, settings=ProbeSettings(1e-4, 64, 4, 100)).epochs == [4] * 4


@pytest.mark.parametrize(("at_once", "shared"), [(1, False), (9, False), (2, False), (1, True)])
def test_probes_of_other_labels_and_of_portions_train_beside_the_others(problem, at_once, shared, monkeypatch):
    """Each as if it were alone, whatever the size of its data."""
    monkeypatch.setattr(linear_probe, "problems_at_once", lambda device, problems, bytes_each: min(at_once, problems))
    settings = ProbeSettings(1e-2, 64, 30, 2, shared_order=shared)
    train_x, train_y, dev_x, dev_y = problem
    other_y, other_dev_y = train_y.flip(0), (dev_y + 2) % 7
    drawn = torch.randperm(len(train_x), generator=torch.Generator().manual_seed(8))
    problems = [
        Problem(SEEDS[0], train_y, dev_y, portion=drawn[:300]),
        *(Problem(seed, train_y, dev_y) for seed in SEEDS[1:]),
        Problem(SEEDS[0], other_y, other_dev_y),
        Problem(SEEDS[1], train_y, dev_y, portion=drawn[:5]),
        Problem(SEEDS[2], train_y, dev_y, portion=drawn[:300]),
        Problem(SEEDS[3], train_y, dev_y, portion=drawn),
    ]
    probes = fit_probes(words(train_x), words(dev_x), problems, 7, settings)
    orders_of = SEEDS[1] if shared else None
    alone = [plain_loop((train_x[drawn[:300]], train_y[drawn[:300]], dev_x, dev_y), SEEDS[0], settings)]
    alone += [plain_loop(problem, seed, settings, orders_of) for seed in SEEDS[1:]]
    alone += [plain_loop((train_x, other_y, dev_x, other_dev_y), SEEDS[0], settings, orders_of)]
    alone += [plain_loop((train_x[drawn[:5]], train_y[drawn[:5]], dev_x, dev_y), SEEDS[1], settings)]
    alone += [plain_loop((train_x[drawn[:300]], train_y[drawn[:300]], dev_x, dev_y), SEEDS[2], settings)]
    alone += [plain_loop((train_x[drawn], train_y[drawn], dev_x, dev_y), SEEDS[3], settings)]
    assert len({epochs for _, _, epochs, _ in alone}) > 2
    for place, (weight, bias, epochs, best) in enumerate(alone):
        torch.testing.assert_close(probes.weight_PCF[place], weight, atol=1e-5, rtol=0)
        torch.testing.assert_close(probes.bias_PC[place], bias, atol=1e-5, rtol=0)
        assert (probes.epochs[place], probes.dev_score[place]) == (epochs, best)


def test_a_probe_may_stop_by_its_loss(problem):
    """It stops where the loss on dev over labels that train has is lowest, as the same probe stopped there by the clock shows."""
    train_x, train_y, dev_x, dev_y = problem
    known = dev_y >= 0
    settings = ProbeSettings(1e-1, 64, 30, 3)
    probe = fit_probes(words(train_x), words(dev_x), [Problem(1, train_y, dev_y, stop_by_loss=True)], 7, settings)
    losses = []
    for epochs in range(1, probe.epochs[0] + 1):
        # Stopped by accuracy with endless patience, the last epochs' weights are kept only where they are the best; so count by hand.
        after = _Fitting(words(train_x), [Problem(1, train_y, dev_y)], 7, settings)
        for _ in range(epochs):
            after.train_epoch()
        logits = dev_x[known] @ after.weight_PCF[0].T + after.bias_PC[0]
        losses.append(torch.nn.functional.cross_entropy(logits, dev_y[known], reduction="sum").item() / len(dev_y))
    best = int(np.argmin(losses))
    assert probe.epochs[0] == best + 1 + settings.patience < 30
    assert probe.dev_score[0] == pytest.approx(-losses[best], rel=1e-5)
    found = probe.losses(words(dev_x[known]), dev_y[known]).sum().item() / len(dev_y)
    assert found == pytest.approx(losses[best], rel=1e-5)


def test_predictions_are_the_linear_layers(problem):
    probes = fit(problem)
    expected = (problem[2] @ probes.weight_PCF[1].T + probes.bias_PC[1]).argmax(1)
    assert torch.equal(probes.predict(words(problem[2]))[1], expected)
    dev = (probes.predict(words(problem[2])) == problem[3]).double().mean(dim=1).tolist()
    assert dev == probes.dev_score


def test_more_examples_than_are_read_at_once_score_the_same(problem, monkeypatch):
    train_x, train_y, dev_x, dev_y = problem
    probes = fit(problem)
    train, dev, problems = words(train_x), words(dev_x), [Problem(1, train_y, dev_y), Problem(2, train_y, dev_y.flip(0))]
    parts = probes.weight_PCF[:2], probes.bias_PC[:2], dev, problems
    whole = probes.predict(train), probes.losses(train, train_y), linear_probe.measure_on_dev(*parts)
    monkeypatch.setattr(linear_probe, "EXAMPLES_AT_ONCE", 100)
    assert torch.equal(probes.predict(train), whole[0])
    torch.testing.assert_close(probes.losses(train, train_y), whole[1], atol=1e-5, rtol=0)
    for found, expected, of in zip(linear_probe.measure_on_dev(*parts), whole[2], problems, strict=True):
        assert (found.accuracy, found.examples, found.known) == (expected.accuracy, 600, int((of.dev_y_N >= 0).sum()))
        assert found.summed_loss == pytest.approx(expected.summed_loss) and found.loss == pytest.approx(found.summed_loss / found.known)


def test_weights_begin_as_those_of_torchs_linear_layer():
    for classes, dimensions in ((2000, 4), (3, 400)):
        weight_CF, bias_C = initial_weights(torch.Generator().manual_seed(1), classes, dimensions)
        assert weight_CF.shape == (classes, dimensions) and bias_C.shape == (classes,)
        theirs = torch.nn.Linear(dimensions, classes)
        for ours in (weight_CF.flatten(), bias_C):
            assert ours.abs().max() <= dimensions**-0.5
            assert len(ours) < 1000 or (ours.min() < -0.98 * dimensions**-0.5 and ours.max() > 0.98 * dimensions**-0.5)
        assert weight_CF.std().item() == pytest.approx(theirs.weight.std().item(), rel=0.1)


def test_adam_is_torchs():
    # Where a gradient is next to nothing, the constant beside its root decides.
    tiny = torch.nn.Parameter(torch.tensor([[1.0]]))
    ours, theirs = Adam([tiny.detach().clone()], 0.1), torch.optim.Adam([tiny], lr=0.1)
    tiny.grad = torch.tensor([[1e-8]])
    theirs.step()
    ours.step([tiny.grad.clone()], 1)
    assert ours.parameters[0].item() == pytest.approx(tiny.item(), abs=1e-5) and tiny.item() == pytest.approx(0.95, abs=1e-3)
    parameter = torch.nn.Parameter(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
    ours = Adam([parameter.detach().clone()], 0.1)
    theirs = torch.optim.Adam([parameter], lr=0.1)
    for step in range(5):
        gradient = torch.tensor([[0.1 * step, -1.0], [1e-4, 2.0]])
        parameter.grad = gradient.clone()
        theirs.step()
        ours.step([gradient], 2)
    torch.testing.assert_close(ours.parameters[0], parameter.detach(), atol=1e-6, rtol=0)
    assert torch.equal(ours.keep([1])[0], ours.parameters[0]) and ours.mean[0].shape == (1, 2)


def test_probes_come_close_to_a_tuned_logistic_regression(problem):
    train_x, train_y, dev_x, dev_y = (part.numpy() for part in problem)
    tuned = max(LogisticRegression(C=c, max_iter=2000).fit(train_x, train_y).score(dev_x, dev_y) for c in (0.01, 0.1, 1.0))
    probes = fit(problem)
    assert np.mean(probes.dev_score) == pytest.approx(tuned, abs=0.02)


def test_seeds_come_from_the_targets_identity():
    assert derive_seed("m", 10, "pos", "en_ewt", 3, 0) == derive_seed("m", 10, "pos", "en_ewt", 3, 0)
    seeds = {derive_seed("m", step, "pos", "en_ewt", layer, seed) for step in (1, 11) for layer in range(3) for seed in range(5)}
    assert len(seeds) == 30 and all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed("m", 1, "1") != derive_seed("m", 11, "")
    # 63 bits, and always the same ones: with others, finished results could not be made again.
    assert max(seeds) >= 2**62 and derive_seed("m", 10, "pos") == 2367116307927217722


def test_labels_that_train_never_has_are_errors():
    assert label_numbers(np.array(["B", "A", "Z"]), ["A", "B"]).tolist() == [1, 0, -1]


def test_groups_of_words_on_a_hand_worked_example():
    train = pd.DataFrame({"form": ["run", "run", "run", "the", "the", "nan"], "label": ["N", "V", "V", "D", "D", "N"]})
    words = pd.DataFrame({"form": ["the", "run", "nan", "Run", "dog", "run"], "label": ["D", "X", "N", "V", "N", "N"]})
    masks = {group: mask.astype(int).tolist() for group, mask in word_groups(words, train, load_probe_task("pos")).items()}
    assert masks == {"ambiguous": [0, 1, 0, 0, 0, 1], "unseen": [0, 0, 0, 1, 1, 0]}
    # No words, no group; of pairs, there is none.
    assert word_groups(words[:1], train, load_probe_task("pos")) == {} == word_groups(words[:0], train, load_probe_task("pos"))
    assert word_groups(words, train, load_probe_task("arc_prediction")) == {}


def test_baselines_on_a_hand_worked_example(tmp_path):
    train = pd.DataFrame({"form": ["a", "a", "a", "b", "c", "c"], "label": ["X", "Y", "Y", "X", "Z", "X"]})
    test = pd.DataFrame({"form": ["a", "c", "a", "b", "d"], "label": ["Y", "X", "Y", "X", "Y"]}, index=[6, 7, 8, 9, 10])
    assert majority_label(train) == "X"
    # Of c among equals the first in order; d is unseen.
    assert word_type_labels(train, test, ["form"]).tolist() == ["Y", "X", "Y", "X", "X"]
    splits = {
        split: [Sentence("1", "", [Word(form, 0, 0, upos, "_", 0, "_") for form, upos in table.itertuples(index=False)])]
        for split, table in (("train", train), ("dev", test[:1]), ("test", test))
    }
    write_dataset(splits, tmp_path / "xx_test", "xx_test", "en")
    write_baselines(tmp_path / "xx_test", "pos", tmp_path / "b.h5")
    table = scores_of_baselines(tmp_path / "b.h5")
    assert table[["training_seed", "step", "layer", "seed", "protocol"]].isna().all(axis=None) and set(table["source"]) == {"xx_test"}
    found = table.query("split == 'test'").set_index(["model", "metric"])[["value", "n"]]
    # a and c are ambiguous, d is unseen.
    assert {index: tuple(row) for index, row in zip(found.index, found.to_numpy(), strict=True)} == {
        ("majority", "accuracy"): (2 / 5, 5),
        ("majority", "accuracy_ambiguous"): (1 / 3, 3),
        ("majority", "accuracy_unseen"): (0, 1),
        ("word_type", "accuracy"): (4 / 5, 5),
        ("word_type", "accuracy_ambiguous"): (1, 3),
        ("word_type", "accuracy_unseen"): (0, 1),
    }
    # Of dev the groups are not kept.
    assert table.query("split == 'dev'")[["model", "metric", "value", "n"]].to_numpy().tolist() == [
        ["majority", "accuracy", 0, 1],
        ["word_type", "accuracy", 1, 1],
    ]


def test_a_pair_is_guessed_by_both_forms_then_by_the_first_then_by_the_majority():
    columns = ["form", "head_form", "label"]
    train = pd.DataFrame([("the", "dog", "det"), ("the", "dog", "det"), ("the", "rich", "nsubj"), ("we", "go", "nsubj")], columns=columns)
    train = pd.concat([train, train[-1:]])
    pairs = pd.DataFrame([("the", "rich"), ("the", "poor"), ("you", "go")], columns=columns[:2])
    assert word_type_labels(train, pairs, columns[:2]).tolist() == ["nsubj", "det", "nsubj"]
    assert majority_label(train) == "nsubj"


@pytest.fixture(scope="module")
def world_treebank(tiny_model, tmp_path_factory):
    """A treebank of the tiny world with vectors from the tiny model."""
    folder = tmp_path_factory.mktemp("treebank")
    files = sorted((tiny_model.text.folder / "sources" / "ud" / "UD_Ketta-World").iterdir())
    write_dataset(read_splits(files, None, 0.1), folder / "qba_world", "qba_world", "qba")
    extract_features(tiny_model.checkpoint, [folder / "qba_world"], [folder / "f.h5"], [folder / "a.parquet"], [0, 2], 4096, "cpu")
    return folder


@pytest.fixture(scope="module")
def totals(world_treebank):
    """The file of the treebank's baselines, which has the totals of its sentences."""
    write_baselines(world_treebank / "qba_world", "pos", world_treebank / "baselines.h5")
    return world_treebank / "baselines.h5"


def test_outcomes_and_weights_of_a_treebank(world_treebank, totals, tmp_path):
    outcomes_path, weights_path = tmp_path / "outcomes.h5", tmp_path / "weights.safetensors"
    paths = world_treebank / "f.h5", world_treebank / "qba_world"
    train_probes(*paths, "pos", 3, SETTINGS, "cpu", outcomes_path, weights_path)
    everything = scores_of(outcomes_path, totals)
    assert len(everything) == 2 * 4 * (3 + 1)  # layers, seeds and their mean, metrics of test and of dev
    scores = everything[everything["seed"].notna()]
    words = read_words(world_treebank / "qba_world")
    test, train = words[words["split"] == "test"], words[words["split"] == "train"]
    unseen = ~test["form"].isin(train["form"])
    n = scores[scores["split"] == "test"].groupby("metric")["n"].unique()
    assert n["accuracy"].tolist() == [len(test)] and n["accuracy_unseen"].tolist() == [unseen.sum()]
    assert scores["value"].between(0, 1).all() and set(scores["source"]) == {"qba_world"} == set(scores["target"])
    assert set(scores["source_language"]) == {"qba"} == set(scores["target_language"])
    assert scores.groupby("split")["metric"].unique().map(sorted).to_dict() == {
        "dev": ["accuracy"],
        "test": ["accuracy", "accuracy_ambiguous", "accuracy_unseen"],
    }
    weights = load_file(weights_path)
    labels = sorted(set(words.loc[words["split"] == "train", "upos"]))
    assert weights["layer_2.weight"].shape == (3, len(labels), 32) and weights["layer_0.bias"].shape == (3, len(labels))
    # The outcomes follow from the weights alone.
    with FeatureFile(world_treebank / "f.h5") as features:
        x = torch.from_numpy(features.layer(2)[test.index]).float()
    predicted = np.array(labels)[(x @ weights["layer_2.weight"][1].T + weights["layer_2.bias"][1]).argmax(1)]
    right = predicted == test["upos"]
    of_test = outcome_in(outcomes_path, "pos", "qba_world", "qba_world", "test")
    assert of_test.layers == [0, 2] and right.groupby(test["sentence"]).sum().tolist() == of_test.counts["correct"][:, 1, 1].tolist()
    found = scores[(scores["split"] == "test") & (scores["layer"] == 2) & (scores["seed"] == 1)].set_index("metric")["value"]
    assert found["accuracy"] == right.mean() and found["accuracy_unseen"] == right[unseen].mean()
    means = everything[everything["seed"].isna()].set_index(["layer", "split", "metric"])["value"]
    pd.testing.assert_series_equal(means, scores.groupby(["layer", "split", "metric"])["value"].mean(), check_like=True)
    # The same target again gives the same bytes.
    train_probes(*paths, "pos", 3, SETTINGS, "cpu", tmp_path / "b", tmp_path / "c")
    assert (tmp_path / "b").read_bytes() == outcomes_path.read_bytes() and (tmp_path / "c").read_bytes() == weights_path.read_bytes()


# Of each word its form, its number and the dimension that its vector points to.
A, B, C, C_PLUR = ("a", "Sing", 0), ("b", "Plur", 1), ("c", "Sing", 0), ("c", "Plur", 1)
NO_NUMBER = ("x", None, 0)
KNOWN = [[A, C, A, B, C], [B, C_PLUR, A, A]]
# Long enough to learn what can be.
THOROUGH = ProbeSettings(learning_rate=0.1, batch_size=16, epochs=30, patience=30)


def write_numbers(folder, dimensions=2, **splits):
    """A treebank for the task `number`, with a features file, given the words of each sentence by split."""

    def word(form, number, _):
        return Word(form, 0, 0, "X", f"Number={number}" if number else "_", 0, "_")

    sentences = {
        split: [Sentence(f"{split}-{n}", "", [word(*said) for said in words]) for n, words in enumerate(of)] for split, of in splits.items()
    }
    write_dataset(sentences, folder / "xx_own", "xx_own", "en")
    points = [place for split in ("train", "dev", "test") for words in splits[split] for _, _, place in words]
    return write_features(folder / "f.h5", folder / "xx_own", np.eye(dimensions)[points][None], [4]), folder / "xx_own"


def test_what_each_sentence_earns_by_hand(tmp_path):
    """A probe goes by the dimension. A sentence has no word with a number; train has no number of three or more, and never d or e."""
    test = [[A, C_PLUR, ("c", "Sing", 1)], [NO_NUMBER], [("d", "Sing", 0), ("e", "Trial", 0), B]]
    paths = write_numbers(tmp_path, train=KNOWN * 10, dev=[[NO_NUMBER], [A, B, A, B, ("d", "Sing", 1)]], test=test)
    train_probes(*paths, "number", 2, THOROUGH, "cpu", tmp_path / "o.h5", tmp_path / "w")
    of_test, of_dev = (outcome_in(tmp_path / "o.h5", "number", "xx_own", "xx_own", split) for split in ("test", "dev"))
    two_seeds = {name: values.tolist() for name, values in of_test.counts.items()}
    assert two_seeds == {
        "correct": [[[2, 2]], [[0, 0]], [[2, 2]]],
        "correct_ambiguous": [[[1, 1]], [[0, 0]], [[0, 0]]],
        "correct_unseen": [[[0, 0]], [[0, 0]], [[1, 1]]],
    }
    assert {name: values.tolist() for name, values in of_dev.counts.items()} == {"correct": [[[0, 0]], [[4, 4]]]}
    # Totals and clusters stand with the baselines alone. Train has Sing more often, of c as well.
    assert of_test.clusters is None and of_test.layers == [4] and of_test.facts["metric"] == "accuracy"
    write_baselines(paths[1], "number", tmp_path / "b.h5")
    known = outcome_in(tmp_path / "b.h5", "number", "xx_own", "xx_own", "test")
    assert known.clusters.tolist() == ["test-0", "test-1", "test-2"] and known.layers is None
    assert {name: values.tolist() for name, values in known.counts.items()} == {
        "total": [3, 0, 3],
        "total_ambiguous": [2, 0, 0],
        "total_unseen": [0, 0, 2],
        "majority.correct": [2, 0, 1],
        "majority.correct_ambiguous": [1, 0, 0],
        "majority.correct_unseen": [0, 0, 1],
        "word_type.correct": [2, 0, 2],
        "word_type.correct_ambiguous": [1, 0, 0],
        "word_type.correct_unseen": [0, 0, 1],
    }
    known = outcome_in(tmp_path / "b.h5", "number", "xx_own", "xx_own", "dev")
    assert known.clusters.tolist() == ["dev-0", "dev-1"]
    assert {name: values.tolist() for name, values in known.counts.items()} == {
        "total": [0, 5],
        "majority.correct": [0, 3],
        "word_type.correct": [0, 5],
    }
    table = scores_of(tmp_path / "o.h5", tmp_path / "b.h5")
    assert table.query("seed.isna()")[["split", "metric", "value", "n"]].to_numpy().tolist() == [
        ["dev", "accuracy", 4 / 5, 5],
        ["test", "accuracy", 4 / 6, 6],
        ["test", "accuracy_ambiguous", 1 / 2, 2],
        ["test", "accuracy_unseen", 1 / 2, 2],
    ]


def test_outcomes_of_controls_by_hand(tmp_path):
    """Each form has a dimension of its own, so that a probe learns any labels of forms by heart; what it then earns is known."""
    one, two, three = ("a", "Sing", 0), ("b", "Plur", 1), ("c", "Sing", 2)
    paths = write_numbers(
        tmp_path,
        dimensions=3,
        train=[[one, two, three], [one, three]] * 20,
        dev=[[one, two, three]],
        test=[[one, ("a", "Plur", 0)], [NO_NUMBER], [three]],
    )
    controls = Controls(control_task=True, description_length=True)
    train_probes(*paths, "number", 2, THOROUGH, "cpu", tmp_path / "o.h5", tmp_path / "w", controls=controls)
    of_test = outcome_in(tmp_path / "o.h5", "number", "xx_own", "xx_own", "test")
    # All words of a form have its label in the control task; in the task itself one of a's has another.
    assert of_test.counts["correct"].tolist() == [[[1, 1]], [[0, 0]], [[1, 1]]]
    assert of_test.counts["correct_control"].tolist() == [[[2, 2]], [[0, 0]], [[1, 1]]]
    of_dev = outcome_in(tmp_path / "o.h5", "number", "xx_own", "xx_own", "dev")
    assert {name: values.tolist() for name, values in of_dev.counts.items()} == {"correct": [[[3, 3]]], "correct_control": [[[3, 3]]]}
    write_baselines(paths[1], "number", tmp_path / "b.h5")
    table = scores_of(tmp_path / "o.h5", tmp_path / "b.h5").query("seed == 1").set_index(["split", "metric"])
    found = {metric: tuple(row) for metric, *row in table.loc["test", ["value", "n"]].itertuples()}
    assert found == {
        "accuracy": (2 / 3, 3),
        "accuracy_control": (1, 3),
        "accuracy_selectivity": (pytest.approx(-1 / 3), 3),
    }
    # What no sentence earned stands as of one: of 100 labels of two kinds, 100 bits by the uniform code.
    of_train = outcome_in(tmp_path / "o.h5", "number", "xx_own", "xx_own", "train")
    bits, compression = of_train.counts["code_length"], of_train.counts["compression"]
    assert {*of_train.counts} == {"code_length", "compression"} and bits.shape == (1, 1, 2) and of_train.facts["examples"] == 100
    assert compression.tolist() == (100 / bits).tolist() and (compression > 1).all()
    assert table.loc["train", "value"].to_dict() == {"code_length": bits[0, 0, 1], "compression": compression[0, 0, 1]}
    assert set(table.loc["train", "n"]) == {100} and of_train.clusters is None


def test_controls_and_intervals_of_a_treebank(world_treebank, totals, tmp_path):
    paths = (world_treebank / "f.h5", world_treebank / "qba_world")
    train_probes(*paths, "pos", 3, SETTINGS, "cpu", tmp_path / "a", tmp_path / "w")
    controls = Controls(control_task=True, description_length=True)
    train_probes(*paths, "pos", 3, SETTINGS, "cpu", tmp_path / "s", tmp_path / "v", controls=controls)
    # Controls change nothing of the probes beside them, nor of what these earn.
    assert (tmp_path / "w").read_bytes() == (tmp_path / "v").read_bytes()
    with OutcomeFile(tmp_path / "a") as plain, OutcomeFile(tmp_path / "s") as controlled:
        assert {*controlled.places} - {*plain.places} == {plain.places[0]._replace(split="train")}
        for place in plain.places:
            with_controls, alone = controlled.read(place).counts, plain.read(place).counts
            assert {*with_controls} - {*alone} == {"correct_control"}
            assert all((with_controls[name] == values).all() for name, values in alone.items())
    table, alone = scores_of(tmp_path / "s", totals, intervals=Intervals(200, 0.9)), scores_of(tmp_path / "a", totals)
    added = ["accuracy_control", "accuracy_selectivity", "code_length", "compression"]
    beside = table[~table["metric"].isin(added)]
    pd.testing.assert_frame_equal(beside.drop(columns=["low", "high"]).reset_index(drop=True), alone.drop(columns=["low", "high"]))
    assert alone["low"].isna().all() and beside["low"].notna().all()
    assert (beside["low"] <= beside["value"]).all() and (beside["value"] <= beside["high"]).all() and (beside["low"] < beside["high"]).any()
    found = table[table["split"] == "test"].set_index(["layer", "seed", "metric"])["value"]
    for layer in (0, 2):
        for seed in range(3):
            accuracy, control, selectivity = (found[layer, seed, f"accuracy{kind}"] for kind in ("", "_control", "_selectivity"))
            assert selectivity == pytest.approx(accuracy - control) and 0 < control < accuracy
    of_code = table[table["split"] == "train"].set_index(["metric", "layer", "seed"]).sort_index()
    words = read_words(world_treebank / "qba_world")
    labels = words.loc[words["split"] == "train", "upos"]
    uniform = len(labels) * np.log2(labels.nunique())
    entropy = -(labels.value_counts(normalize=True) * np.log2(labels.value_counts(normalize=True))).sum() * len(labels)
    for layer in (0, 2):
        bits = of_code.loc[("code_length", layer), "value"].to_numpy()
        # A probe that learned nothing but how frequent labels are would need their entropy.
        compression = of_code.loc[("compression", layer), "value"].to_numpy()
        assert (bits < entropy).all() and (compression[:3] == uniform / bits[:3]).all()
    assert set(of_code["n"]) == {len(labels)} and len(of_code) == 2 * 2 * 4


def test_some_layers_can_be_probed_alone(world_treebank, totals, tmp_path):
    paths = (world_treebank / "f.h5", world_treebank / "qba_world")
    for name, layers in (("all", None), ("last", [2])):
        train_probes(*paths, "pos", 2, SETTINGS, "cpu", tmp_path / f"{name}.h5", tmp_path / f"{name}.safetensors", layers)
    everything, last = (scores_of(tmp_path / f"{name}.h5", totals) for name in ("all", "last"))
    pd.testing.assert_frame_equal(everything[everything["layer"] == 2].reset_index(drop=True), last)
    assert ProbeFile(tmp_path / "last.safetensors").layers == [2] and ProbeFile(tmp_path / "all.safetensors").layers == [0, 2]
    with pytest.raises(XlprobeError, match=r"f.h5: holds layers \[0, 2\], not 1"):
        train_probes(*paths, "pos", 2, SETTINGS, "cpu", tmp_path / "s", tmp_path / "w", [1, 2])


def test_the_control_task_gives_each_form_one_label_as_often_as_train_has_it():
    generator = np.random.default_rng(1)
    forms = [f"w{number}" for number in range(3000)]
    examples = pd.DataFrame({"form": generator.choice(forms, size=9000), "label": generator.choice(["A", "B"], p=[0.8, 0.2], size=9000)})
    train = examples[:4000]
    labels = control_labels(examples, train, "pos", "xx_test", 0)
    by_form = labels.groupby(examples["form"]).agg(["nunique", "first"])
    assert (by_form["nunique"] == 1).all() and labels.index.equals(examples.index)
    assert (by_form["first"] == "A").mean() == pytest.approx(0.8, abs=0.03)
    # Nothing of the true label is left in it, and another seed draws others.
    assert (labels == examples["label"]).mean() == pytest.approx(0.8**2 + 0.2**2, abs=0.03)
    assert labels.equals(control_labels(examples, train, "pos", "xx_test", 0))
    assert not labels.equals(control_labels(examples, train, "pos", "xx_test", 1))


def test_baselines_of_a_treebank(world_treebank, totals):
    table = scores_of_baselines(totals).set_index(["metric", "model", "split"]).sort_index()
    found = table.loc["accuracy", "value"]
    words = read_words(world_treebank / "qba_world")
    train, test = (words[words["split"] == split] for split in ("train", "test"))
    known = {form: group["upos"].value_counts().index[0] for form, group in train.groupby("form")}
    majority = train["upos"].value_counts().index[0]
    expected = np.mean([known.get(form, majority) == tag for form, tag in zip(test["form"], test["upos"], strict=True)])
    assert found["word_type", "test"] == pytest.approx(expected)
    assert found["majority", "test"] == pytest.approx((test["upos"] == majority).mean())
    assert found["word_type", "test"] > found["majority", "test"]
    # On words whose form train never has, the two are the same.
    unseen = test[~test["form"].isin(train["form"])]
    scores = table.loc[("accuracy_unseen", ["majority", "word_type"], "test"), :]
    assert scores["value"].tolist() == [pytest.approx((unseen["upos"] == majority).mean())] * 2 and set(scores["n"]) == {len(unseen)}


def test_a_treebank_without_train_is_refused(tiny_model, world_treebank, tmp_path):
    files = sorted((tiny_model.text.folder / "sources" / "ud" / "UD_Ketta-PUD").iterdir())
    write_dataset(read_splits(files, 5, 0.1), tmp_path / "qba_pud", "qba_pud", "qba")
    with pytest.raises(XlprobeError, match="qba_pud: has no examples of pos in train or in dev, so that no probe"):
        train_probes(world_treebank / "f.h5", tmp_path / "qba_pud", "pos", 1, SETTINGS, "cpu", tmp_path / "s", tmp_path / "w")
