"""Reading features files; what is in them stands in `xlprobe.features.extraction`, which writes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts.checkpoint_names import title
from xlprobe.artifacts.formats import FEATURES, check_format
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN, read_json


def vectors_of(features: Path, dataset: Path) -> Path:
    """The file with a dataset's vectors: the one that is named, or that of the dataset in a folder."""
    return features / f"{dataset.name}.h5" if features.is_dir() else features


class FeatureFile:
    """A features file, open for reading; use it in a `with` block.

    Attributes:
        units: what a row of vectors stands for.
        offsets: [sentences + 1], the first unit of each sentence, and the end.
        layers: those that it holds.
        storage: in which numbers, float16 or float32.
        checkpoint, dataset: the identities of what the vectors are of.

    What is read is held to its checksum: a layer when it is asked for, all else when the file is opened.

    Raises:
        XlprobeError: there is no such file, or it is damaged or of another version of the format.

    >>> with FeatureFile(path) as features:          # doctest: +SKIP
    ...     layer_WD = features.layer(8)
    ...     sentence_LWD = features.sentence("weblog-blogspot.com_nominations_20041117172713_ENG_20041117_172713-0001")
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise XlprobeError(
                f"{path}: no such file; vectors are deleted once they are probed, unless features.keep is true in the configuration"
            )
        self._file = hdf5_files.open_to_read(path)
        self.path = path
        self._checked = False
        with hdf5_files.whole(path):
            if "vectors" not in self._file:
                raise XlprobeError(f"{path}: holds no vectors; name a file that does")
            check_format(path, self._file.attrs.get("format"), FEATURES)
            self.units: str = self._file.attrs["units"]
            self.offsets: np.ndarray = hdf5_files.dataset(self._file, "offsets")[:]
            self.layers: list[int] = self._file.attrs["layers"].tolist()
            self._vectors = hdf5_files.dataset(self._file, "vectors")
            self.storage = str(self._vectors.dtype)
            self.checkpoint: dict[str, Any] = json.loads(self._file.attrs["checkpoint"])
            self.dataset: dict[str, Any] = json.loads(self._file.attrs["dataset"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def check_dataset(self, dataset: Path) -> None:
        """Refuse a dataset that the vectors are not of.

        Raises:
            XlprobeError: they are of another, or it was made anew since.
        """
        if self.dataset != read_json(dataset / "identity.json", MAKE_AGAIN):
            raise XlprobeError(f"{self.path}: holds vectors of {self.dataset['dataset']}, and not of {dataset} as it is now; {MAKE_AGAIN}")

    def check_checkpoint(self, identity: Path | None) -> None:
        """Refuse a checkpoint that the vectors are not of.

        Args:
            identity: the checkpoint's identity.json; None where it is not at hand.

        Raises:
            XlprobeError: they are of another, or it was made anew since.
        """
        if identity and self.checkpoint != read_json(identity):
            raise XlprobeError(
                f"{self.path}: holds vectors of {title(self.checkpoint)}, and not of {identity.parent} as it is now; {MAKE_AGAIN}"
            )

    def chosen(self, layers: Sequence[int] | None) -> list[int]:
        """These layers, or all that the file holds.

        Raises:
            XlprobeError: it does not hold one of them.
        """
        if missing := set(layers or []) - set(self.layers):
            raise XlprobeError(f"{self.path}: holds layers {self.layers}, not {min(missing)}; extract it, or name one of these")
        return self.layers if layers is None else list(layers)

    def layer(self, layer: int) -> np.ndarray:
        """The vectors of all units at one layer, [units, dim] in float16 or float32, as they are stored.

        Raises:
            XlprobeError: the file does not hold that layer, or is damaged.
        """
        (layer,) = self.chosen([layer])
        with hdf5_files.whole(self.path):
            return hdf5_files.row(self._vectors, self.layers.index(layer))

    def subword_words(self) -> np.ndarray:
        """Which word each subword belongs to, [pairs, 2] of (row of the vectors, row of words.parquet), where units are subwords."""
        with hdf5_files.whole(self.path):
            return hdf5_files.dataset(self._file, "subword_words")[:]

    def sentence(self, sent_id: str, split: str | None = None) -> np.ndarray:
        """The vectors of one sentence's units, [layers, units, dim] in float16 or float32, as they are stored.

        The first one asked for takes the time to read all layers whole, since these are what has checksums.

        Raises:
            XlprobeError: there is no such sentence, or several splits hold one of that name and `split` is not given; or a layer
                is damaged.
        """
        if not self._checked:
            self.check()
        with hdf5_files.whole(self.path):
            names, splits = (hdf5_files.dataset(self._file, name).asstr()[:] for name in ("sent_id", "split"))
        found = [i for i in np.flatnonzero(names == sent_id) if split in (None, splits[i])]
        if len(found) != 1:
            where = f" in {split}" if split else ""
            advice = "name the split, too" if found else "name one that the dataset's sentences.parquet lists"
            raise XlprobeError(f"{self.path}: {len(found)} sentences are named {sent_id!r}{where}; {advice}")
        start, end = self.offsets[found[0] : found[0] + 2]
        with hdf5_files.whole(self.path):
            return self._vectors[:, start:end]

    def check(self) -> None:
        """Read every layer, one after the other.

        Raises:
            XlprobeError: one is damaged.
        """
        for layer in self.layers:
            self.layer(layer)
        self._checked = True


def read_sentence(path: Path, sent_id: str, split: str | None = None) -> np.ndarray:
    """The vectors of one sentence of a features file, [layers, units, dim] (see `FeatureFile.sentence`)."""
    with FeatureFile(path) as features:
        return features.sentence(sent_id, split)
