import json
from dataclasses import asdict

import pandas as pd
import pytest
from planted_tables import planted_facts

from xlprobe.figures.paper_declaration import Asked, draw_paper_figure
from xlprobe.metrics.model_tables import ModelFacts

SHOWN = [
    ("relative_performance", "in language"),
    ("relative_performance", "from pivot"),
    ("transfer_grid", "best"),
    ("transfer_grid", "asymmetry"),
    ("layer_heatmap", "ja"),
    ("layer_heatmap", "not ja-en"),
    ("expected_layer", ""),
]


def made(results, folder, kind, shown, task, facts):
    paths = [folder / f"figure.{suffix}" for suffix in ("png", "pdf", "csv", "md")]
    tables = sorted((results / "metrics").glob("*.parquet")) if results else []
    draw_paper_figure(kind, Asked(title="Title", tasks=[task], shown=shown), tables, facts, *paths)
    assert paths[0].read_bytes().startswith(b"\x89PNG") and paths[1].read_bytes().startswith(b"%PDF")
    return pd.read_csv(paths[2]), paths[3].read_text()


@pytest.mark.parametrize(("kind", "shown"), SHOWN)
def test_a_figure_without_data_says_why(planted_results, tmp_path, kind, shown):
    facts = ModelFacts.of_json(json.dumps(asdict(planted_facts())))
    table, caption = made(planted_results, tmp_path, kind, shown, "arc_prediction", facts)
    assert not len(table) and len(table.columns) > 3 and caption == "Title. Nothing to show: no arcs are predicted.\n"
    table, caption = made(None, tmp_path, kind, shown, "pos", facts)
    assert not len(table) and caption == "Title. Nothing to show: what it shows is not measured in this run.\n"


@pytest.mark.parametrize(("kind", "shown"), SHOWN)
def test_a_figure_has_the_table_behind_it_and_a_caption_of_one_line(planted_results, tmp_path, kind, shown):
    table, caption = made(planted_results, tmp_path, kind, shown, "arc_classification", planted_facts())
    assert {*table["task"]} == {"arc_classification"} and caption.startswith("Title. ") and caption.count("\n") == 1
