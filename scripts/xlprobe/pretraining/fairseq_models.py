"""fairseq's own models of what was trained; apart from its training task, so that other masks publish no finished step again."""

from pathlib import Path
from typing import Any

# isort: off
import xlprobe.pretraining.fairseq_runtime  # noqa: F401  (must come before fairseq)
from fairseq.tasks.multilingual_masked_lm import MultiLingualMaskedLMTask

# isort: on


def without_fast_path(model: Any) -> Any:
    """The model without fairseq's inference fast path, which computes with copies of the weights.

    Training never updates those copies, so a model that is evaluated before its first update of this process (a
    resumed run, the parity check) would give another model's outputs.
    """
    for module in model.modules():
        if hasattr(module, "can_use_fastpath"):
            module.can_use_fastpath = False
    return model


def rebuild_model(state: dict[str, Any], dictionary_folder: Path) -> Any:
    """fairseq's own model of a training state, in float32 and evaluation mode.

    Args:
        state: a state that fairseq saved.
        dictionary_folder: the folder that holds `dict.txt`.
    """
    arguments = state["cfg"]["task"]
    arguments.data = str(dictionary_folder)
    model = without_fast_path(MultiLingualMaskedLMTask.setup_task(arguments).build_model(state["cfg"]["model"]))
    model.load_state_dict(state["model"])
    return model.float().eval()
