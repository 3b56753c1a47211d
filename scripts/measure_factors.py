"""Gather what learning may depend on: text for pretraining, data of tasks, distances between languages."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.factors import measure_factors
from xlprobe.paths import RESOURCES


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--models", type=json.loads, required=True, help="JSON: the languages each is measured in, and pretrained on here")
    parser.add_argument("--published", type=json.loads, required=True, help="JSON: published sizes in GiB, by language and reading")
    parser.add_argument("--counts", type=Path, nargs="*", default=[], help="counts.json of each corpus that is pretrained on")
    parser.add_argument("--texts", nargs="*", default=[], help="what they are called, where they are not all the cleaned ones")
    parser.add_argument("--tasks", nargs="*", default=[], help="tasks that probes learn")
    parser.add_argument("--datasets", type=Path, help="the table that counts examples")
    known = parser.add_mutually_exclusive_group(required=True)
    known.add_argument("--world-distances", type=Path, help="between the languages of a world")
    known.add_argument("--distances", help="those of real languages: a table's name in resources/")
    parser.add_argument("--output", type=Path, required=True)
    arguments = vars(parser.parse_args())
    world, table = arguments.pop("world_distances"), arguments.pop("distances")
    measure_factors(**arguments, distances=world or RESOURCES / table, is_world=world is not None)


if __name__ == "__main__":
    command_line.run(main)
