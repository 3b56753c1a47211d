"""fairseq's trainer, made to stop at a step, save atomically and resume exactly.

Run as `python -m xlprobe.pretraining.fairseq_training VALIDATION_JSON [fairseq-train arguments]`, one process a rank.
It differs from `fairseq-train` in three ways:

* Its task reloads the training data at each epoch (`xlprobe.pretraining.fairseq_task`).
* A training state is written under a temporary name, flushed and renamed; its name carries the number of updates:
  `step_<n>.pt` at the end of the run, `rolling_<n>.pt` on the way. Stock fairseq overwrites its last file in place.
* At the end of the run, also of one without updates, the loss on each validation set is written as JSON.
"""

import os
import sys
from pathlib import Path
from typing import Any

# isort: off
from xlprobe.pretraining.fairseq_task import VALIDATION_PREFIX  # (registers the task; must come before fairseq)
import fairseq_cli.train

# isort: on
from fairseq import checkpoint_utils

from xlprobe.files import write_json
from xlprobe.pretraining.training_records import whole_states


def save_state(cfg: Any, trainer: Any, epoch_itr: Any, val_loss: float | None) -> None:
    """Write the training state atomically; takes the place of fairseq's `save_checkpoint`."""
    trainer.consolidate_optimizer()
    updates = trainer.get_num_updates()
    at_step = updates >= trainer.cfg.optimization.max_update
    target = _step_path(cfg.save_dir, updates) if at_step else Path(cfg.save_dir) / f"rolling_{updates}.pt"
    partial = target.with_name(f"partial_{target.name}")
    # Every rank takes part in gathering the state; the first alone writes.
    trainer.save_checkpoint(str(partial), {"train_iterator": epoch_itr.state_dict(), "val_loss": val_loss})
    if trainer.should_save_checkpoint_on_current_rank:
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(target)
        for older, rolling in whole_states(target.parent, "rolling").items():
            if rolling != target and older <= updates:
                rolling.unlink()


def train_to_step(cfg: Any, trainer: Any, task: Any, epoch_itr: Any) -> tuple[list[float | None], bool]:
    """One epoch of fairseq's training; takes the place of fairseq's `train`, which always makes one update."""
    if trainer.get_num_updates() < cfg.optimization.max_update:
        losses, finished = _train(cfg, trainer, task, epoch_itr)
    else:
        losses, finished = [None], True
        # Nothing is left to train at step 0, or where a rolling state stands at a step that was added since.
        if not _step_path(cfg.checkpoint.save_dir, trainer.get_num_updates()).exists():
            epoch_itr.next_epoch_itr()  # its position is part of the state
            save_state(cfg.checkpoint, trainer, epoch_itr, None)
    if finished:
        subsets = cfg.dataset.valid_subset.split(",")
        bits = fairseq_cli.train.validate(cfg, trainer, task, epoch_itr, subsets)
        if trainer.should_save_checkpoint_on_current_rank:
            names = (subset.removeprefix(VALIDATION_PREFIX) for subset in subsets)
            write_json(_validation_path, {name: float(value) for name, value in zip(names, bits, strict=True)})
    return losses, finished


def _step_path(folder: str, updates: int) -> Path:
    return Path(folder) / f"step_{updates}.pt"


_train = fairseq_cli.train.train
_validation_path = Path()
fairseq_cli.train.train = train_to_step
checkpoint_utils.save_checkpoint = save_state


if __name__ == "__main__":
    _validation_path = Path(sys.argv.pop(1))
    sys.argv[0] = "fairseq-train"
    fairseq_cli.train.cli_main()
