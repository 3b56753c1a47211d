"""What a run measures, and which jobs that makes: the one place that rules, tests and reports ask.

A run in the configuration's sense is a study of one or more models; a model trained with several seeds has as many training runs
(`xlprobe.study.runs`), which paths call models.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.romanisation_systems import system_of
from xlprobe.study import inventory
from xlprobe.study.catalogue import AlignmentSet, NliSet, Treebank, are_comparable, nli_sets
from xlprobe.study.figure_kinds import figure_kinds, signature_figure_kinds
from xlprobe.study.measured import (
    bits_languages,
    converged_beside,
    layers_of,
    measured_datasets,
    probe_tasks,
    tasks_of,
    transferred_datasets,
)
from xlprobe.study.paper1 import paper_figures, paper_tables
from xlprobe.study.paper2 import SIGNATURE_TABLES, paper2_figures, paper2_tables
from xlprobe.study.runs import Run, model_languages, runs
from xlprobe.study.script_arguments import as_arguments
from xlprobe.study.settings import Settings
from xlprobe.study.signatures import MorphologySet, SignatureVariant, categories, checked, comparisons
from xlprobe.study.texts import Texts
from xlprobe.tasks.declaration import load_probe_task

# What is taken of signatures and probes at the same steps.
FOLLOWED_TABLES = ["signature_trajectories", "signature_agreement"]
# Fits and scales that are followed over steps (`xlprobe.metrics.signature_trajectories`).
FOLLOWED_FITS = {"over_steps": "standardised", "per_layer": "raw"}
# The probes that one command can name: it holds 128 KiB.
MOST_AT_ONCE = 200
# The language of most text in whatever is trained elsewhere (`xlprobe.metrics.factors`).
PIVOT = "en"
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


class SignatureFigure(NamedTuple):
    """One figure of a comparison."""

    variant: str
    kind: str


@dataclass(frozen=True)
class Study:
    """The plan of a run.

    Args:
        config: its completed configuration.
    """

    config: dict[str, Any]

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

    @cached_property
    def trained_languages(self) -> list[str]:
        """The languages with text here that some run is pretrained on, sorted."""
        return sorted({code for name, run in self.runs.items() if run.kind == "pretrain" for code in self.pretraining_languages(name)})

    def pretraining_languages(self, run: str) -> list[str]:
        """The languages that a run is pretrained on, sorted."""
        return model_languages(self.config, self.runs[run])

    @cached_property
    def texts(self) -> Texts:
        """Its texts: the cleaned ones, and those that are drawn from them."""
        return Texts(self.config)

    def pretraining_texts(self, run: str) -> list[str]:
        """The texts that a run is pretrained on, in the order of its languages."""
        return [self.texts.text_of(self.runs[run].settings["text"], code) for code in self.pretraining_languages(run)]

    @cached_property
    def binarized_texts(self) -> list[str]:
        """The texts that some run is pretrained on, and those that they are drawn from, sorted."""
        trained = [name for name, run in self.runs.items() if run.kind == "pretrain"]
        return self.texts.ancestry(text for name in trained for text in self.pretraining_texts(name))

    # Datasets by kind.

    @cached_property
    def treebanks(self) -> dict[str, Treebank]:
        """Its treebanks by name."""
        known = inventory.treebanks(self.config)
        return {name: known[name] for name in self.config["treebanks"]}

    @cached_property
    def nli(self) -> dict[str, NliSet]:
        """Its sets of inference pairs by name: of each language the whole, and the test set alone."""
        return nli_sets(self.config["xnli"], self.config["datasets"]["nli_published"])

    @cached_property
    def alignments(self) -> dict[str, AlignmentSet]:
        """Its bitexts with gold links by name."""
        known = inventory.alignments(self.config)
        return {name: known[name] for name in self.config["alignments"]}

    @cached_property
    def probed(self) -> dict[str, Treebank | NliSet]:
        """What probes are trained or tested on, by name."""
        return self.treebanks | self.nli

    @cached_property
    def morphology(self) -> dict[str, MorphologySet]:
        """The words with categories that signatures are taken of, by name."""
        sets = {found.name: found for comparison in self.comparisons.values() for found in comparison.datasets.values()}
        return dict(sorted(sets.items()))

    @property
    def datasets(self) -> list[str]:
        """The names of all datasets."""
        return [*self.probed, *self.alignments, *self.morphology]

    @cached_property
    def test_only(self) -> list[str]:
        """Those that no probe can be trained on: parallel treebanks, and test sets of inference pairs."""
        return [name for name, dataset in self.probed.items() if dataset.test_only]

    def datasets_in(self, language: str) -> list[str]:
        """The datasets with sentences in a language, of bitexts one side's; inference test sets are part of their datasets."""
        apart = {*self.nli} & {*self.test_only}
        datasets = self.probed | self.alignments
        return sorted(name for name, dataset in datasets.items() if language in dataset.languages and name not in apart)

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
    def _measured(self) -> dict[str, dict[str, list[str]]]:
        """The datasets on which tasks are measured, by model and task."""
        return {model: measured_datasets(self.config, model) for model in self.config["models"]}

    def measured_datasets(self, model: str, task: str) -> list[str]:
        """The datasets on which a task is measured of a model (its name in the configuration, or a training run's)."""
        return self._measured.get(_model_of(model), {}).get(task, [])

    def probed_datasets(self, model: str, task: str) -> list[str]:
        """The datasets that a task's probes are trained on."""
        return [name for name in self.measured_datasets(model, task) if name in self.probed and name not in self.test_only]

    def transfer_targets(self, model: str, task: str) -> list[str]:
        """The test sets on which a task's probes are scored."""
        return [name for name in self.measured_datasets(model, task) if name in self.test_only]

    def transfer_sources(self, model: str, task: str, target: str) -> list[str]:
        """The datasets whose probes are scored on a test set."""
        sources = (name for name in self.probed_datasets(model, task) if name in self._transferred[task])
        return sorted(name for name in sources if are_comparable(self.probed[name], self.probed[target]))

    @cached_property
    def _transferred(self) -> dict[str, set[str]]:
        """The datasets whose probes are scored on test sets, by task."""
        return {task: transferred_datasets(self.config, task) for task in self.probe_tasks}

    def transfer_sources_of_any(self, task: str, target: str) -> list[str]:
        """The datasets whose probes, of any model, are scored on a test set; none where it is no test set alone."""
        models = [model for model in self.config["models"] if target in self.transfer_targets(model, task)]
        return sorted({source for model in models for source in self.transfer_sources(model, task, target)})

    @property
    def baseline_tasks(self) -> list[str]:
        """The tasks that have baselines."""
        return [*self.probe_tasks, "alignment"]

    def baseline_datasets(self, task: str) -> list[str]:
        """The datasets that a task is measured on, of any model: of probes those that they are trained on, and transferred to."""
        measured = {name for model in self.config["models"] for name in self.measured_datasets(model, task)}
        return [name for name in self.datasets if name in measured]

    def scored_datasets(self, model: str) -> list[str]:
        """The datasets on which a model's vectors are probed, tested or aligned."""
        return sorted({name for task in [*self.probe_tasks, "alignment"] for name in self.measured_datasets(model, task)})

    def extracted_datasets(self, run: str) -> list[str]:
        """The datasets that features of a training run are extracted for: those, and the words whose signatures it has a part in."""
        compared = (
            found.name
            for comparison in self.comparisons.values()
            for code, found in comparison.datasets.items()
            if run in (comparison.multilingual, comparison.monolingual[code])
        )
        return sorted({*self.scored_datasets(run), *compared})

    @cached_property
    def extracted_of_any(self) -> list[str]:
        """The datasets that features of at least one model are extracted for."""
        return sorted({name for run in self.runs for name in self.extracted_datasets(run)})

    @cached_property
    def extracted_together(self) -> list[str]:
        """The training runs that extract all datasets of a checkpoint in one job: if `features.together` is on, those measured on all."""
        if not self.settings.features.together:
            return []
        return [run for run in self.runs if self.extracted_of_any and self.extracted_datasets(run) == self.extracted_of_any]

    @cached_property
    def vectors_in_a_folder(self) -> list[str]:
        """The training runs whose vectors, extracted together and deleted once used, are one folder for each checkpoint."""
        return [] if self.settings.features.keep else self.extracted_together

    @cached_property
    def probes_of_any(self) -> list[tuple[str, str]]:
        """The probes of any model: each task with each dataset that they are trained on."""
        return sorted({probes for run in self.runs for probes in self._probes_of(run)})

    @cached_property
    def probed_at_once(self) -> list[str]:
        """The training runs all of whose probes at a checkpoint share a job: if `probes.together` is on, and vectors are in a folder."""
        together = self.vectors_in_a_folder if self.config["probes"]["together"] else []
        return [run for run in together if self._probes_of(run) == self.probes_of_any and 0 < len(self.probes_of_any) <= MOST_AT_ONCE]

    def _probes_of(self, run: str) -> list[tuple[str, str]]:
        return sorted((task, name) for task in self.probe_tasks for name in self.probed_datasets(run, task))

    @cached_property
    def tasks_together(self) -> list[str]:
        """The tasks whose probes can be trained in one job, since all treebanks have them; none where each has jobs of its own."""
        probes = self.config["probes"]
        return sorted(task for task in probes["tasks"] if not probes["leave_out"].get(task)) if probes["together"] else []

    @cached_property
    def probed_together(self) -> list[str]:
        """The training runs whose probes of `tasks_together` share a job a treebank: those with the same treebanks in all these tasks."""
        apart = [run for run in self.runs if run not in self.probed_at_once]
        return [run for run in apart if len({*(tuple(self.probed_datasets(run, task)) for task in self.tasks_together)}) == 1]

    def layers(self, model: str, task: str, dataset: str) -> list[int] | None:
        """The layers at which a task is measured on a dataset; None for all."""
        return layers_of(self.config, _model_of(model), task, dataset)

    def extracted_layers(self, model: str, datasets: Iterable[str]) -> list[int] | None:
        """The layers that some datasets are extracted at together: all that any of their tasks asks for; None for all."""
        asked = [
            self.layers(model, task, name)
            for name in datasets
            for task in [*self.probe_tasks, "alignment"]
            if name in self.measured_datasets(model, task)
        ]
        asked += [self.config["features"]["layers"] for name in datasets if name in self.morphology]
        return None if None in asked else sorted({layer for layers in asked for layer in layers or []})

    def has_converged_beside(self, model: str, task: str, dataset: str) -> bool:
        """Whether a task's probes on a dataset are trained by the protocol converged beside the run's own, in the same job."""
        return dataset in self.probed_datasets(model, task) and converged_beside(self.config, _model_of(model), task, dataset)

    def bits_languages(self, model: str) -> list[str]:
        """The languages in which bits per character are taken of a model."""
        return bits_languages(self.config, _model_of(model)) if _model_of(model) in self.config["models"] else []

    def held_out_languages(self, model: str) -> list[str]:
        """The languages with held-out text here of which bits per character are taken of a model."""
        return sorted({*self.bits_languages(model)} & {*self.config["languages"]})

    @cached_property
    def held_out_of_any(self) -> list[str]:
        """The languages with held-out text here of which bits per character are taken of any model."""
        return sorted({language for run in self.runs for language in self.held_out_languages(run)})

    def parallel_sets(self, model: str) -> list[str]:
        """The parallel test sets that bits per character are taken of."""
        languages = self.bits_languages(model)
        return sorted(name for name, treebank in self.treebanks.items() if treebank.parallel and treebank.language in languages)

    @cached_property
    def compared_languages(self) -> list[str]:
        """The languages in which something is tested and something was learned from: a corpus of the run, or a train split."""
        return [
            language
            for language in inventory.languages(self.config)
            if (self.datasets_in(language) or language in self.held_out_of_any)
            and (language in self.config["languages"] or {*self.datasets_in(language)} - {*self.test_only, *self.alignments})
        ]

    def measurements(self) -> Iterator[Measurement]:
        """All that is measured of each training run."""
        for run in self.runs:
            for task in self.probe_tasks:
                for source in self.probed_datasets(run, task):
                    yield self._measurement(run, task, source, source)
                for target in self.transfer_targets(run, task):
                    yield from (self._measurement(run, task, source, target) for source in self.transfer_sources(run, task, target))
            yield from (self._measurement(run, "alignment", name, name) for name in self.measured_datasets(run, "alignment"))
            yield from (Measurement(run, "bpc", language, language, ()) for language in self.bits_languages(run))

    @cached_property
    def measured_tasks(self) -> list[str]:
        """The tasks of all that is measured."""
        return sorted({measurement.task for measurement in self.measurements()})

    def _measurement(self, run: str, task: str, source: str, target: str) -> Measurement:
        of_source, of_target = self.layers(run, task, source), self.layers(run, task, target)
        shared = of_target if of_source is None else [layer for layer in of_source if of_target is None or layer in of_target]
        return Measurement(run, task, source, target, None if shared is None else tuple(shared))

    # Signatures.

    @cached_property
    def comparisons(self) -> dict[str, SignatureVariant]:
        """What signatures are taken of, by the name that paths give it."""
        return comparisons(self.config, self.runs)

    @property
    def categories(self) -> list[str]:
        """The categories that signatures are taken of."""
        return categories(self.config) if self.comparisons else []

    def compared_steps(self, comparison: str) -> tuple[int, ...]:
        """The steps at which a comparison's multilingual model is compared."""
        return self.runs[self.comparisons[comparison].multilingual].steps

    @property
    def compared_trainings(self) -> list[str]:
        """The training runs that are compared and made here, sorted."""
        named = {run for found in self.comparisons.values() for run in (found.multilingual, *found.monolingual.values())}
        return sorted(run for run in named if self.runs[run].kind == "pretrain")

    @property
    def fitted_checkpoints(self) -> list[tuple[str, int]]:
        """The comparisons that are fitted by layer, each with its steps."""
        fitted = self.settings.signatures and self.settings.signatures.layer_fits
        return [(name, step) for name in self.comparisons if fitted for step in self.compared_steps(name)]

    @property
    def checked_categories(self) -> list[str]:
        """The categories whose signatures are checked."""
        section = self.settings.signatures
        return [name for name in self.categories if section and name in section.checks["categories"]]

    @cached_property
    def checked_comparisons(self) -> dict[str, int]:
        """The comparisons whose signatures are checked, each with the step at which they are: fits by layer of a category that it has."""
        section = self.settings.signatures
        fitted = section and "per_layer" in section.fits and self.checked_categories
        variants = checked(self.config) if fitted else []
        return {name: max(self.compared_steps(name)) for name, found in self.comparisons.items() if found.variant in variants}

    @property
    def compared_over_steps(self) -> list[str]:
        """The comparisons with fits over steps: those of several."""
        asked = self.settings.signatures and "over_steps" in self.settings.signatures.fits
        return [name for name in self.comparisons if asked and len(self.compared_steps(name)) > 1]

    @cached_property
    def followed_comparisons(self) -> list[str]:
        """The comparisons whose multilingual model is followed by both methods: compared at two steps or more, 0 left out, and probed.

        In a language that is compared in its own script, since probes are of that.
        """
        section = self.settings.signatures
        if not section:
            return []
        fits = {fit for fit, scale in FOLLOWED_FITS.items() if fit in section.fits and scale in section.scales}
        # Followed are all words; fits over steps are of these, whatever the categories.
        if not fits - (set() if ALL_WORDS in self.categories else {"per_layer"}):
            return []
        return [name for name in self.comparisons if sum(step > 0 for step in self.compared_steps(name)) > 1 and self._is_probed(name)]

    def _is_probed(self, comparison: str) -> bool:
        found = self.comparisons[comparison]
        own_script = {code for code, dataset in found.datasets.items() if not dataset.romanised}
        probed = (name for task in self.probe_tasks for name in self.probed_datasets(found.multilingual, task))
        return any(self.probed[name].language in own_script for name in probed)

    def comparisons_in(self, table: str) -> list[str]:
        """The comparisons that have rows in a table."""
        return self.followed_comparisons if table in FOLLOWED_TABLES else [*self.comparisons]

    def names(self, kind: str, run: str | None = None) -> list[Any]:
        """What the run has of a kind of thing that a target names: `model`, `step` (of a training run), `task` or `dataset`."""
        known: dict[str, list[Any]] = {"model": [*self.runs], "task": self.probe_tasks, "dataset": self.datasets}
        known |= {"variant": [*self.comparisons], "category": self.categories}
        return [*self.runs[run].steps] if kind == "step" and run in self.runs else known.get(kind, [])

    # As scripts are told.

    def layers_argument(self, model: str, task: str, dataset: str) -> str:
        """The layers at which a task is measured on a dataset."""
        chosen = self.layers(model, task, dataset)
        return "all" if chosen is None else ",".join(map(str, chosen))

    def control_arguments(self, model: str, tasks: Collection[str], dataset: str) -> list[Any]:
        """What is trained beside the probes of these tasks; no arguments where nothing is."""
        converged = [task for task in tasks if self.has_converged_beside(model, task, dataset)]
        return self.settings.probes.controls(tasks, converged)

    def extraction_arguments(self, model: str, datasets: Iterable[str]) -> list[Any]:
        """The layers that datasets are extracted at together; none for all."""
        return as_arguments({"layers": self.extracted_layers(model, datasets) or None})

    def subword_arguments(self, datasets: Iterable[str]) -> list[str]:
        """Of which of these datasets subwords are extracted in place of words; none where words are aligned."""
        aligned = [name for name in datasets if name in self.alignments]
        return as_arguments({"subwords": aligned or None}) if self.settings.alignment.unit == "bpe" else []

    def block_arguments(self, model: str) -> list[Any]:
        """How bits per character are taken fairseq's way of a training run; none where they are not."""
        run = self.runs[model]
        training = run.settings["training"] if run.kind == "pretrain" else {}
        return self.settings.bpc.block_arguments(training) if self.held_out_languages(model) else []

    def romanise_arguments(self, dataset: str) -> list[Any]:
        """How the words of a set with categories are written in Latin letters; none where they stay as they are."""
        words = self.morphology[dataset]
        return as_arguments({"romanise": system_of(words.language)}) if words.romanised else []

    def comparison_arguments(self, name: str) -> list[Any]:
        """What scripts that fit are told of a comparison: its name in the configuration, and its languages in the order of the fit."""
        return as_arguments({"variant": self.comparisons[name].variant, "languages": self.comparisons[name].languages})

    def is_checked(self, name: str, step: str) -> bool:
        """Whether the signatures of a comparison are checked at a step."""
        return self.checked_comparisons.get(name) == int(step)

    def checked_layers(self, name: str) -> list[int]:
        """The layers at which the signatures of a comparison are checked."""
        chosen = self.config["signatures"]["checks"]["layers"]
        # Its monolingual models are all pretrained here; of one that is published the layers are not known before it is there.
        found = self.comparisons[name]
        compared = (self.runs[run] for run in (found.multilingual, *found.monolingual.values()))
        shared = min(run.settings["architecture"]["layers"] for run in compared if run.kind == "pretrain")
        measured = sorted(self.config["features"]["layers"] or range(shared + 1))
        return sorted(chosen or {measured[0], measured[len(measured) // 2], measured[-1]})

    def draw_arguments(self, name: str, step: str) -> list[Any]:
        """What is drawn of the words of a comparison for the checks of its signatures; nothing where there are none at this step."""
        if self.settings.signatures is None or not self.is_checked(name, step):
            return []
        checks = self.settings.signatures.checks
        draws = {key: checks[key] for key in ("nulls", "halves", "seed")} | {"equal_draws": checks["draws"]}
        fixed = {"equal_fixed": self.settings.signatures.min_instances if checks["draws"] else None}
        return [*self._check_places(name, "check_"), *as_arguments(draws | fixed)]

    def check_arguments(self, name: str) -> list[Any]:
        """How the signatures of a comparison are checked: where, and with which starts."""
        checks = self.config["signatures"]["checks"]
        return [*self._check_places(name), *as_arguments({key: checks[key] for key in ("starts", "start_iterations", "seed")})]

    def _check_places(self, name: str, prefix: str = "") -> list[Any]:
        layers = ",".join(map(str, self.checked_layers(name)))
        return as_arguments({f"{prefix}categories": self.checked_categories, f"{prefix}layers": layers})

    def bitext_arguments(self, dataset: str) -> list[Any]:
        """How a bitext is read."""
        bitext = self.alignments[dataset]
        settings = {"layout": bitext.layout, "source": bitext.source, "target": bitext.target}
        return as_arguments(settings | {"max_pairs": self.settings.datasets.max_sentences})

    # What is shown.

    @property
    def figures(self) -> list[Figure]:
        """The figures of the run, bits per character last."""
        asked = product([*self.probe_tasks, "alignment", "bpc"], self.config["models"])
        return [
            Figure(model, task, kind)
            for task, model in asked
            for kind, declared in figure_kinds().items()
            if declared.shows in self._shown(model, task)
        ]

    def _shown(self, model: str, task: str) -> set[str]:
        """What there is to show of a model in a task (`figure_kinds.PARTS`)."""
        if task in ("alignment", "bpc"):
            return {task} if (self.bits_languages(model) if task == "bpc" else self.measured_datasets(model, task)) else set()
        shown = {"transfer"} if self.transfer_targets(model, task) else set()
        if self.probed_datasets(model, task):
            shown |= {"probes", "words"} if load_probe_task(task).data == "words" else {"probes"}
        return shown

    @property
    def signature_figures(self) -> list[SignatureFigure]:
        """The figures of signatures: of each comparison the kinds whose tables it is in."""
        kinds = signature_figure_kinds()
        return [
            SignatureFigure(name, kind)
            for name in self.comparisons
            for kind, declared in kinds.items()
            if all(name in self.comparisons_in(table) for table in declared.reads)
        ]

    @cached_property
    def table_parts(self) -> dict[str, list[tuple[str, int]]]:
        """The checkpoints that have a part in each of the joined tables, by the table's name."""
        runs = {
            "scores": [run for run in self.runs if self.scored_datasets(run) or self.bits_languages(run)],
            "audit": [run for run in self.runs if self.extracted_datasets(run)],
            "probe_training": [run for run in self.runs if any(self.probed_datasets(run, task) for task in self.probe_tasks)],
        }
        return {name: [checkpoint for checkpoint in self.checkpoints if checkpoint[0] in of] for name, of in runs.items()}

    @property
    def tables(self) -> list[str]:
        """The tidy tables of the run (`metrics/`) by name."""
        joined = [name for name, parts in self.table_parts.items() if parts]
        others = {"datasets": self.datasets, "contamination": self.compared_languages}
        of_measures = (table for tables in self.measure_tables.values() for table in tables)
        signatures = [*(SIGNATURE_TABLES if self.comparisons else []), *(FOLLOWED_TABLES if self.followed_comparisons else [])]
        return ["checkpoints", *joined, *(name for name, found in others.items() if found), *of_measures, *signatures]

    @cached_property
    def curve_checkpoints(self) -> list[tuple[str, int]]:
        """The checkpoints that curves over steps are made of: those after step 0, of trainings that are measured at two or more."""
        trained = [checkpoint for checkpoint in self.table_parts["scores"] if checkpoint[1]]
        counted = Counter(run for run, _ in trained)
        return [checkpoint for checkpoint in trained if counted[checkpoint[0]] > 1]

    @property
    def final_checkpoints(self) -> list[tuple[str, int]]:
        """The last checkpoint that is measured of each model, of several trainings of the first; of models with one after step 0."""
        trained = [checkpoint for checkpoint in self.table_parts["scores"] if checkpoint[1]]
        # What comes last stays: of each model the first training, and its last step.
        ordered = sorted(trained, key=lambda checkpoint: (-(self.runs[checkpoint[0]].seed or 0), checkpoint[1]))
        final = {_model_of(run): (run, step) for run, step in ordered}
        return [final[model] for model in self.config["models"] if model in final]

    @property
    def followed_models(self) -> list[str]:
        """The models that have curves over steps, which paper 1's figures, tables and claims are of."""
        return sorted({_model_of(run) for run, _ in self.curve_checkpoints})

    @cached_property
    def measure_tables(self) -> dict[str, list[str]]:
        """The tables of measures, by the rule that makes them."""
        tables = {"factors": ["factors"]} if self.factor_models else {}
        tables |= {"model_comparisons": ["model_comparisons"]} if len(self.final_checkpoints) > 1 else {}
        runs = {run for run, _ in self.curve_checkpoints}
        if not runs:
            return tables
        tables |= {"learning": ["best", "steps", "forgetting"], "gates": ["gates"]}
        transferred = any(self.transfer_targets(run, task) for run in runs for task in self.probe_tasks)
        tables |= {"asymmetry": ["asymmetry"]} if transferred else {}
        several = (found.layers is None or len(found.layers) > 1 for found in self.measurements() if found.model in runs)
        tables |= {"layers": ["expected_layers", "layer_gains"]} if any(several) else {}
        tables |= {"order": ["order"]} if any(self.probed_datasets(run, task) for run in runs for task in self.probe_tasks) else {}
        tables |= {"correlations": ["correlations", "alternatives"]} if self.factor_models else {}
        return tables | ({"training_seeds": ["training_seeds"]} if any(self.runs[run].seed is not None for run in runs) else {})

    @property
    def correlated_tables(self) -> list[str]:
        """The tables that correlations are taken from."""
        return ["best", "steps", "forgetting", "factors", *(["asymmetry"] if "asymmetry" in self.measure_tables else [])]

    def protocol(self, task: str) -> str | None:
        """The run's own way to measure a task, of several that may stand in its tables; None where there is but one."""
        return {"bpc": "lines"}.get(task, self.settings.probes.protocol if task in self.probe_tasks else None)

    def counted_tasks(self) -> dict[str, list[str]]:
        """The tasks whose examples the table of datasets counts, by dataset."""
        of_probes = {name: sorted({*self.probe_tasks} & {*tasks_of(self.config, name)}) for name in [*self.probed, *self.alignments]}
        return {name: of_probes.get(name, []) for name in sorted(self.datasets)}

    def measured_languages(self, model: str) -> list[str]:
        """The languages that a model of the configuration is measured in, sorted."""
        datasets = self.probed | self.alignments
        of_datasets = (datasets[name].languages for names in self._measured[model].values() for name in names)
        return sorted({*self.bits_languages(model)}.union(*of_datasets))

    @cached_property
    def factor_models(self) -> dict[str, dict[str, list[str] | None]]:
        """The models that the table of factors is about: the languages each is measured in, and pretrained on here (None: elsewhere).

        Also the texts that it has of these, where they are not the cleaned ones.
        """
        found: dict[str, dict[str, list[str] | None]] = {}
        for run in self.runs.values():
            if measured := self.measured_languages(run.model):
                trained = self.pretraining_languages(run.name) if run.kind == "pretrain" else None
                texts = self.pretraining_texts(run.name) if trained else None
                found[run.model] = {"measured": measured, "pretrained": trained} | ({"texts": texts} if texts != trained else {})
        return found

    @property
    def factor_texts(self) -> list[str]:
        """The texts whose sizes the table of factors has: all cleaned ones that models are pretrained on or drawn from, and those drawn."""
        drawn = {text for model in self.factor_models.values() for text in model.get("texts") or []}
        return sorted({*self.trained_languages, *drawn})

    def published_sizes(self) -> dict[str, dict[str, float]]:
        """The published sizes, by reading, of the texts behind the models of the table of factors, in GiB; none of a world's."""
        used = {code for languages in self.factor_models.values() for codes in languages.values() for code in codes or []}
        used |= {PIVOT} if any(languages["pretrained"] is None for languages in self.factor_models.values()) else set()
        return {code: sizes for code, sizes in inventory.published_sizes(self.config).items() if code in used}

    def dataset_facts(self) -> dict[str, dict[str, str]]:
        """What figures say of datasets, bitexts and languages: title, language and family, by name."""
        known = inventory.languages(self.config)
        facts = {}
        for name, dataset in self.probed.items():
            language = known[dataset.language]
            facts[name] = {"title": f"{language.name} ({name})", "language": language.code, "family": language.family}
        for name, bitext in self.alignments.items():
            pair = [known[code] for code in bitext.languages]
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
        return self._jobs

    @cached_property
    def _jobs(self) -> dict[str, list[Job]]:
        every = [{"model": name, "step": str(step)} for name, step in self.checkpoints]
        jobs = {
            **self._jobs_of_models(every),
            **self._jobs_of_datasets(),
            **self._jobs_of_measurements(every),
            **self._jobs_of_signatures(),
            **self._jobs_of_tables(),
        }
        return {rule: found for rule, found in jobs.items() if found}

    def _jobs_of_models(self, every: list[Job]) -> dict[str, list[Job]]:
        def of(kind: str) -> list[Job]:
            return [job for job in every if self.runs[job["model"]].kind == kind]

        searched = {*self.compared_languages} & {*self.config["languages"]}
        drawn = [text for text in self.binarized_texts if self.texts.parent(text)]
        read = {*self.binarized_texts} - {*drawn}
        own_tokenizer = bool(of("pretrain"))
        sampled = self.config["languages"] if own_tokenizer and not self.settings.tokenizer.model else []
        return {
            "clean_corpus": [{"language": code} for code in sorted(searched | {*read, *sampled, *self.held_out_of_any})],
            "tokenizer": [{}] if own_tokenizer else [],
            "binarize": [{"text": text} for text in self.binarized_texts],
            "draw_text": [{"variant": variant, "language": code} for variant, _, code in (text.partition("/") for text in drawn)],
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
            "nli": [{"dataset": name} for name in self.nli],
            "bitext": [{"dataset": name} for name in self.alignments],
            "morphology": [{"dataset": name} for name in self.morphology],
            "contamination": [{"language": code} for code in self.compared_languages],
        }

    def _jobs_of_measurements(self, every: list[Job]) -> dict[str, list[Job]]:
        def of_datasets(datasets: Callable[[str], Iterable[str]], runs: Iterable[str]) -> list[Job]:
            return [{**job, "dataset": name} for job in every if job["model"] in runs for name in datasets(job["model"])]

        def of_tasks(datasets: Callable[[str, str], list[str]], but: Callable[[str, str], bool]) -> list[Job]:
            asked = ((job, task) for job in every for task in self.probe_tasks if not but(job["model"], task))
            return [{**job, "task": task, "dataset": name} for job, task in asked for name in datasets(job["model"], task)]

        apart = self.runs.keys() - {*self.extracted_together}
        return {
            "features": of_datasets(self.extracted_datasets, apart),
            "features_together": [job for job in every if job["model"] in self.extracted_together],
            "probes": of_tasks(
                self.probed_datasets,
                lambda run, task: run in self.probed_at_once or (run in self.probed_together and task in self.tasks_together),
            ),
            "probes_at_once": [job for job in every if job["model"] in self.probed_at_once],
            "probes_together": of_datasets(lambda run: self.probed_datasets(run, self.tasks_together[0]), self.probed_together),
            "baselines": [{"task": task, "dataset": name} for task in self.probe_tasks for name in self.baseline_datasets(task)],
            "transfer": of_tasks(self.transfer_targets, lambda run, task: False),
            "alignment_baselines": [{"dataset": name} for name in self.baseline_datasets("alignment")],
            "alignment": of_datasets(lambda run: self.measured_datasets(run, "alignment"), self.runs),
            "bpc": [job for job in every if self.bits_languages(job["model"])],
        }

    def _jobs_of_signatures(self) -> dict[str, list[Job]]:
        if self.settings.signatures is None:
            return {}
        every = [{"variant": name, "step": str(step)} for name in self.comparisons for step in self.compared_steps(name)]
        fits, together = bool(self.settings.signatures.layer_fits), self.settings.signatures.together
        return {
            "covariances": [{**job, "language": code} for job in every for code in self.comparisons[job["variant"]].languages],
            "signatures": [{**job, "category": category} for job in every for category in self.categories] if fits and not together else [],
            "signatures_together": every if fits and together else [],
            "signatures_over_steps": [{"variant": name} for name in self.compared_over_steps],
            "signature_checks": [{"variant": name} for name in self.checked_comparisons],
            "signature_table": [{}],
            "signature_analyses": [{}],
            "language_comparisons": [{}],
            "signature_agreement": [{}] if self.followed_comparisons else [],
            "signature_figure": [figure._asdict() for figure in self.signature_figures],
            "paper2_table": [{"number": number} for number in paper2_tables()],
            "paper2_figure": [{"number": number} for number in paper2_figures()],
            "paper2_claims": [{}],
        }

    def _jobs_of_tables(self) -> dict[str, list[Job]]:
        jobs: dict[str, list[Job]] = {"checkpoint_table": [{}], "run_description": [{}], "dataset_table": [{}] if self.datasets else []}
        for name, checkpoints in self.table_parts.items():
            parts = [{"model": run, "step": str(step)} for run, step in checkpoints]
            jobs |= {f"checkpoint_{name}": parts, name: [{}] if parts else []}
        jobs |= {"baseline_scores": [{}]} if any(map(self.baseline_datasets, self.baseline_tasks)) else {}
        jobs |= {"probe_training_summary": [{}]} if "probe_training" in self.tables else {}
        jobs |= {"contamination_table": [{}]} if self.compared_languages else {}
        jobs |= {rule: [{}] for rule in self.measure_tables}
        jobs |= {
            "figure": [figure._asdict() for figure in self.figures],
            "claims": [{"model": name} for name in self.followed_models],
            "findings": [{}],
        }
        of_papers: dict[str, Collection[str]] = {"paper_figure": paper_figures(), "paper_table": paper_tables()}
        return jobs | {rule: [{"model": m, "number": n} for m in self.followed_models for n in of] for rule, of in of_papers.items()}


def _model_of(run: str) -> str:
    """The model of a training run."""
    return run.partition("/")[0]
