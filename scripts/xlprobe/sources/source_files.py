"""The files in a run's `sources/`: what reads each, and what has to be made of them first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from xlprobe.artifacts.splits import SPLITS, split_file
from xlprobe.datasets.nli import PUBLISHED, split_of_file
from xlprobe.models.huggingface_files import read_files
from xlprobe.sources import archives, needs, origins
from xlprobe.sources.downloads import Upstream
from xlprobe.sources.nli_forms import Forms, chosen_form, declared_forms, read_forms
from xlprobe.sources.origins import Origin, Plan
from xlprobe.study.plan import Job, Study


@dataclass(frozen=True)
class SourceFiles:
    """What a run reads of its `sources/`.

    Attributes:
        results: the run's folder.
        origins: where each file comes from that a run without a world reads.
        plan: what has to be made there.
        forms: the forms that each file of inference pairs has its text in, by its path inside `sources/`.
        form: the one that is measured.
    """

    study: Study
    results: Path
    origins: Sequence[Origin]
    plan: Plan
    forms: Forms
    form: str

    @classmethod
    def of(cls, study: Study, results: Path) -> Self:
        """What a run reads, of what is there and what its data folder holds.

        Raises:
            XlprobeError: the configuration names a place that leads nowhere, a file is missing or another than it was, or forms of
                inference pairs do not go together.
        """
        config, folder = study.config, results / "sources"
        root = None if config["world"] else origins.data_folder(config["data"]["root"])
        found = origins.origins(needs.needs(config), folder, root)
        if not config["data"]["download"]:
            origins.refuse_missing(found, folder, needs.repositories(config))
        plan, files = origins.plan(found, folder, root), _nli_files(study, found)
        forms = declared_forms([path for paths in files.values() for path in paths], found, config["datasets"]["nli_files"])
        return cls(study, results, found, plan, forms, chosen_form(files, forms, config["datasets"]))

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.results / "sources"

    def corpus(self, language: str) -> list[str]:
        """The file that a language's text is cleaned from."""
        return self._paths([f"cc100/{language}.txt.xz"] if self._invented else self._read_by("corpus", language))

    def treebank(self, name: str) -> list[str]:
        """The files of a treebank."""
        treebank = self.study.treebanks[name]
        invented = [f"ud/{treebank.folder}/{split_file(name, split)}" for split in treebank.splits]
        return self._paths(invented if self._invented else self._read_by("treebank", name))

    def bitext(self, name: str) -> list[str]:
        """The files of a bitext with gold links."""
        return self._paths(self.study.alignments[name].files if self._invented else self._read_by("alignment", name))

    def nli(self, name: str) -> list[str]:
        """The files of a set of inference pairs: all of its language, or the test set alone."""
        return self._paths(self._pairs(name))

    def form_arguments(self, name: str) -> list[str]:
        """The form in which their text is read, of the set and of each file, as arguments."""
        form = PUBLISHED if self.study.nli[name].published else self.form
        return ["--text-form", form, "--forms", *read_forms(self._pairs(name), self.forms, form)]

    def tokenizer(self, run: str = "") -> list[str]:
        """The SentencePiece model of a suite that fairseq saved, or that the run is given; a path is read where it lies.

        Raises:
            ConfigError: there is nothing at that path.
        """
        if found := self._read_by("tokenizer", run):
            return self._paths(found)
        if run:
            return [str(self.study.runs[run].local_place("sentencepiece"))]
        return [model] if (model := self.study.settings.tokenizer.model) else []

    def checkpoint(self, run: str, step: int) -> list[str]:
        """The file of a checkpoint that fairseq saved; a path is read where it lies.

        Raises:
            ConfigError: there is nothing at that path.
        """
        found = self._read_by("checkpoint", f"{run}/{step}")
        return self._paths(found) if found else [str(self.study.runs[run].local_place("checkpoints", step))]

    def suite_folder(self, run: str, step: int) -> str:
        """Where a checkpoint of a `huggingface` suite lies: its folder, or what is fetched from the hub."""
        suite = self.study.runs[run]
        return str(self.folder / "models" / run / str(step)) if suite.is_on_hub else suite.place("folder", step)

    def suite_files(self, run: str, step: int) -> list[str]:
        """Its files, or the folder that is fetched.

        Raises:
            XlprobeError: there is no such folder, or it holds no checkpoint.
        """
        suite = self.study.runs[run]
        if suite.is_on_hub:
            return [self.suite_folder(run, step)]
        return list(map(str, read_files(suite.local_place("folder", step), f"models.{suite.model}.huggingface.folder")))

    def suite_mebibytes(self, run: str, step: int) -> int:
        """The size of these files, which lie on this machine (Snakemake's `size_mb` cannot be asked while it looks for them)."""
        return sum(Path(path).stat().st_size for path in self.suite_files(run, step)) >> 20

    @cached_property
    def checkpoint_downloads(self) -> dict[str, Upstream]:
        """Downloaded checkpoints that are not published yet, or not there; once published, they are deleted."""
        return {
            origin.path: origins.upstream_of(origin.need)
            for origin in self.origins
            if origin.need.reader[0] == "checkpoint"
            and origin.need.address
            and not (self.folder / origin.path).is_symlink()
            and not (self._is_published(origin.need.reader[1]) and (self.folder / origin.path).exists())
        }

    @property
    def fetched(self) -> set[str]:
        """What can be fetched ahead of a run: all but what is published already, and what only a person can get."""
        files = {
            origin.path
            for origin in self.origins
            if origin.path not in self.plan.by_hand
            and not (origin.need.reader[0] == "checkpoint" and self._is_published(origin.need.reader[1]))
        }
        repositories = needs.repositories(self.study.config)
        checkpoints = [name for repository in repositories for name in repository.checkpoints if not self._is_published(name)]
        return {*self._paths([*files, *(f"models/{name}" for name in checkpoints)])}

    def jobs(self) -> dict[str, list[Job]]:
        """The jobs that make them, by rule, each by its wildcards."""
        paths = {
            "link_source": [*self.plan.links, *self.plan.members],
            "download_source": sorted(self.plan.downloads.keys() - self.checkpoint_downloads.keys()),
            "download_checkpoint": [*self.checkpoint_downloads],
            "obtain_source": [*self.plan.by_hand],
        }
        jobs = {rule: [{"path": path} for path in made] for rule, made in paths.items()}
        jobs["unpack_source"] = [{"archive": archive} for archive in self.plan.archives]
        return {rule: found for rule, found in jobs.items() if found}

    def outside(self, names: Iterable[str], paths: Iterable[str]) -> dict[str, Path]:
        """Of a job's files those that lie outside the run, by names that stay when they are moved; links are followed, made or not.

        Args:
            names: the job's wildcards.
        """
        found = {}
        for path in map(Path, paths):
            if not path.is_relative_to(self.folder):
                found["/".join([*names, path.name])] = path.expanduser()
            elif (name := str(path.relative_to(self.folder))) in self.plan.links:
                found[name] = self.plan.links[name]
            elif not path.resolve().is_relative_to(self.folder.resolve()):
                found[name] = path
        return found

    def upstream(self, path: str) -> Upstream:
        """Where a file in `sources/` is downloaded."""
        return (self.plan.downloads | self.checkpoint_downloads)[path]

    def unpacked(self, path: str) -> list[str]:
        """The record of the archive that a link in `sources/` leads into; nothing where it leads into none."""
        return self._paths([archives.record_of(self.plan.members[path][0])] if path in self.plan.members else [])

    def link_arguments(self, path: str) -> list[str]:
        """Where a link in `sources/` leads: into the data folder, or into an archive that was unpacked."""
        if path not in self.plan.members:
            return ["--source", str(self.plan.links[path])]
        archive, member = self.plan.members[path]
        return ["--archive", str(self.folder / archive), "--source", member]

    @property
    def _invented(self) -> bool:
        return bool(self.study.config["world"])

    def _read_by(self, kind: str, name: str) -> list[str]:
        return self._readers.get((kind, name), [])

    @cached_property
    def _readers(self) -> dict[tuple[str, str], list[str]]:
        """The paths inside `sources/` by what reads them."""
        kinds = ("corpus", "treebank", "alignment", "xnli", "checkpoint", "tokenizer")
        return {(kind, name): paths for kind in kinds for name, paths in origins.readers(self.origins, kind)}

    def _pairs(self, name: str) -> list[str]:
        chosen = self.study.nli[name]
        files = _nli_files(self.study, self.origins)[chosen.xnli_language]
        return [path for path in files if not chosen.test_only or split_of_file(Path(path)) == "test"]

    def _is_published(self, checkpoint: str) -> bool:
        """Whether a checkpoint (<model>/<step>) is there, so that what it was made of is of no more use."""
        return (self.results / "checkpoints" / checkpoint / "identity.json").exists()

    def _paths(self, inside: Iterable[str]) -> list[str]:
        return [str(self.folder / path) for path in inside]


def _nli_files(study: Study, found: Iterable[Origin]) -> dict[str, list[str]]:
    """The files of inference pairs, inside `sources/`, by XNLI's name of the language."""
    if study.config["world"]:
        return {language: [f"xnli/{split}-{language}.tsv" for split in SPLITS] for language in study.config["xnli"]}
    return dict(origins.readers(found, "xnli"))
