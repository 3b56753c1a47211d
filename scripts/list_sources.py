"""List what a run needs from upstream: where each file comes from, how large it is, on what terms. Fetches nothing."""

import sys
from pathlib import Path

from xlprobe import command_line
from xlprobe.sources import needs, origins
from xlprobe.sources.source_list import source_list
from xlprobe.study import config, config_file


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--configuration", type=Path, required=True, help="a run's YAML file")
    run = config.complete(config_file.read(parser.parse_args().configuration))
    folder = Path("results", run["experiment"], "sources")
    root = None if run["world"] else origins.data_folder(run["data"]["root"])
    found = origins.origins(needs.needs(run), folder, root)
    if not run["data"]["download"]:
        print("data.download is false: what is marked as a download below is not fetched, and has to be in the data folder.\n")
    sys.stdout.write(source_list(found, origins.plan(found, folder, root), folder, needs.repositories(run)))


if __name__ == "__main__":
    command_line.run(main)
