"""fairseq's trainer, made to stop at a step, save atomically and resume exactly.

Run as `python -m xlprobe.fairseq_training VALIDATION_JSON [fairseq-train arguments]`, one process a rank.
It differs from `fairseq-train` in three ways:

* Training data is reloaded at each epoch. Stock fairseq draws the shuffle from the epoch in which the process loaded
  the data, so that a run resumed in a later epoch sees other batches than an uninterrupted one.
* A training state is written under a temporary name, flushed and renamed; its name carries the number of updates:
  `step_<n>.pt` at the end of the run, `rolling_<n>.pt` on the way. Stock fairseq overwrites its last file in place.
* At the end of the run, also of one without updates, the loss on each validation set is written as JSON.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Any

# isort: off
import xlprobe.fairseq_runtime  # noqa: F401  (must come before fairseq)
import fairseq_cli.train

# isort: on
from fairseq import checkpoint_utils
from fairseq.tasks import register_task
from fairseq.tasks.multilingual_masked_lm import MultiLingualMaskedLMTask

from xlprobe.files import write_json

VALIDATION_PREFIX = "valid_"
TASK = "xlprobe_masked_lm"


@register_task(TASK)
class MaskedLanguageModelTask(MultiLingualMaskedLMTask):
    """fairseq's multilingual masked LM, with exact resume in every epoch and `valid_<language>` as validation sets."""

    def build_model(self, args: Any, from_checkpoint: bool = False) -> Any:
        """Build the model without fairseq's inference fast path, which computes with copies of the weights.

        Training never updates those copies, so a model that is evaluated before its first update of this process (a
        resumed run, the parity check) would give another model's outputs.
        """
        model = super().build_model(args, from_checkpoint)
        for module in model.modules():
            if hasattr(module, "can_use_fastpath"):
                module.can_use_fastpath = False
        return model

    def has_sharded_data(self, split: str) -> bool:
        """Say yes: the trainer then reloads the data at each epoch, as a resumed run does."""
        return True

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **kwargs: Any) -> None:
        """Load `train` or, for `valid_<language>`, the validation sets of all languages at once."""
        if split.startswith(VALIDATION_PREFIX):
            if split in self.datasets:
                return
            split = "valid"
        super().load_dataset(split, epoch=epoch, combine=combine, **kwargs)


def rebuild_model(state: dict[str, Any], dictionary_folder: Path) -> Any:
    """fairseq's own model of a training state, in float32 and evaluation mode.

    Args:
        state: a state that fairseq saved.
        dictionary_folder: the folder that holds `dict.txt`.
    """
    arguments = state["cfg"]["task"]
    arguments.data = str(dictionary_folder)
    model = MaskedLanguageModelTask.setup_task(arguments).build_model(state["cfg"]["model"])
    model.load_state_dict(state["model"])
    return model.float().eval()


def save_state(cfg: Any, trainer: Any, epoch_itr: Any, val_loss: float | None) -> None:
    """Write the training state atomically; takes the place of fairseq's `save_checkpoint`."""
    trainer.consolidate_optimizer()
    updates = trainer.get_num_updates()
    kind = "step" if updates >= trainer.cfg.optimization.max_update else "rolling"
    target = Path(cfg.save_dir) / f"{kind}_{updates}.pt"
    partial = target.with_name(f"partial_{kind}_{updates}.pt")
    # Every rank takes part in gathering the state; the first alone writes.
    trainer.save_checkpoint(str(partial), {"train_iterator": epoch_itr.state_dict(), "val_loss": val_loss})
    if trainer.should_save_checkpoint_on_current_rank:
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(target)
        for rolling in target.parent.glob("rolling_*.pt"):
            if rolling != target and int(rolling.stem.rpartition("_")[2]) <= updates:
                rolling.unlink()


def train_to_step(cfg: Any, trainer: Any, task: Any, epoch_itr: Any) -> tuple[list[float | None], bool]:
    """One epoch of fairseq's training; takes the place of fairseq's `train`, which always makes one update."""
    if trainer.get_num_updates() < cfg.optimization.max_update:
        losses, finished = _train(cfg, trainer, task, epoch_itr)
    else:
        losses, finished = [None], True
        if cfg.optimization.max_update == 0:
            epoch_itr.next_epoch_itr()  # its position is part of the state
            save_state(cfg.checkpoint, trainer, epoch_itr, None)
    if finished:
        subsets = cfg.dataset.valid_subset.split(",")
        bits = fairseq_cli.train.validate(cfg, trainer, task, epoch_itr, subsets)
        if trainer.should_save_checkpoint_on_current_rank:
            names = (subset.removeprefix(VALIDATION_PREFIX) for subset in subsets)
            write_json(_validation_path, {name: float(value) for name, value in zip(names, bits, strict=True)})
    return losses, finished


def die_with_parent() -> None:
    """Have Linux kill this process when its parent dies, so that no training goes on unseen."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


_train = fairseq_cli.train.train
_validation_path = Path()
fairseq_cli.train.train = train_to_step
checkpoint_utils.save_checkpoint = save_state


if __name__ == "__main__":
    die_with_parent()
    _validation_path = Path(sys.argv.pop(1))
    sys.argv[0] = "fairseq-train"
    fairseq_cli.train.cli_main()
