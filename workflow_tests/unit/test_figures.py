import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from xlprobe.figures import draw, layer_by_step_table, learning_curve_table, plot_learning_curves
from xlprobe.metrics import join_tables
from xlprobe.tables import conform, write_table

DATASETS = ["en_ewt", "tr_imst", "zh_gsd"]


@pytest.fixture
def scores():
    """Two steps, two layers, two seeds; on dev layer 0 is best at step 0, layer 1 at step 10."""
    rows = []
    for dataset in DATASETS:
        for step, layer, split, values in (
            (0, 0, "dev", (0.5, 0.7)),
            (0, 1, "dev", (0.5, 0.5)),
            (0, 0, "test", (0.4, 0.6)),
            (0, 1, "test", (0.9, 0.9)),
            (10, 0, "dev", (0.6, 0.6)),
            (10, 1, "dev", (0.8, 0.8)),
            (10, 0, "test", (0.7, 0.7)),
            (10, 1, "test", (0.75, 0.85)),
        ):
            for seed, value in enumerate(values):
                rows.append(("m", step, layer, "pos", dataset, dataset, split, seed, "accuracy", value, 100))
        for name, value in (("majority", 0.2), ("word_type", 0.6)):
            rows.append((name, None, None, "pos", dataset, dataset, "test", None, "accuracy", value, 100))
        # What the figures leave out: scores on some of the words, and on other treebanks.
        others = [(*row[:8], "accuracy_unseen", 0.1, 10) for row in rows if row[4] == dataset]
        others += [(*row[:5], "fi_pud", *row[6:9], 0.1, 100) for row in rows if row[4] == dataset and row[0] == "m"]
        rows += others
    columns = ["model", "step", "layer", "task", "source", "target", "split", "seed", "metric", "value", "n"]
    return conform(pd.DataFrame(rows, columns=columns), "scores.schema.yaml")


def test_the_best_layer_is_chosen_on_dev_and_reported_on_test(scores):
    table = learning_curve_table(scores, "m", "pos")
    table = table[table["dataset"] == "en_ewt"].set_index(["curve", "step"])
    assert table.loc[("best layer", 0), ["layer", "mean", "low", "high"]].tolist() == [0, pytest.approx(0.5), 0.4, 0.6]
    assert table.loc[("best layer", 10), ["layer", "mean", "low", "high"]].tolist() == [1, pytest.approx(0.8), 0.75, 0.85]
    assert table.loc[("last layer", 0), "mean"] == pytest.approx(0.9)
    assert set(table["word_type"]) == {0.6} and set(table["majority"]) == {0.2}


def test_the_heatmaps_table_is_the_mean_over_seeds_on_test(scores):
    table = layer_by_step_table(scores, "m", "pos")
    assert len(table) == 3 * 4
    cell = table[(table["dataset"] == "tr_imst") & (table["layer"] == 1) & (table["step"] == 10)]
    assert cell["mean"].tolist() == [pytest.approx(0.8)]


@pytest.mark.parametrize("kind", ["learning_curve", "layer_by_step"])
def test_figures_are_drawn_with_the_table_behind_them_and_twice_the_same(scores, tmp_path, kind):
    write_table(scores, "scores.schema.yaml", tmp_path / "scores.parquet")
    bytes_of = []
    for name in ("a", "b"):
        paths = [tmp_path / f"{name}.{suffix}" for suffix in ("png", "pdf", "csv")]
        draw(kind, tmp_path / "scores.parquet", "m", "pos", *paths)
        bytes_of.append([path.read_bytes() for path in paths])
    assert bytes_of[0] == bytes_of[1]
    assert bytes_of[0][0].startswith(b"\x89PNG") and bytes_of[0][1].startswith(b"%PDF")
    image = plt.imread(tmp_path / "a.png")
    assert image.std() > 0.02 and min(image.shape[:2]) > 300
    assert set(pd.read_csv(tmp_path / "a.csv")["dataset"]) == set(DATASETS)


def test_a_panel_shows_the_tables_numbers(scores):
    figure = plot_learning_curves(learning_curve_table(scores, "m", "pos"), "pos")
    panels = [axes for axes in figure.axes if axes.get_title()]
    titles = [axes.get_title().split("\n") for axes in panels]
    assert [title for title, _ in titles] == ["English (en_ewt)", "Turkish (tr_imst)", "Chinese (Traditional) (zh_gsd)"]
    assert {baseline for _, baseline in titles} == {"majority tag: 20.0 %"}
    best = next(line for line in panels[0].lines if line.get_label() == "best layer")
    np.testing.assert_allclose(best.get_ydata(), [50, 80])
    plt.close(figure)


def test_tables_are_held_to_their_schema(scores, tmp_path):
    with pytest.raises(ValueError, match="columns differ"):
        conform(scores.drop(columns="n"), "scores.schema.yaml")
    with pytest.raises(ValueError, match="column value holds missing values"):
        conform(scores.assign(value=np.nan), "scores.schema.yaml")
    for name in ("a", "b"):
        write_table(scores, "scores.schema.yaml", tmp_path / name)
    join_tables([tmp_path / "a", tmp_path / "b"], "scores.schema.yaml", tmp_path / "joined")
    joined = pd.read_parquet(tmp_path / "joined")
    assert len(joined) == 2 * len(scores) and str(joined["step"].dtype) == "Int64"
    # A column more than the schema has, as the probes' files have their epochs, is left out.
    scores.assign(epochs=3).to_parquet(tmp_path / "more")
    join_tables([tmp_path / "more"], "scores.schema.yaml", tmp_path / "less")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "less"), pd.read_parquet(tmp_path / "a"))
