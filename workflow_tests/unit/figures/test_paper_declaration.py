import json
from dataclasses import asdict

import pandas as pd
import pytest
from planted_tables import planted_facts

from xlprobe.artifacts.captions import read_caption
from xlprobe.figures.paper_declaration import Asked, draw_paper_figure
from xlprobe.metrics.model_tables import ModelFacts

SHOWN = [
    ("best_performance", ""),
    ("learning_progress", ""),
    ("transfer_pairs", "steps"),
    ("transfer_pairs", "forgetting"),
    ("relative_performance", "in language"),
    ("relative_performance", "from pivot"),
    ("transfer_grid", "best"),
    ("transfer_grid", "asymmetry"),
    ("layer_heatmap", "ja"),
    ("layer_heatmap", "not ja-en"),
    ("expected_layer", ""),
]
# What kinds lack of tasks that are measured.
LACKING = {
    "transfer_pairs": "no two languages are both sources and targets",
    "transfer_grid": "too few languages are both trained and tested on",
    "layer_heatmap": "no such curve is measured at several layers",
    "expected_layer": "nothing is measured at several layers",
}


def made(results, folder, kind, shown, tasks, facts):
    paths = [folder / f"figure.{suffix}" for suffix in ("png", "pdf", "csv", "md")]
    found = sorted((results / "metrics").glob("*.parquet")) if results else []
    draw_paper_figure(kind, Asked(title="Title", tasks=tasks, shown=shown), found, facts, *paths)
    assert paths[0].read_bytes().startswith(b"\x89PNG") and paths[1].read_bytes().startswith(b"%PDF")
    return pd.read_csv(paths[2]), read_caption(paths[3])


@pytest.mark.parametrize(("kind", "shown"), SHOWN)
def test_a_figure_without_data_says_why(planted_results, tmp_path, kind, shown):
    facts = ModelFacts.of_json(json.dumps(asdict(planted_facts())))
    table, caption = made(planted_results, tmp_path, kind, shown, ["arc_prediction"], facts)
    assert not len(table) and len(table.columns) > 3 and caption == "Nothing to show: no arcs are predicted."
    lacking = LACKING.get(kind, "what it shows is not measured in this run")
    table, caption = made(None, tmp_path, kind, shown, ["pos"], facts)
    assert not len(table) and caption == f"Nothing to show: {lacking}."
    _, caption = made(None, tmp_path, kind, shown, ["pos", "arc_prediction"], facts)
    assert caption == f"Nothing to show: no arcs are predicted; {lacking}."


@pytest.mark.parametrize(("kind", "shown"), SHOWN)
def test_a_figure_has_the_table_behind_it_and_a_caption_of_one_line(planted_results, tmp_path, kind, shown):
    table, caption = made(planted_results, tmp_path, kind, shown, ["arc_classification"], planted_facts())
    assert {*table["task"]} == {"arc_classification"} and caption.endswith(".") and "\n" not in caption
