"""Hold signatures against probes over the same training steps: when a language is learned, and whether it is forgotten."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.signature_agreement import compare_with_probes


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--signatures", type=Path, required=True, help="metrics/signatures.parquet")
    parser.add_argument("--scores", type=Path, required=True, help="metrics/scores.parquet")
    parser.add_argument("--forgetting", type=Path, help="metrics/forgetting.parquet, where there is one")
    parser.add_argument("--tasks", nargs="+", required=True, help="tasks that probes learn")
    parser.add_argument("--protocol", required=True, help="how the run trains its probes: paper or converged")
    parser.add_argument("--romanised", type=json.loads, required=True, help="JSON: languages of each variant that are in Latin letters")
    for table in ("trajectories", "agreement"):
        parser.add_argument(f"--{table}", type=Path, required=True, help="Parquet file to write")
    compare_with_probes(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
