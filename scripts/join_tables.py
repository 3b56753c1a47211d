"""Join tables into one of a schema."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import checkpoint_files, from_argument
from xlprobe.metrics.joining import join_tables


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--parts", type=Path, default=Path(), help="folder in which each checkpoint has a part of the table")
    parser.add_argument("--checkpoints", type=from_argument, default={}, help="those checkpoints: their steps by training run, in JSON")
    parser.add_argument("--paths", type=Path, nargs="*", default=[], help="tables, after the parts")
    parser.add_argument("--schema-name", required=True, help="file in schemas/")
    parser.add_argument("--published", type=Path, help="folder of the checkpoints that rows name; two trainings under one name are refused")
    parser.add_argument("--dropped-datasets", nargs="*", default=[], help="datasets that the run no longer has; their rows are left out")
    parser.add_argument("--output", type=Path, required=True)
    given = vars(parser.parse_args())
    ending = f".{given['schema_name'].partition('.')[0]}.parquet"
    parts = checkpoint_files(given.pop("parts"), given.pop("checkpoints"), ending)
    if not [*parts, *given["paths"]]:
        parser.error("name tables with --paths, or with --parts and --checkpoints")
    join_tables(**given | {"paths": [*parts, *given["paths"]]})


if __name__ == "__main__":
    command_line.run(main)
