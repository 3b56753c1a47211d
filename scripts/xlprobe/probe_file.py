"""Reading files of probes; what is in them stands in `xlprobe.probes`, which writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from xlprobe.checkpoint_names import columns
from xlprobe.errors import XlprobeError


class ProbeFile:
    """The probes of one checkpoint, task and treebank: what they are at once, the weights of a layer when asked for.

    Attributes:
        checkpoint: model, training seed and step of the vectors that the probes read.
        task, version: what they tell.
        protocol: how they were trained, paper or converged.
        dataset: the treebank that they were trained on.
        labels: the inventory, by class number.
        layers: those whose probes it holds.

    Raises:
        XlprobeError: there is no such file, or it holds no probes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with safe_open(path, framework="numpy") as file:
                description = json.loads((file.metadata() or {})["probes"])
                names = file.keys()
            self.checkpoint: dict[str, Any] = columns(description)
            self.task: str = description["task"]
            # Files from before there were two protocols say none.
            self.protocol: str = description.get("protocol", "paper")
            self.version: int = description["version"]
            self.dataset: str = description["dataset"]
            self.labels: list[str] = description["labels"]
            self.layers = sorted(int(name[len("layer_") : -len(".weight")]) for name in names if name.endswith(".weight"))
        except FileNotFoundError:
            raise XlprobeError(f"{path}: no such file") from None
        except (SafetensorError, KeyError):
            raise XlprobeError(f"{path}: holds no probes that say their model, step and task; train them anew") from None

    def layer(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """The probes of one layer: weights [seeds, classes, dimensions] and biases [seeds, classes], in float32.

        Raises:
            XlprobeError: the file has no probes of that layer.
        """
        try:
            with safe_open(self.path, framework="numpy") as file:
                return file.get_tensor(f"layer_{layer}.weight"), file.get_tensor(f"layer_{layer}.bias")
        except SafetensorError:
            raise XlprobeError(f"{self.path}: has no probes of layer {layer}; train them on vectors of that layer") from None
