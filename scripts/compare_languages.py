"""Compare languages by their signatures: distances, trees, groups in them, what variants change, and correlations with scores of tasks."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.language_comparisons import compare_languages


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--signatures", type=Path, required=True, help="metrics/signatures.parquet")
    parser.add_argument("--root", type=Path, required=True, help="folder of the run's results, in which that names files")
    parser.add_argument("--languages", dest="facts", type=json.loads, required=True, help="JSON: family, genus and branch of each language")
    parser.add_argument("--main", required=True, help="the main comparison")
    parser.add_argument("--comparisons", type=json.loads, required=True, help="JSON: languages and texts of each variant")
    parser.add_argument("--scores", type=Path, help="metrics/scores.parquet, where there is one")
    parser.add_argument("--factors", type=Path, help="metrics/factors.parquet, where there is one: it says the pivot")
    parser.add_argument("--task-scores", type=Path, help="your scores by language: task, model, language, metric, value, source")
    for table in ("distances", "trees", "groups", "differences", "correlations"):
        parser.add_argument(f"--{table}", type=Path, required=True, help="Parquet file to write")
    compare_languages(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
