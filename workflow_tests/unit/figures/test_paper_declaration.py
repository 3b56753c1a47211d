import json
from dataclasses import asdict

import pandas as pd
import pytest
from planted_tables import planted_facts

from xlprobe.figures.paper_declaration import Asked, draw_paper_figure
from xlprobe.metrics.model_tables import ModelFacts

UNMEASURED, FEW = "what it shows is not measured in this run", "too few languages are both trained and tested on"
NO_LAYERS = "no such curve is measured at several layers"
# What each lacks of tasks that are measured.
LACKING = {
    ("relative_performance", "in language"): UNMEASURED,
    ("relative_performance", "from pivot"): UNMEASURED,
    ("transfer_grid", "best"): FEW,
    ("transfer_grid", "asymmetry"): FEW,
    ("layer_heatmap", "ja"): NO_LAYERS,
    ("layer_heatmap", "not ja-en"): NO_LAYERS,
    ("expected_layer", ""): "nothing is measured at several layers",
}


def made(results, folder, kind, shown, tasks, facts):
    paths = [folder / f"figure.{suffix}" for suffix in ("png", "pdf", "csv", "md")]
    tables = sorted((results / "metrics").glob("*.parquet")) if results else []
    draw_paper_figure(kind, Asked(title="Title", tasks=tasks, shown=shown), tables, facts, *paths)
    assert paths[0].read_bytes().startswith(b"\x89PNG") and paths[1].read_bytes().startswith(b"%PDF")
    return pd.read_csv(paths[2]), paths[3].read_text()


@pytest.mark.parametrize(("kind", "shown"), LACKING)
def test_a_figure_without_data_says_why(planted_results, tmp_path, kind, shown):
    facts = ModelFacts.of_json(json.dumps(asdict(planted_facts())))
    table, caption = made(planted_results, tmp_path, kind, shown, ["arc_prediction"], facts)
    assert not len(table) and len(table.columns) > 3 and caption == "Title. Nothing to show: no arcs are predicted.\n"
    lacking = LACKING[kind, shown]
    table, caption = made(None, tmp_path, kind, shown, ["pos"], facts)
    assert not len(table) and caption == f"Title. Nothing to show: {lacking}.\n"
    _, caption = made(None, tmp_path, kind, shown, ["pos", "arc_prediction"], facts)
    assert caption == f"Title. Nothing to show: no arcs are predicted; {lacking}.\n"


@pytest.mark.parametrize(("kind", "shown"), LACKING)
def test_a_figure_has_the_table_behind_it_and_a_caption_of_one_line(planted_results, tmp_path, kind, shown):
    table, caption = made(planted_results, tmp_path, kind, shown, ["arc_classification"], planted_facts())
    assert {*table["task"]} == {"arc_classification"} and caption.startswith("Title. ") and caption.count("\n") == 1
