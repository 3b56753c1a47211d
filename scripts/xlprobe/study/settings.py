"""A run's settings: for each section of its configuration that scripts are told of, a frozen class that writes their arguments.

So a setting passes four hands from key to use: the configuration, its class here, a script's arguments, and what computes with it.
Arguments bear their names: Snakemake compares the values of parameters alone, so that two that change places are none to it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from xlprobe.study.script_arguments import as_arguments


@dataclass(frozen=True)
class Section:
    """A section of a completed configuration; its fields are keys there, where they are described."""

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Self:
        """The section as the configuration has it; keys that no script is told of are left out."""
        return cls(**{field.name: section[field.name] for field in fields(cls)})

    def _arguments(self, *keys: str, **others: Any) -> list[Any]:
        return as_arguments({key: getattr(self, key) for key in keys} | others)


@dataclass(frozen=True)
class CorpusSection(Section):
    """`corpus`: how text for pretraining is read and split."""

    source: str
    max_bytes: int | None
    max_documents: int | None
    valid_fraction: float
    valid_max_documents: int

    def arguments(self) -> list[Any]:
        """Of the script that cleans a corpus."""
        return self._arguments("valid_fraction", "valid_max_documents", "max_bytes", "max_documents", layout=self.source)


@dataclass(frozen=True)
class TokenizerSection(Section):
    """`tokenizer`: the SentencePiece model that is trained, or given."""

    model: str | None
    vocabulary_size: int
    alpha: float
    sample_lines: int
    character_coverage: float
    seed: int

    def arguments(self) -> list[Any]:
        """Of the script that trains it."""
        return self._arguments("vocabulary_size", "alpha", "sample_lines", "character_coverage", "seed")


@dataclass(frozen=True)
class DatasetsSection(Section):
    """`datasets`, and `arcs`, whose negatives are drawn when a treebank is read."""

    dev_fraction: float
    max_sentences: int | None
    max_inference_pairs: int | None
    clean_forms: bool
    negatives: str

    def treebank_arguments(self) -> list[Any]:
        """Of the script that reads a treebank, but for `clean_arguments`."""
        return self._arguments("dev_fraction", "max_sentences", "negatives")

    def clean_arguments(self) -> list[Any]:
        """Of the same script."""
        return ["--clean-forms"] if self.clean_forms else []

    def nli_arguments(self) -> list[Any]:
        """Of the script that reads pairs of sentences."""
        return as_arguments({"max_pairs": self.max_inference_pairs})


@dataclass(frozen=True)
class FeaturesSection(Section):
    """`features`: how vectors are extracted and stored."""

    keep: bool
    together: bool
    precision: str
    storage: str
    tokens_per_batch: int
    device: str

    def arguments(self) -> list[Any]:
        """Of the script that extracts, what counts in the vectors."""
        return self._arguments("precision", "storage")


@dataclass(frozen=True)
class ProbesSection(Section):
    """`probes`: how they are trained, and what beside them."""

    protocol: str
    converged: Mapping[str, Any]
    n_seeds: int
    learning_rate: float
    batch_size: int
    epochs: int
    patience: int
    shared_order: bool
    common_seeds: bool
    control_tasks: Sequence[str]
    description_lengths: Sequence[str]
    device: str

    def arguments(self) -> list[Any]:
        """How probes are trained: what the protocol goes by, so that no other key makes them again."""
        if self.protocol == "converged":
            return ["--protocol", self.protocol, *self._converged_arguments()]
        switches = [f"--{key.replace('_', '-')}" for key in ("shared_order", "common_seeds") if getattr(self, key)]
        return ["--protocol", self.protocol, *switches, *self._arguments("n_seeds", "learning_rate", "batch_size", "epochs", "patience")]

    def controls(self, tasks: Collection[str], converged_tasks: Collection[str] = ()) -> list[Any]:
        """What else is trained with the probes of these tasks; no arguments where nothing is.

        Args:
            converged_tasks: those whose probes are trained by the protocol converged, too.
        """
        asked = {"control_tasks": self.control_tasks, "description_lengths": self.description_lengths, "converged_tasks": converged_tasks}
        chosen = {key: sorted({*tasks} & {*of_tasks}) or None for key, of_tasks in asked.items()}
        return as_arguments(chosen) + (self._converged_arguments() if chosen["converged_tasks"] else [])

    def _converged_arguments(self) -> list[Any]:
        return as_arguments({**self.converged, "inverse_strengths": sorted(map(float, self.converged["inverse_strengths"]))})


@dataclass(frozen=True)
class TransferSection(Section):
    """`transfer`: what is kept and scored of probes on the parallel test sets."""

    shared_labels: bool
    predictions: bool


@dataclass(frozen=True)
class AlignmentSection(Section):
    """`alignment`: how words are aligned."""

    method: str
    unit: str
    distortion: float

    def arguments(self) -> list[Any]:
        """Of the script that aligns."""
        return as_arguments(asdict(self))


@dataclass(frozen=True)
class BitsSection(Section):
    """`bpc`: how bits per character are taken."""

    protocol: str
    count_special_tokens: bool
    max_lines: int | None
    mask_share: float
    seed: int
    count_spaces: bool
    precision: str
    tokens_per_batch: int
    device: str

    def arguments(self) -> list[Any]:
        """Of the script that takes them, but for `space_arguments` and how it is to run."""
        return self._arguments("max_lines", "mask_share", "seed", "precision")

    def space_arguments(self) -> list[Any]:
        """Of the same script."""
        return [] if self.count_spaces else ["--leave-out-spaces"]

    def text_arguments(self) -> list[Any]:
        """Of held-out text, how much is read in all: fairseq's way, the whole."""
        return [] if self.protocol == "fairseq" else self._arguments("max_lines")

    def block_arguments(self, training: Mapping[str, Any]) -> list[Any]:
        """Of the same script, how held-out text is read fairseq's way.

        Args:
            training: that of the model where it is trained here, whose blocks are taken; else nothing.
        """
        if self.protocol == "lines":
            return []
        switch = [] if self.count_special_tokens else ["--leave-out-special-tokens"]
        blocks = {key: training[key] for key in ("sample_break", "tokens_per_sample") if training}
        return [*self._arguments("protocol"), *switch, *as_arguments(blocks)]


@dataclass(frozen=True)
class IntervalsSection(Section):
    """`intervals`: how the scripts that score take them."""

    resamples: int
    level: float

    def arguments(self) -> list[Any]:
        """Of each of these scripts."""
        return as_arguments(asdict(self))


@dataclass(frozen=True)
class MeasuresSection(Section):
    """`measures`: what is taken of curves over steps and layers."""

    # Correlations need the first, the order of tasks the second.
    NEEDED = (0.95, 0.98)

    shares: list[float]
    gate: dict[str, float]

    def share_arguments(self) -> list[Any]:
        """Of the script that says when curves come close to their best."""
        return as_arguments({"shares": sorted({*self.shares, *self.NEEDED})})

    def gate_arguments(self) -> list[Any]:
        """Of the script that tells curves with a signal."""
        return as_arguments(self.gate)


@dataclass(frozen=True)
class SignaturesSection(Section):
    """`signatures`: how they are fitted and checked."""

    units: str
    spaced: bool
    min_instances: int
    rank: int | None
    iterations: int
    nonnegative: bool
    solver: str
    fits: Sequence[str]
    scales: Sequence[str]
    together: bool
    task_scores: str | None
    checks: Mapping[str, Any]
    device: str

    def dataset_arguments(self) -> list[Any]:
        """Of the script that makes words with their categories."""
        return [*self._arguments("units"), *(["--spaced"] if self.spaced else [])]

    def instance_arguments(self) -> list[Any]:
        """Of the script that takes covariances."""
        return self._arguments("min_instances")

    def fit_arguments(self) -> list[Any]:
        """Of the scripts that fit: what counts in the result."""
        settings = as_arguments({"rank": self.rank, "iterations": self.iterations, "solver": self.solver, "scales": sorted(self.scales)})
        return [*settings, *([] if self.nonnegative else ["--no-nonnegative"])]

    def layer_fit_arguments(self) -> list[Any]:
        """Of the script that fits one step."""
        return as_arguments({"fits": self.layer_fits})

    @property
    def layer_fits(self) -> list[str]:
        """The fits that are made of one step, sorted."""
        return sorted({*self.fits} - {"over_steps"})


@dataclass(frozen=True)
class Settings:
    """A run's sections."""

    corpus: CorpusSection
    tokenizer: TokenizerSection
    datasets: DatasetsSection
    features: FeaturesSection
    probes: ProbesSection
    transfer: TransferSection
    alignment: AlignmentSection
    bpc: BitsSection
    intervals: IntervalsSection
    measures: MeasuresSection
    signatures: SignaturesSection | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The settings of a completed configuration."""
        return cls(
            CorpusSection.of(config["corpus"]),
            TokenizerSection.of(config["tokenizer"]),
            DatasetsSection.of(config["datasets"] | config["arcs"]),
            FeaturesSection.of(config["features"]),
            ProbesSection.of(config["probes"]),
            TransferSection.of(config["transfer"]),
            AlignmentSection.of(config["alignment"]),
            BitsSection.of(config["bpc"]),
            IntervalsSection.of(config["intervals"]),
            MeasuresSection.of(config["measures"]),
            SignaturesSection.of(config["signatures"]) if config["signatures"] else None,
        )
