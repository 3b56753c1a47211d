"""Reading files of probes; what is in them stands in `xlprobe.probes.training`, which writes them."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from xlprobe.artifacts.checkpoint_names import columns
from xlprobe.artifacts.formats import PROBES, check_format
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN, identity_digest, reading
from xlprobe.safetensors_files import open_tensors


class ProbeFile:
    """The probes of one checkpoint, task and treebank: what they are at once, the weights of a layer when asked for.

    What is read is held to its checksum.

    Attributes:
        checkpoint: model, training seed and step of the vectors that the probes read.
        checkpoint_digest: of that checkpoint's identity (`xlprobe.files.identity_digest`).
        task, version: what they tell.
        protocol: how they were trained, paper or converged.
        dataset: what they were trained on.
        languages: that dataset's.
        labels: the inventory, by class number.
        layers: those whose probes it holds.

    Raises:
        XlprobeError: there is no such file, it is damaged, holds no probes, or is of another version of the format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path, "a file of probes that say what they are", MAKE_AGAIN):
            with open_tensors(path, "numpy") as file:
                description = json.loads((file.metadata() or {})["probes"])
                names = file.keys()
            self._checksums: dict[str, Any] = description.pop("checksums")
            if self._checksums["description"] != identity_digest(description):
                raise ValueError("its metadata are not as they were written")
            check_format(path, description.get("format"), PROBES)
            self.checkpoint: dict[str, Any] = columns(description)
            self.checkpoint_digest: str = description["checkpoint_digest"]
            self.task: str = description["task"]
            self.protocol: str = description["protocol"]
            self.version: int = description["version"]
            self.dataset: str = description["dataset"]
            self.languages: list[str] = description["languages"]
            self.labels: list[str] = description["labels"]
            self.layers = sorted(int(name[len("layer_") : -len(".weight")]) for name in names if name.endswith(".weight"))

    def layer(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """The probes of one layer: weights [seeds, classes, dimensions] and biases [seeds, classes], in float32.

        Raises:
            XlprobeError: the file has no probes of that layer, or they are damaged.
        """
        if layer not in self.layers:
            raise XlprobeError(f"{self.path}: has no probes of layer {layer}; train them on vectors of that layer")
        return self._tensor(f"layer_{layer}.weight"), self._tensor(f"layer_{layer}.bias")

    def _tensor(self, name: str) -> np.ndarray:
        with reading(self.path, "a file of probes", MAKE_AGAIN), open_tensors(self.path, "numpy") as file:
            values = file.get_tensor(name)
        if zlib.crc32(values) != self._checksums.get(name):
            raise XlprobeError(f"{self.path}: {name} has another CRC-32 than when it was written; {MAKE_AGAIN}")
        return values
