"""Check a run's configuration before Snakemake reads it, and say where its results go."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.study import config, config_file


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--configuration", type=Path, required=True, help="a run's YAML file")
    run = config.complete(config_file.read(parser.parse_args().configuration))
    print(Path("results", run["experiment"]))


if __name__ == "__main__":
    command_line.run(main)
