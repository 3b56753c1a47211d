"""What Snakemake records of a job, to know whether it must run again: code, contents, parameters, and what was dropped since."""

from functools import cache

from snakemake.io import IOFile

from xlprobe.study.code_identity import code_identity, pins
from xlprobe.study.dropped import with_dropped, with_dropped_parts
from xlprobe.study.outside_files import OutsideFiles


@cache
def code(script, *modules, tables=()):
    """The identity of a script's code, and of the modules and tables that it gets by name."""
    return code_identity(Path(workflow.basedir) / script, modules, tables)


def untracked(function):
    """A parameter that says how to run, not what to make: Snakemake records none that asks for the output."""

    def unrecorded(wildcards, output):
        return function(wildcards)

    return unrecorded


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


# What lies outside the run, by its content: read by the main process alone.
OUTSIDE = OutsideFiles(RESULTS / "outside_files.json")


def contents(paths):
    """A parameter: what files outside the run hold; `paths` is a function of the wildcards.

    A dry run reads none for the first time: what was never read was never used.
    """

    def digests(wildcards):
        outside = SOURCES.outside(wildcards, paths(wildcards))
        return user_error(OUTSIDE.digests, outside, not workflow.dryrun)

    return lambda wildcards: digests(wildcards) if workflow.is_main_process else []


def by_content(paths):
    """Files in sources/, as inputs: of links that are there the time does not count, what they lead to is in `contents`."""
    return [
        ancient(path) if Path(path).exists() and SOURCES.outside([], [path]) else path
        for path in paths
        if Path(path).is_relative_to(SOURCES.folder)
    ]


# As scripts are told of datasets that the run has dropped.
DROPPED_OPTION = ["--dropped-datasets", *DROPPED_DATASETS] if DROPPED_DATASETS else []
# How the scripts that score are told to take intervals.
INTERVALS = SETTINGS.intervals.arguments()


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
