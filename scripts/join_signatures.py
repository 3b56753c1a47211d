"""Join the rows of fits of signatures, and of their checks, into one table."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import checkpoint_files, from_argument
from xlprobe.metrics.signatures import join_signatures


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(), help="folder with parts of each variant and step: <variant>/<step>/<category>.parquet"
    )
    parser.add_argument("--checkpoints", type=from_argument, default={}, help="those variants: their steps, in JSON")
    parser.add_argument("--categories", nargs="*", default=[], help="and categories")
    parser.add_argument("--parts", type=Path, nargs="*", default=[], help="Parquet files of other fits")
    parser.add_argument("--checks", type=Path, nargs="*", default=[], help="those of checks")
    parser.add_argument("--published", type=Path, help="folder of the checkpoints that rows name; two trainings under one name are refused")
    parser.add_argument("--dropped-datasets", nargs="*", default=[], help="datasets that the run no longer has; their rows are left out")
    parser.add_argument("--output", type=Path, required=True)
    given = vars(parser.parse_args())
    folder, checkpoints, categories = (given.pop(name) for name in ("folder", "checkpoints", "categories"))
    of_steps = [path for category in categories for path in checkpoint_files(folder, checkpoints, f"/{category}.parquet")]
    join_signatures(**given | {"parts": [*of_steps, *given["parts"]]})


if __name__ == "__main__":
    command_line.run(main)
