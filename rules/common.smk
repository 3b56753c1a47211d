"""What the rules share: the checked configuration, wildcard constraints, code identities, lists of targets."""

import json
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.io import IOFile

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
from xlprobe import config as configuration
from xlprobe import config_file
from xlprobe import runs as training_runs
from xlprobe.catalogue import are_comparable, inference_sets
from xlprobe.code_identity import code_identity
from xlprobe.dropped import with_dropped, with_dropped_parts
from xlprobe.errors import XlprobeError
from xlprobe.huggingface_files import read_files
from xlprobe.inference import PUBLISHED
from xlprobe.inference import split_of_file as split_of_inference_file
from xlprobe.inference_forms import read_forms
from xlprobe.outside_files import OutsideFiles
from xlprobe.suggestions import refuse_unknown
from xlprobe.sweeps import extracted_layers, layers_of, probe_tasks, tasks_of
from xlprobe.tasks import load_probe_task
from xlprobe.training_records import Training, check_interval, check_trained
from xlprobe.training_version import TRAINING_VERSION
from xlprobe.vocabulary import SENTENCEPIECE_FILE


def user_error(function, *arguments):
    """Call a library function; a fault that the user can mend ends Snakemake with its one sentence."""
    try:
        return function(*arguments)
    except XlprobeError as error:
        sys.exit(f"error: {error}")


# Files that the command line names were loaded by Snakemake already; of the default run's faults, too, ours says more.
for path in workflow.configfiles or Path().glob("config.yaml"):
    user_error(config_file.read, Path(path))

# A run's configuration is complete in itself: Snakemake would merge --configfile into the default run's.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


config = user_error(configuration.complete, config)
RESULTS = Path("results") / config["experiment"]


def folder(*parts):
    """A folder of the run, as a pattern for parameters."""
    return "/".join([str(RESULTS), *parts])


# What lies outside the run, by its content: read by the main process alone.
OUTSIDE = OutsideFiles(RESULTS / "outside_files.json")

KNOWN_TREEBANKS = configuration.treebanks(config)
KNOWN_ALIGNMENTS = configuration.alignments(config)
TREEBANKS = {name: KNOWN_TREEBANKS[name] for name in config["treebanks"]}
INFERENCE = inference_sets(config["xnli"], config["datasets"]["nli_published"])
# What probes are trained on, or tested.
PROBED = TREEBANKS | INFERENCE
PROBE_TASKS = probe_tasks(config)
TEST_ONLY = [name for name, dataset in PROBED.items() if dataset.test_only]
ALIGNMENTS = {name: KNOWN_ALIGNMENTS[name] for name in config["alignments"]}
# Named after the world's settings, so that data of other settings are never taken for these.
WORLD = (
    [folder("sources", f"world.{configuration.digest(config['world'])}.json")]
    if config["world"]
    else []
)
# A model is a run, or with several training seeds as many; {model} in paths is a run's name.
RUNS = training_runs.runs(config["models"])


# Kinds of figures (modules of xlprobe.figures) by what they show.
FIGURES = {
    "probes": ["learning_curve", "layer_by_step"],
    "words": ["word_groups"],
    "transfer": ["transfer_curve", "transfer_matrix"],
    "alignment": ["layer_curves"],
    "bpc": ["language_curves"],
}
# What every checkpoint's folder holds; those that fairseq saved have a SentencePiece model, too.
CHECKPOINT_FOLDER = "<results>/checkpoints/{model}/{step}/"
CHECKPOINT_IDENTITY = f"{CHECKPOINT_FOLDER}identity.json"
CHECKPOINT_FILES = (
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
# All datasets end in this file; the names of bitexts and of inference sets tell them apart from treebanks.
DATASET_IDENTITY = "<results>/datasets/{dataset}/identity.json"
PREDICTIONS = "<results>/transfer/{model}/{step}/{task}/{dataset}.predictions.parquet"
# Tasks whose probes can be trained in one job: all treebanks have them.
TASKS_TOGETHER = sorted(
    task
    for task in config["probes"]["tasks"]
    if not config["probes"]["leave_out"].get(task)
)
# Ends the command of a job whose warnings are of use while it runs. Why it fails is shown out of its log (show-failed-logs).
TO_LOG_AND_TERMINAL = " 2>&1 | tee {log:q} | sed -u 's/^error: //;T;d' >&2"
# Those whose bits per character are taken.
BPC_LANGUAGES = config["bpc"]["languages"]


DATASETS = [*PROBED, *ALIGNMENTS]
# Datasets that the run had and has no more: no job makes anything of them, and what was made with them stands.
DROPPED_DATASETS = sorted(
    path.parent.name
    for path in RESULTS.glob("datasets/*/identity.json")
    if path.parent.name not in DATASETS
)
# As scripts are told of them.
DROPPED_OPTION = ["--dropped-datasets", *DROPPED_DATASETS] if DROPPED_DATASETS else []


def one_of(paths):
    """A wildcard's constraint: these paths and no others."""
    return "|".join(map(re.escape, paths)) or "(?!)"


def none_of(paths):
    """A wildcard's constraint: not a folder of these paths."""
    return f"(?!({one_of(paths)})/)[^/]+"


wildcard_constraints:
    language="[^/]+",
    model="[^/]+(/seed_[0-9]+)?",
    step="[0-9]+",
    dataset=rf"(?!({one_of(DROPPED_DATASETS)})[/.])[^/.]+",
    task="[a-z_]+",
    kind="|".join(sum(FIGURES.values(), [])),


@cache
def code(script, *modules, tables=()):
    """The identity of a script's code, and of the modules and tables that it gets by name."""
    return code_identity(Path(workflow.basedir) / script, modules, tables)


def untracked(function):
    """A parameter that says how to run, not what to make: Snakemake records none that asks for the output."""

    def unrecorded(wildcards, output):
        return function(wildcards)

    return unrecorded


def recorded(paths):
    """What Snakemake knows of the making of these files: of the first of which it knows any; nothing where none was made."""
    records = (workflow.persistence.metadata(IOFile(path)) for path in paths)
    return next((record for record in records if record), None)


def inputs_with_dropped(files, outputs):
    """A job's inputs, and with them those that it had of datasets that the run has dropped (`with_dropped`).

    A job's own process finds the same as the main one, which records them: the command is to read what is recorded.
    """
    record = recorded(outputs)
    return with_dropped(files, record.input or [] if record else [], DROPPED_DATASETS)


def parts_with_dropped(parts, outputs, again):
    """What is made of each part of a job that makes many together, and of those that the run has dropped (`with_dropped_parts`).

    Where a part is new, Snakemake makes all of them again; `again` says so.
    """
    record = recorded(outputs)
    found, new = with_dropped_parts(parts, record.params or [] if record else [])
    if new and workflow.is_main_process:
        say_once(f"new: {', '.join(new)}; so {again} again, which are made together")
    return found


@cache
def say_once(sentence):
    print(sentence, file=sys.stderr)


def outside_files(wildcards, paths):
    """Of a job's files those that lie outside the run, by names that stay when they are moved; links are followed, made or not."""
    found = {}
    for path in map(Path, paths):
        if not path.is_relative_to(SOURCES):
            found["/".join([*wildcards, path.name])] = path.expanduser()
        elif (name := str(path.relative_to(SOURCES))) in PLAN.links:
            found[name] = PLAN.links[name]
        elif not path.resolve().is_relative_to(SOURCES.resolve()):
            found[name] = path
    return found


def contents(paths):
    """A parameter: what files outside the run hold; `paths` is a function of the wildcards.

    A dry run reads none for the first time: what was never read was never used.
    """
    return lambda wildcards: (
        user_error(
            OUTSIDE.digests,
            outside_files(wildcards, paths(wildcards)),
            not workflow.dryrun,
        )
        if workflow.is_main_process
        else []
    )


def by_content(paths):
    """Of a job's files those in sources/, as inputs: of links that are there the time does not count, what they lead to is in `contents`."""
    return [
        ancient(path) if Path(path).exists() and outside_files([], [path]) else path
        for path in paths
        if Path(path).is_relative_to(SOURCES)
    ]


def folder_of(name):
    """The folder that a rule's input or output of that name lies in."""
    return lambda wildcards, input, output: str(
        Path(output.get(name) or input.get(name)).parent
    )


def option(name):
    """A script's option for a rule's input of that name, where there is one: Snakemake records the input, not the parameter."""
    return lambda wildcards, input: (
        [f"--{name.replace('_', '-')}", *input.get(name)] if input.get(name) else []
    )


BITEXT_NAME, INFERENCE_NAME = one_of(ALIGNMENTS), one_of(INFERENCE)


# What is no other dataset is read as a treebank, which the run must have.
TREEBANK_NAME = none_of([*ALIGNMENTS, *INFERENCE, *DROPPED_DATASETS])


def known_names(wildcards):
    """What a run has of each kind of thing that a target names."""
    run = RUNS.get(wildcards.get("model"))
    return {
        "model": RUNS,
        "step": run.steps if run else [],
        "task": PROBE_TASKS,
        "dataset": DATASETS,
    }


def of_run(pattern, **known):
    """A rule's input, where the run has what the target names; else Snakemake ends with a sentence that says what it has.

    `known` takes the place of `known_names`: names of a kind, or a function of the wildcards that gives them.
    """

    def filled(wildcards):
        named = {**known_names(wildcards), **known}
        for kind, name in wildcards.items():
            names = named[kind](wildcards) if callable(named[kind]) else named[kind]
            user_error(refuse_unknown, kind, name, names)
        return pattern(wildcards) if callable(pattern) else pattern.format(**wildcards)

    return filled


def published(checkpoint):
    """Whether a checkpoint (<model>/<step>) is there, so that what it was made of is of no more use."""
    return (RESULTS / "checkpoints" / checkpoint / "identity.json").exists()


def siblings(wildcards):
    """The identities of a model's other checkpoints."""
    model = RUNS[wildcards.model].model
    return [
        folder("checkpoints", name, str(step), "identity.json")
        for name, run in RUNS.items()
        for step in run.steps
        if run.model == model and (name, str(step)) != (wildcards.model, wildcards.step)
    ]


def local_place(wildcards, key):
    """A path of a published suite, at which there must be something."""
    path = Path(place(wildcards, key)).expanduser()
    if not path.exists():
        run, step = RUNS[wildcards.model], wildcards.get("step")
        advice = f", or take step {step} out of the model's steps" if step else ""
        sys.exit(
            f"error: config key models.{run.model}.{run.kind}.{key}: there is no {path}; correct it{advice}"
        )
    return str(path)


def sampled_lines(input):
    """How many lines a tokenizer is trained on; none where its model is given."""
    return config["tokenizer"]["sample_lines"] if input.get("train") else 0


def suite_folder(wildcards):
    """Where a published checkpoint lies: its folder, or what is fetched from the hub."""
    if on_hub(RUNS[wildcards.model]):
        return folder("sources", "models", wildcards.model, wildcards.step)
    return place(wildcards, "folder")


def suite_place(wildcards):
    """Where it comes from, for its record."""
    if on_hub(RUNS[wildcards.model]):
        return f"{place(wildcards, 'repository')}@{place(wildcards, 'revision')}"
    return place(wildcards, "folder")


def suite_files(wildcards):
    """Its files, or the folder that is fetched."""
    run = RUNS[wildcards.model]
    if on_hub(run):
        return [suite_folder(wildcards)]
    key = f"models.{run.model}.huggingface.folder"
    return user_error(read_files, Path(local_place(wildcards, "folder")), key)


def on_hub(run):
    """Whether a run's checkpoints lie on the Hugging Face hub."""
    return run.kind == "huggingface" and run.settings["repository"] is not None


def runs_of(kind):
    """The wildcard `model`'s constraint: runs whose checkpoints come from there."""
    return one_of(name for name, run in RUNS.items() if run.kind == kind)


def runs_pretrained():
    """The same of runs that are pretrained here; of a run that there is not, too, which `pretrain` refuses."""
    published = [name for name, run in RUNS.items() if run.kind != "pretrain"]
    return none_of(published) + "(/seed_[0-9]+)?"


def runs_pretrained_without(checkpoints, file=""):
    """The same but for a file, or all files, in the folders of these checkpoints (<model>/<step>)."""
    return f"(?!({one_of(checkpoints)})/{file}){runs_pretrained()}"


def run_arguments(wildcards):
    """What a script is told of the run: the model's name, and the training seed where there are several."""
    run = RUNS[wildcards.model]
    seed = [] if run.seed is None else ["--training-seed", run.seed]
    return ["--model", run.model, *seed]


def place(wildcards, key):
    """A setting of a published suite, its placeholders filled in where there is a step."""
    run, step = RUNS[wildcards.model], wildcards.get("step")
    return run.settings[key] if step is None else run.place(key, int(step))


def previous_step(wildcards):
    """The step of the schedule that a step's training follows."""
    steps = RUNS[wildcards.model].steps
    return max((step for step in steps if step < int(wildcards.step)), default=None)


def model_settings(section):
    """A section of a pretraining's configuration as JSON."""
    return lambda wildcards: json.dumps(
        RUNS[wildcards.model].settings[section], sort_keys=True
    )


def training(name, run):
    """A run's training: where it lies, and what it is to be."""
    return Training(
        name=name,
        steps=run.steps,
        state=RESULTS / "pretrain" / name,
        checkpoints=RESULTS / "checkpoints" / name,
        architecture=run.settings["architecture"],
        training=run.settings["training"],
        languages=configuration.model_languages(config, run),
    )


def record_of_previous_step(wildcards):
    """The record of the step before, where a step that is missing can be trained; else Snakemake ends with a sentence.

    A job's own process gets none: it has only to train, and would do anew an earlier step whose command has changed since.
    """
    if not workflow.is_main_process:
        return []
    step, previous = int(wildcards.step), previous_step(wildcards)
    user_error(check_interval, TRAININGS[wildcards.model], step, previous)
    return [] if previous is None else record_of_step(wildcards.model, previous)


def record_of_step(model, step):
    """The record that a model's training has reached a step."""
    return folder("checkpoints", model, str(step), "training.json")


def gpus(wildcards):
    """GPUs to ask a cluster for: one a training process, unless the configuration says cpu."""
    execution = RUNS[wildcards.model].settings["execution"]
    return 0 if execution["device"] == "cpu" else execution["processes"]


def training_threads(wildcards):
    """A core a process, and two more for each process's data loader where the configuration names GPUs."""
    execution = RUNS[wildcards.model].settings["execution"]
    return execution["processes"] * (3 if execution["device"] == "cuda" else 1)


def every_checkpoint(pattern):
    """A pattern filled in for each checkpoint of the run."""
    return [
        path
        for name, run in RUNS.items()
        for path in expand(pattern, model=name, step=run.steps)
    ]


@cache
def probed_datasets(task):
    """The datasets that a task's probes are trained on."""
    return [
        name
        for name in PROBED
        if task in tasks_of(config, name) and name not in TEST_ONLY
    ]


def layers(task, dataset):
    """The layers at which a task is measured on a dataset, as scripts are told."""
    chosen = layers_of(config, task, dataset)
    return "all" if chosen is None else ",".join(map(str, chosen))


def layers_option(datasets):
    """The layers that datasets are extracted at together, as arguments; none for all."""
    chosen = extracted_layers(config, datasets)
    return ["--layers", *chosen] if chosen else []


def subwords(datasets):
    """Of which of these datasets subwords are extracted in place of words, as arguments; none where words are aligned."""
    aligned = [name for name in datasets if name in ALIGNMENTS]
    return (
        ["--subwords", *aligned]
        if aligned and config["alignment"]["unit"] == "bpe"
        else []
    )


def probe_settings():
    """How probes are trained, as arguments: what the protocol goes by, so that no other key makes them again."""
    probes = config["probes"]
    if probes["protocol"] == "converged":
        strengths = sorted(map(float, probes["converged"]["inverse_strengths"]))
        chosen = {**probes["converged"], "inverse_strengths": strengths}
    else:
        keys = ("seeds", "learning_rate", "batch_size", "epochs", "patience")
        chosen = {key: probes[key] for key in keys}
    shared = probes["protocol"] == "paper" and probes["shared_order"]
    return [
        *("--protocol", probes["protocol"]),
        *(["--shared-order"] if shared else []),
        *command_line_options(chosen),
    ]


def options(section, *keys, **others):
    """Settings of a section, and others, as a script's arguments."""
    return command_line_options({key: config[section][key] for key in keys} | others)


def command_line_options(settings):
    """Settings as a script's arguments, in the order of their names; what is null is left out.

    Parameters go with their names: Snakemake compares a job's values alone, so that two that change places are none to it.
    """
    return [
        argument
        for key, value in sorted(settings.items())
        if value is not None
        for argument in (
            f"--{key.replace('_', '-')}",
            *(value if isinstance(value, list) else [value]),
        )
    ]


# How the scripts that score are told to take intervals.
INTERVALS = command_line_options(config["intervals"])


def controls(tasks):
    """What else is trained with the probes of these tasks, as arguments; none where nothing is."""
    return [
        argument
        for key in ("control_tasks", "description_lengths")
        if (asked := sorted({*tasks} & {*config["probes"][key]}))
        for argument in (f"--{key.replace('_', '-')}", *asked)
    ]


@cache
def transfer_targets(task):
    """The test sets on which the probes of every probed dataset are scored."""
    return [name for name in TEST_ONLY if task in tasks_of(config, name)]


def transfer_sources(task, target):
    """The datasets whose probes are scored on a test set."""
    return sorted(
        name
        for name in probed_datasets(task)
        if are_comparable(PROBED[name], PROBED[target])
    )


def corpus_files(wildcards):
    return [folder("sources", CORPUS_SOURCES[wildcards.language])]


def treebank_files(wildcards):
    return [folder("sources", path) for path in TREEBANK_SOURCES[wildcards.dataset]]


def bitext_files(wildcards):
    return [folder("sources", path) for path in ALIGNMENT_SOURCES[wildcards.dataset]]


def inference_files(wildcards):
    return [folder("sources", path) for path in inference_paths(wildcards)]


def suite_tokenizer_files(wildcards):
    return [
        SENTENCEPIECE_SOURCES.get(wildcards.model)
        or local_place(wildcards, "sentencepiece")
    ]


def state_files(wildcards):
    return [
        CHECKPOINT_SOURCES.get(f"{wildcards.model}/{wildcards.step}")
        or local_place(wildcards, "checkpoints")
    ]


def transferred_probes(wildcards):
    """The probes' weights that are tried on a test set."""
    return [
        folder("probes", *wildcards[:3], f"{name}.safetensors")
        for name in transfer_sources(wildcards.task, wildcards.dataset)
    ]


def audits(wildcards):
    """Of what is extracted of a checkpoint together, the files that stay."""
    return [
        folder("features", wildcards.model, wildcards.step, f"{name}.audit.parquet")
        for name in measured_datasets()
    ]


def inference_paths(wildcards):
    """XNLI's files in a language, inside sources/: all, or the test set alone."""
    dataset = INFERENCE[wildcards.dataset]
    return [
        path
        for path in INFERENCE_SOURCES[dataset.xnli_language]
        if not dataset.test_only or split_of_inference_file(Path(path)) == "test"
    ]


def inference_forms(wildcards):
    """The form in which their text is read, of the set and of each file, as arguments."""
    form = PUBLISHED if INFERENCE[wildcards.dataset].published else INFERENCE_FORM
    forms = read_forms(inference_paths(wildcards), INFERENCE_FORMS, form)
    return ["--text-form", form, "--forms", *forms]


def of_tasks(pattern, datasets):
    """A pattern filled in for each task that probes learn and each of its datasets."""
    return [
        path
        for task in PROBE_TASKS
        for path in expand(
            pattern, task=task, dataset=datasets(task), allow_missing=True
        )
    ]


def held_out_languages():
    """Those of them that have held-out text in this run."""
    return sorted({*BPC_LANGUAGES} & {*config["languages"]})


def parallel_sets():
    """The parallel test sets that bits per character are taken of."""
    return sorted(
        name
        for name in TEST_ONLY
        if name.endswith("_pud") and PROBED[name].language in BPC_LANGUAGES
    )


def takes_bits(model):
    """Whether bits per character are taken of a model."""
    return bool(BPC_LANGUAGES) and model not in config["bpc"]["leave_out"]


def bits_of(wildcards):
    """A checkpoint's table of bits per character, where these are taken."""
    if not takes_bits(RUNS[wildcards.model].model):
        return []
    return expand(rules.bpc.output, model=wildcards.model, step=wildcards.step)


def measured_datasets():
    """Everything that features are extracted for."""
    return sorted(name for name in [*PROBED, *ALIGNMENTS] if tasks_of(config, name))


def datasets_of(language):
    """The datasets with sentences in a language, of bitexts one side's; inference test sets are part of their datasets."""
    apart = {name for name in INFERENCE if name in TEST_ONLY}
    languages_of = {
        name: [PROBED[name].language] for name in PROBED if name not in apart
    }
    languages_of |= {name: [s.source, s.target] for name, s in ALIGNMENTS.items()}
    return sorted(name for name, codes in languages_of.items() if language in codes)


def compared_languages():
    """The languages in which something is tested and something was learned from: a corpus of the run, or a train split."""
    return [
        language
        for language in configuration.languages(config)
        if (datasets_of(language) or language in BPC_LANGUAGES)
        and (
            language in config["languages"]
            or {*datasets_of(language)} - {*TEST_ONLY, *ALIGNMENTS}
        )
    ]


def kept_or_temporary(path):
    """Features are deleted once used, unless they are to be kept."""
    return path if config["features"]["keep"] else temp(path)


def prediction_files():
    """What every probe says of every example of the transfer targets, where the configuration asks for it."""
    if not config["transfer"]["predictions"]:
        return []
    return every_checkpoint(of_tasks(PREDICTIONS, transfer_targets))


def dataset_facts():
    """What figures say of the datasets: title, language and family."""
    known = configuration.languages(config)
    facts = {}
    for name, dataset in PROBED.items():
        language = known[dataset.language]
        title = f"{language.name} ({name})"
        facts[name] = dict(title=title, language=language.code, family=language.family)
    for name, bitext in ALIGNMENTS.items():
        pair = known[bitext.source], known[bitext.target]
        families = {language.family for language in pair}
        facts[name] = dict(
            title=" \u2013 ".join(language.name for language in pair)
            + ("\none family" if len(families) == 1 else "\ntwo families"),
            language="-".join(language.code for language in pair),
            family="-".join(sorted(families)),
        )
    for code in BPC_LANGUAGES:
        facts[code] = dict(
            title=known[code].name, language=code, family=known[code].family
        )
    return facts


def figures(pattern):
    """A pattern of a figure's path filled in for each figure of the run."""
    wanted = []
    for task in PROBE_TASKS:
        shown = (
            ["probes", "words"] if load_probe_task(task).data == "words" else ["probes"]
        )
        shown += ["transfer"] if transfer_targets(task) else []
        wanted += [(task, kind) for group in shown for kind in FIGURES[group]]
    if ALIGNMENTS:
        wanted += [("alignment", kind) for kind in FIGURES["alignment"]]
    of_all = [
        path
        for task, kind in wanted
        for path in expand(pattern, model=list(config["models"]), task=task, kind=kind)
    ]
    models = [model for model in config["models"] if takes_bits(model)]
    return [
        *of_all,
        *expand(pattern, model=models, task="bpc", kind=FIGURES["bpc"]),
    ]


def mebibytes(base):
    """Memory that grows with each attempt."""
    return lambda wildcards, attempt: base * attempt


def mebibytes_of(files):
    """The size of files that are there (Snakemake's own `size_mb` cannot be asked while it looks for local files)."""
    return sum(Path(path).stat().st_size for path in files) >> 20


def minutes(base):
    """Run time that grows with each attempt."""
    return lambda wildcards, attempt: base * attempt
