"""Count what lies in a run's datasets, by split, task and label."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.dataset_counts import write_counts


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--identities", type=Path, nargs="+", required=True, help="identity.json of each dataset")
    parser.add_argument("--tasks", type=json.loads, required=True, help="JSON: each dataset's tasks, whose examples are counted")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    write_counts([path.parent for path in arguments.identities], arguments.tasks, arguments.output)


if __name__ == "__main__":
    command_line.run(main)
