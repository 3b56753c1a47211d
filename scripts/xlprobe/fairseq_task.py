"""The pretraining task as fairseq sees it, and its models."""

from pathlib import Path
from typing import Any

# isort: off
import xlprobe.fairseq_runtime  # noqa: F401  (must come before fairseq)
from fairseq.tasks import register_task
from fairseq.tasks.multilingual_masked_lm import MultiLingualMaskedLMTask

# isort: on

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
        """Say yes: the trainer then reloads the data at each epoch.

        Stock fairseq draws the shuffle from the epoch in which the process loaded the data, so that a run resumed in a
        later epoch sees other batches than an uninterrupted one.
        """
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
