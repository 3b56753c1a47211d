"""What the rules share: the study, which says what the run measures (`xlprobe.study.plan`), and what Snakemake has to be told."""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
from xlprobe.errors import XlprobeError
from xlprobe.study import config as configuration
from xlprobe.study import config_file
from xlprobe.study.figure_kinds import figure_kinds
from xlprobe.study.plan import Study
from xlprobe.study.script_arguments import as_arguments
from xlprobe.suggestions import refuse_unknown


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
STUDY = Study(config)
SETTINGS, RUNS = STUDY.settings, STUDY.runs


def folder(*parts):
    """A folder of the run, as a pattern for parameters."""
    return "/".join([str(RESULTS), *parts])


# Named after the world's settings, so that data of other settings are never taken for these.
WORLD = (
    [folder("sources", f"world.{configuration.digest(config['world'])}.json")]
    if config["world"]
    else []
)
CHECKPOINT_FOLDER = "<results>/checkpoints/{model}/{step}/"
CHECKPOINT_IDENTITY = f"{CHECKPOINT_FOLDER}identity.json"
# All datasets end in this file; of which kind one is, the study says.
DATASET_IDENTITY = "<results>/datasets/{dataset}/identity.json"
# Ends the command of a job whose warnings are of use while it runs. Why it fails is shown out of its log (show-failed-logs).
TO_LOG_AND_TERMINAL = " 2>&1 | tee {log:q} | sed -u 's/^error: //;T;d' >&2"
# Datasets that the run had and has no more: no job makes anything of them, and what was made with them stands.
DROPPED_DATASETS = STUDY.dropped(RESULTS)


def one_of(paths):
    """A wildcard's constraint: these paths and no others."""
    return "|".join(map(re.escape, paths)) or "(?!)"


def none_of(paths):
    """A wildcard's constraint: not a folder of these paths."""
    return f"(?!({one_of(paths)})/)[^/]+"


def runs_of(kind):
    """The wildcard `model`'s constraint: runs whose checkpoints come from there."""
    return one_of(name for name, run in RUNS.items() if run.kind == kind)


def runs_pretrained_without(checkpoints, file=""):
    """The wildcard `model`'s constraint: runs that are pretrained here, but for a file, or all, of these checkpoints (<model>/<step>).

    A run that there is not is among them, which `pretrain` refuses.
    """
    published = [name for name, run in RUNS.items() if run.kind != "pretrain"]
    return f"(?!({one_of(checkpoints)})/{file}){none_of(published)}(/seed_[0-9]+)?"


wildcard_constraints:
    language="[^/]+",
    model="[^/]+(/seed_[0-9]+)?",
    step="[0-9]+",
    dataset=rf"(?!({one_of(DROPPED_DATASETS)})[/.])[^/.]+",
    task="[a-z_]+",
    kind=one_of(figure_kinds()),


def of_run(pattern, **known):
    """A rule's input, where the run has what the target names; else Snakemake ends with a sentence that says what it has.

    `known` says what there is of a kind, in place of the study's names: a list, or a function of the wildcards.
    """

    def filled(wildcards):
        for kind, name in wildcards.items():
            names = known.get(kind, STUDY.names(kind, wildcards.get("model")))
            names = names(wildcards) if callable(names) else names
            user_error(refuse_unknown, kind, name, names)
        return pattern(wildcards) if callable(pattern) else pattern.format(**wildcards)

    return filled


def mebibytes(base):
    """Memory that grows with each attempt."""
    return lambda wildcards, attempt: base * attempt


def minutes(base):
    """Run time that grows with each attempt."""
    return lambda wildcards, attempt: base * attempt
