"""What a run's tables say of its main comparison of signatures, at its last step: what paper 2 (Zhao et al. 2023) shows."""

import argparse
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from xlprobe.artifacts.tables import read_of_schema, read_schema, read_table
from xlprobe.metrics.last_signatures import last_rows

# What is read of the largest table.
SIGNATURES = "signatures"
SIGNATURE_COLUMNS = [
    *("variant", "training_seed", "model", "step", "language", "category", "layer", "fit", "scale", "instances"),
    *("mean_published", "norm", "norm_shuffled", "rank", "residual", "reason"),
]


@dataclass(frozen=True, kw_only=True)
class SignatureFacts:
    """What the study says of a run's signatures (`xlprobe.study.paper2.signature_facts`).

    Attributes:
        main: the main comparison (signatures.variants), the first in the configuration.
        variants: all comparisons, in the configuration's order.
        compared: the languages of the main one, sorted.
        romanised: of each comparison with romanised languages, these.
        cut: of each comparison in which languages have a share of their text alone of that in the main one, these, each with its share.
        resampled: comparisons whose multilingual model draws languages with little text more often: by a smaller alpha than the main one's.
        elsewhere: comparisons beside the main one whose multilingual model is pretrained elsewhere.
        models: by what claims call them, names in the configuration: `model`, the main one's multilingual model, `control`, its first
            monolingual one, and where there is one `resampled`, the first multilingual one that draws languages by another alpha.
        languages: by code, the name, family, genus, branch and script of each that is compared.
        categories: those that signatures are taken of.
        fewest: words of a category that a language must have (signatures.min_instances).
        world: whether its languages are invented.
    """

    main: str
    variants: Sequence[str]
    compared: Sequence[str]
    romanised: Mapping[str, Sequence[str]]
    cut: Mapping[str, Mapping[str, float]]
    resampled: Sequence[str]
    elsewhere: Sequence[str]
    models: Mapping[str, str]
    languages: Mapping[str, Mapping[str, str]]
    categories: Sequence[str]
    fewest: int
    world: bool

    @classmethod
    def of_json(cls, text: str) -> "SignatureFacts":
        """The facts that a command line names.

        Raises:
            argparse.ArgumentTypeError: a fact is missing, or is none.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise argparse.ArgumentTypeError(f"these are not the facts of a run's signatures: {error}") from error

    def in_order(self, codes: Collection[str]) -> list[str]:
        """Languages by family, genus and branch, so that those which are related stand together."""
        return sorted(codes, key=lambda code: (*(self.languages[code][fact] for fact in ("family", "genus", "branch")), code))


@dataclass(frozen=True)
class SignatureTables:
    """A run's tables, read when they are asked for.

    Attributes:
        facts: of its signatures.
        paths: the tables that there are, by name; others hold no row.
    """

    facts: SignatureFacts
    paths: Mapping[str, Path]
    _read: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of_files(cls, facts: SignatureFacts, paths: Sequence[Path]) -> "SignatureTables":
        """The tables in these files, which are named after them."""
        return cls(facts, {path.stem: path for path in paths})

    def table(self, name: str, variant: str | None = None) -> pd.DataFrame:
        """The rows of a table of `metrics/` that are of a comparison (the main one); of several trainings of its model, the first one's.

        Of `signatures` those of fits by layer at its last step, and not all columns; of tables without comparisons all rows.

        Raises:
            XlprobeError: the table is damaged, or another one.
        """
        key = (name, variant or self.facts.main)
        if key not in self._read:
            self._read[key] = self._of_variant(*key)
        return self._read[key]

    def _of_variant(self, name: str, variant: str) -> pd.DataFrame:
        found = self.read(name)
        if "variant" in found:
            found = found[found["variant"] == variant]
            seeds = found["training_seed"].dropna()
            found = found[found["training_seed"] == seeds.min()] if len(seeds) else found
        return found.reset_index(drop=True)

    def read(self, name: str) -> pd.DataFrame:
        """A table of all comparisons; no row where the run does not have it.

        Raises:
            XlprobeError: the table is damaged, or another one.
        """
        schema = f"{name}.schema.yaml"
        if name not in self.paths:
            return pd.DataFrame(columns=[*read_schema(schema)["properties"]])
        if name == SIGNATURES:
            return last_rows(read_table(self.paths[name], SIGNATURE_COLUMNS))
        return read_of_schema(self.paths[name], schema)

    def instances(self) -> dict[str, dict[str, int]]:
        """By category and language, how many words have it."""
        by_category: dict[str, dict[str, int]] = {}
        found = self.table(SIGNATURES)[["category", "language", "instances"]].drop_duplicates()
        for category, language, count in found.itertuples(index=False, name=None):
            by_category.setdefault(category, {})[language] = int(count)
        return by_category

    def name(self, code: str) -> str:
        """The name of a language; its code where nothing is known."""
        return self.facts.languages.get(code, {}).get("name", code)

    def model(self) -> str:
        """The multilingual model whose signatures are shown, and its step, as a sentence names them."""
        rows = self.table(SIGNATURES) if SIGNATURES in self.paths else self.table("task_correlations")
        if rows.empty:
            return f"comparison {self.facts.main}"
        first = rows.iloc[0]
        seed = "" if pd.isna(first["training_seed"]) else f", training seed {int(first['training_seed'])}"
        return f"comparison {self.facts.main}, model {first['model']}{seed}, step {int(first['step']):,}"
