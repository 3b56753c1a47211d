"""Count what lies in a run's datasets, by split, task and label."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.dataset_counts import Counted, write_counts


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--identities", type=Path, nargs="+", required=True, help="identity.json of each dataset")
    parser.add_argument("--datasets", type=json.loads, required=True, help="JSON: kind, languages and tasks of each dataset")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    datasets = {name: Counted(**said) for name, said in arguments.datasets.items()}
    write_counts([path.parent for path in arguments.identities], datasets, arguments.output)


if __name__ == "__main__":
    command_line.run(main)
