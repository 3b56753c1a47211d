"""Train the probes of one checkpoint and treebank, of one task or several: every layer, every seed."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.probes.training import PROTOCOLS, Controls, settings_of, train_probes


def main() -> None:
    parser = command_line.parser(__doc__)
    for name, what in (("--features", "HDF5 file"), ("--dataset", "folder"), ("--checkpoint", "identity.json of what the features are of")):
        parser.add_argument(name, type=Path, required=name != "--checkpoint", help=what)
    parser.add_argument("--tasks", nargs="+", required=True)
    parser.add_argument("--layers", type=command_line.layers, nargs="+", required=True, help="of each task: 0,6,12 or all")
    for name, kind in (("--outcomes", "HDF5"), ("--weights", "safetensors"), ("--training", "Parquet")):
        parser.add_argument(name, type=Path, nargs="+", required=name != "--training", help=f"{kind} file of each task")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="paper", help="which of the settings that follow count")
    for name in ("--n-seeds", "--batch-size", "--epochs", "--patience", "--iterations", "--learning-rate", "--tolerance"):
        parser.add_argument(name, type=float if name in ("--learning-rate", "--tolerance") else int)
    parser.add_argument("--inverse-strengths", type=float, nargs="+", help="of the penalty (scikit-learn's C); one is chosen on dev")
    parser.add_argument("--shared-order", action="store_true", help="all seeds see the examples in one order")
    parser.add_argument("--common-seeds", action="store_true", help="a seed has the same initial weights and orders at all steps")
    for name, how in (("control-tasks", "on random labels"), ("description-lengths", "on portions"), ("converged-tasks", "to convergence")):
        parser.add_argument(f"--{name}", nargs="*", default=[], help=f"tasks to train {how}, too")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    given = parser.parse_args()
    of_tasks = [given.tasks, given.layers, given.outcomes, given.weights, given.training or [None] * len(given.tasks)]
    if len({*map(len, of_tasks)}) > 1:
        parser.error("--layers, --outcomes, --weights and --training must name one for each of --tasks")
    if unknown := {*given.control_tasks, *given.description_lengths, *given.converged_tasks} - {*given.tasks}:
        parser.error(f"{min(unknown)} is not among --tasks")
    settings = settings_of(given.protocol, vars(given))
    for task, layers, *written, training in zip(*of_tasks, strict=True):
        asked = Controls(task in given.control_tasks, task in given.description_lengths), training, given.checkpoint
        more = settings_of("converged", vars(given)) if task in given.converged_tasks else None, given.common_seeds
        train_probes(given.features, given.dataset, task, given.n_seeds, settings, given.device, *written, layers, *asked, *more)


if __name__ == "__main__":
    command_line.run(main)
