"""What a run measures, and which jobs that makes: the one place that rules, tests and reports ask.

A run in the configuration's sense is a study of one or more models; a model trained with several seeds has as many training runs
(`xlprobe.runs`), which paths call models.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from xlprobe import config as configuration
from xlprobe.catalogue import AlignmentSet, InferenceSet, Treebank, are_comparable, inference_sets
from xlprobe.runs import Run, runs
from xlprobe.study.settings import Settings, as_arguments
from xlprobe.sweeps import extracted_layers, layers_of, probe_tasks, tasks_of
from xlprobe.tasks import load_probe_task

# Kinds of figures (modules of xlprobe.figures) by what they show.
FIGURES = {
    "probes": ("learning_curve", "layer_by_step"),
    "words": ("word_groups",),
    "transfer": ("transfer_curve", "transfer_matrix"),
    "alignment": ("layer_curves",),
    "bpc": ("language_curves",),
}
# A job by its wildcards.
Job = dict[str, str]


class Measurement(NamedTuple):
    """One thing that is measured of a model, at each of its checkpoints.

    Attributes:
        model: the training run, as paths name it.
        source: the dataset that probes are trained on, or what is measured itself: a bitext, a language of `bpc`.
        target: the dataset that they are tested on; `source` again within one dataset.
        layers: those that source and target are both measured at; None for all of the model's, empty for bits per character.
    """

    model: str
    task: str
    source: str
    target: str
    layers: tuple[int, ...] | None


class Figure(NamedTuple):
    """One figure of a run; all trainings of a model are in it."""

    model: str
    task: str
    kind: str


@dataclass(frozen=True)
class Study:
    """The plan of a run.

    Args:
        config: its completed configuration.
    """

    config: Mapping[str, Any]

    @cached_property
    def settings(self) -> Settings:
        """What scripts are told of its sections."""
        return Settings.of(self.config)

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The training runs of its models, by the name that paths give them."""
        return runs(self.config["models"])

    @property
    def checkpoints(self) -> list[tuple[str, int]]:
        """Each training run with each of its steps."""
        return [(name, step) for name, run in self.runs.items() for step in run.steps]

    def siblings(self, run: str, step: int) -> list[tuple[str, int]]:
        """The other checkpoints of a run's model."""
        of_model = self.runs[run].model
        return [other for other in self.checkpoints if self.runs[other[0]].model == of_model and other != (run, step)]

    def pretraining_languages(self, run: str) -> list[str]:
        """The languages that a run is pretrained on, sorted."""
        return configuration.model_languages({**self.config}, self.runs[run])

    # Datasets by kind.

    @cached_property
    def treebanks(self) -> dict[str, Treebank]:
        """Its treebanks by name."""
        known = configuration.treebanks({**self.config})
        return {name: known[name] for name in self.config["treebanks"]}

    @cached_property
    def inference(self) -> dict[str, InferenceSet]:
        """Its sets of inference pairs by name: of each language the whole, and the test set alone."""
        return inference_sets(self.config["xnli"], self.config["datasets"]["nli_published"])

    @cached_property
    def alignments(self) -> dict[str, AlignmentSet]:
        """Its bitexts with gold links by name."""
        known = configuration.alignments({**self.config})
        return {name: known[name] for name in self.config["alignments"]}

    @cached_property
    def probed(self) -> dict[str, Treebank | InferenceSet]:
        """What probes are trained or tested on, by name."""
        return self.treebanks | self.inference

    @property
    def datasets(self) -> list[str]:
        """The names of all datasets."""
        return [*self.probed, *self.alignments]

    @cached_property
    def test_only(self) -> list[str]:
        """Those that no probe can be trained on: parallel treebanks, and test sets of inference pairs."""
        return [name for name, dataset in self.probed.items() if dataset.test_only]

    def datasets_in(self, language: str) -> list[str]:
        """The datasets with sentences in a language, of bitexts one side's; inference test sets are part of their datasets."""
        apart = {*self.inference} & {*self.test_only}
        languages = {name: [dataset.language] for name, dataset in self.probed.items() if name not in apart}
        languages |= {name: [bitext.source, bitext.target] for name, bitext in self.alignments.items()}
        return sorted(name for name, codes in languages.items() if language in codes)

    def dropped(self, results: Path) -> list[str]:
        """The datasets that a run's results hold and that it has no more."""
        there = (path.parent.name for path in results.glob("datasets/*/identity.json"))
        return sorted({*there} - {*self.datasets})

    # What is measured.

    @cached_property
    def probe_tasks(self) -> list[str]:
        """The tasks that probes learn."""
        return probe_tasks(self.config)

    @cached_property
    def tasks_together(self) -> list[str]:
        """Those whose probes can be trained in one job, since all treebanks have them; none where each has jobs of its own."""
        probes = self.config["probes"]
        return sorted(task for task in probes["tasks"] if not probes["leave_out"].get(task)) if probes["together"] else []

    @cached_property
    def _tasks(self) -> dict[str, list[str]]:
        return {name: tasks_of(self.config, name) for name in self.datasets}

    @property
    def measured_datasets(self) -> list[str]:
        """Everything that features are extracted for."""
        return sorted(name for name, tasks in self._tasks.items() if tasks)

    def probed_datasets(self, task: str) -> list[str]:
        """The datasets that a task's probes are trained on."""
        return [name for name in self.probed if task in self._tasks[name] and name not in self.test_only]

    def transfer_targets(self, task: str) -> list[str]:
        """The test sets on which the probes of every probed dataset are scored."""
        return [name for name in self.test_only if task in self._tasks[name]]

    def transfer_sources(self, task: str, target: str) -> list[str]:
        """The datasets whose probes are scored on a test set."""
        return sorted(name for name in self.probed_datasets(task) if are_comparable(self.probed[name], self.probed[target]))

    def layers(self, task: str, dataset: str) -> list[int] | None:
        """The layers at which a task is measured on a dataset; None for all."""
        return layers_of(self.config, task, dataset)

    def extracted_layers(self, datasets: Iterable[str]) -> list[int] | None:
        """The layers that some datasets are extracted at together; None for all."""
        return extracted_layers(self.config, datasets)

    @property
    def held_out_languages(self) -> list[str]:
        """The languages of `bpc` that have held-out text here."""
        return sorted({*self.config["bpc"]["languages"]} & {*self.config["languages"]})

    @property
    def parallel_sets(self) -> list[str]:
        """The parallel test sets that bits per character are taken of."""
        languages = self.config["bpc"]["languages"]
        return sorted(name for name in self.test_only if name.endswith("_pud") and self.probed[name].language in languages)

    def takes_bits(self, model: str) -> bool:
        """Whether bits per character are taken of a model, named as in the configuration."""
        return bool(self.config["bpc"]["languages"]) and model not in self.config["bpc"]["leave_out"]

    @cached_property
    def compared_languages(self) -> list[str]:
        """The languages in which something is tested and something was learned from: a corpus of the run, or a train split."""
        return [
            language
            for language in configuration.languages({**self.config})
            if (self.datasets_in(language) or language in self.config["bpc"]["languages"])
            and (language in self.config["languages"] or {*self.datasets_in(language)} - {*self.test_only, *self.alignments})
        ]

    def measurements(self) -> Iterator[Measurement]:
        """All that is measured of each training run."""
        for run in self.runs:
            for task in self.probe_tasks:
                for source in self.probed_datasets(task):
                    yield self._measurement(run, task, source, source)
                for target in self.transfer_targets(task):
                    yield from (self._measurement(run, task, source, target) for source in self.transfer_sources(task, target))
            for name in self.alignments:
                yield self._measurement(run, "alignment", name, name)
            if self.takes_bits(self.runs[run].model):
                yield from (Measurement(run, "bpc", language, language, ()) for language in self.config["bpc"]["languages"])

    def _measurement(self, run: str, task: str, source: str, target: str) -> Measurement:
        of_source, of_target = self.layers(task, source), self.layers(task, target)
        shared = of_target if of_source is None else [layer for layer in of_source if of_target is None or layer in of_target]
        return Measurement(run, task, source, target, None if shared is None else tuple(shared))

    def names(self, kind: str, run: str | None = None) -> list[Any]:
        """What the run has of a kind of thing that a target names: `model`, `step` (of a training run), `task` or `dataset`."""
        known: dict[str, list[Any]] = {"model": [*self.runs], "task": self.probe_tasks, "dataset": self.datasets}
        return [*self.runs[run].steps] if kind == "step" and run in self.runs else known.get(kind, [])

    # As scripts are told.

    def layers_argument(self, task: str, dataset: str) -> str:
        """The layers at which a task is measured on a dataset."""
        chosen = self.layers(task, dataset)
        return "all" if chosen is None else ",".join(map(str, chosen))

    def extraction_arguments(self, datasets: Iterable[str]) -> list[Any]:
        """The layers that datasets are extracted at together; none for all."""
        return as_arguments({"layers": self.extracted_layers(datasets) or None})

    def subword_arguments(self, datasets: Iterable[str]) -> list[str]:
        """Of which of these datasets subwords are extracted in place of words; none where words are aligned."""
        aligned = [name for name in datasets if name in self.alignments]
        return as_arguments({"subwords": aligned or None}) if self.settings.alignment.unit == "bpe" else []

    def bitext_arguments(self, dataset: str) -> list[Any]:
        """How a bitext is read."""
        bitext = self.alignments[dataset]
        settings = {"layout": bitext.layout, "source": bitext.source, "target": bitext.target}
        return as_arguments(settings | {"max_pairs": self.settings.datasets.max_sentences})

    # What is shown.

    @property
    def figures(self) -> list[Figure]:
        """The figures of the run, bits per character last."""
        shown: list[tuple[str, str]] = []
        for task in self.probe_tasks:
            of_words = ["words"] if load_probe_task(task).data == "words" else []
            transferred = ["transfer"] if self.transfer_targets(task) else []
            shown += [(task, kind) for group in ("probes", *of_words, *transferred) for kind in FIGURES[group]]
        if self.alignments:
            shown += [("alignment", kind) for kind in FIGURES["alignment"]]
        found = [Figure(model, task, kind) for task, kind in shown for model in self.config["models"]]
        return found + [Figure(model, "bpc", kind) for model in self.config["models"] if self.takes_bits(model) for kind in FIGURES["bpc"]]

    @property
    def tables(self) -> list[str]:
        """The tidy tables of the run (`metrics/`) by name."""
        measured = {
            "scores": self.measured_datasets or self.config["bpc"]["languages"],
            "audit": self.measured_datasets,
            "probe_training": self.probe_tasks,
            "contamination": self.compared_languages,
        }
        return ["checkpoints", *(name for name, of in measured.items() if of)]

    def dataset_facts(self) -> dict[str, dict[str, str]]:
        """What figures say of datasets, bitexts and languages: title, language and family, by name."""
        known = configuration.languages({**self.config})
        facts = {}
        for name, dataset in self.probed.items():
            language = known[dataset.language]
            facts[name] = {"title": f"{language.name} ({name})", "language": language.code, "family": language.family}
        for name, bitext in self.alignments.items():
            pair = known[bitext.source], known[bitext.target]
            families = {language.family for language in pair}
            facts[name] = {
                "title": " – ".join(language.name for language in pair) + ("\none family" if len(families) == 1 else "\ntwo families"),
                "language": "-".join(language.code for language in pair),
                "family": "-".join(sorted(families)),
            }
        for code in self.config["bpc"]["languages"]:
            facts[code] = {"title": known[code].name, "language": code, "family": known[code].family}
        return facts

    # What that makes.

    def jobs(self) -> dict[str, list[Job]]:
        """The jobs by rule, each by its wildcards: all that a run makes from its sources where nothing has been made."""
        every = [{"model": name, "step": str(step)} for name, step in self.checkpoints]
        jobs = {
            **self._jobs_of_models(every),
            **self._jobs_of_datasets(),
            **self._jobs_of_measurements(every),
            **self._jobs_of_tables(every),
        }
        return {rule: found for rule, found in jobs.items() if found}

    def _jobs_of_models(self, every: list[Job]) -> dict[str, list[Job]]:
        def of(kind: str) -> list[Job]:
            return [job for job in every if self.runs[job["model"]].kind == kind]

        texts = {language for name, run in self.runs.items() if run.kind == "pretrain" for language in self.pretraining_languages(name)}
        searched = {*self.compared_languages} & {*self.config["languages"]}
        own_tokenizer = bool(of("pretrain"))
        sampled = self.config["languages"] if own_tokenizer and not self.settings.tokenizer.model else []
        held_out = self.held_out_languages if any(self.takes_bits(run.model) for run in self.runs.values()) else []
        return {
            "clean_corpus": [{"language": code} for code in sorted(texts | searched | {*sampled} | {*held_out})],
            "tokenizer": [{}] if own_tokenizer else [],
            "binarize": [{"language": code} for code in sorted(texts)],
            "pretrain": of("pretrain"),
            "trained_text": [{"model": name} for name, run in self.runs.items() if run.kind == "pretrain"],
            "checkpoint": of("pretrain"),
            "suite_tokenizer": [{"model": name} for name, run in self.runs.items() if run.kind == "fairseq"],
            "convert_checkpoint": of("fairseq"),
            "fetch_repository": [job for job in of("huggingface") if self.runs[job["model"]].is_on_hub],
            "adopt_checkpoint": of("huggingface"),
        }

    def _jobs_of_datasets(self) -> dict[str, list[Job]]:
        return {
            "world": [{}] if self.config["world"] else [],
            "treebank": [{"dataset": name} for name in self.treebanks],
            "inference": [{"dataset": name} for name in self.inference],
            "bitext": [{"dataset": name} for name in self.alignments],
            "contamination": [{"language": code} for code in self.compared_languages],
        }

    def _jobs_of_measurements(self, every: list[Job]) -> dict[str, list[Job]]:
        def of_tasks(datasets: Mapping[str, list[str]]) -> list[Job]:
            return [{**job, "task": task, "dataset": name} for job in every for task, names in datasets.items() for name in names]

        probed = {task: self.probed_datasets(task) for task in self.probe_tasks}
        together = sorted({name for task in self.tasks_together for name in probed[task]})
        measured = [{**job, "dataset": name} for job in every for name in self.measured_datasets]
        in_one = self.settings.features.together
        return {
            "features": [] if in_one else measured,
            "features_together": every if in_one and measured else [],
            "probes": of_tasks({task: names for task, names in probed.items() if task not in self.tasks_together}),
            "probes_together": [{**job, "dataset": name} for job in every for name in together],
            "baselines": [{"task": task, "dataset": name} for task, names in probed.items() for name in names],
            "transfer": of_tasks({task: self.transfer_targets(task) for task in self.probe_tasks}),
            "alignment": [{**job, "dataset": name} for job in every for name in self.alignments],
            "bpc": [job for job in every if self.takes_bits(self.runs[job["model"]].model)],
        }

    def _jobs_of_tables(self, every: list[Job]) -> dict[str, list[Job]]:
        tables: dict[str, list[Job]] = {"checkpoint_table": [{}]}
        for name in ("scores", "audit", "probe_training"):
            if name in self.tables:
                tables |= {f"checkpoint_{name}": every, name: [{}]}
        tables |= {"probe_training_summary": [{}]} if "probe_training" in self.tables else {}
        tables |= {"contamination_table": [{}]} if "contamination" in self.tables else {}
        return tables | {"figure": [figure._asdict() for figure in self.figures]}
