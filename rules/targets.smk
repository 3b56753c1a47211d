"""Files of a run that rules name by the list."""

from xlprobe.artifacts import checkpoint_lists
from xlprobe.study import paper1, paper2
from xlprobe.study.figure_kinds import signature_figure_kinds
from xlprobe.study.signature_costs import (
    announcement,
    covariance_mebibytes,
    fit_mebibytes,
    fit_minutes,
    fit_threads,
)

PREDICTIONS = "<results>/transfer/{model}/{step}/{task}/{dataset}.predictions.parquet"
PAPER_FIGURES, PAPER_TABLES = paper1.paper_figures(), paper1.paper_tables()
PAPER2_TABLES = paper2.paper2_tables()
PAPER2_FIGURES = paper2.paper2_figures()


def data_files():
    """Of all that checkpoints and measurements are made of, the files that tell its content.

    `make run` makes these first, so that what follows is made again only where they changed.
    """
    told_by = {
        "clean_corpus": rules.clean_corpus.output.counts,
        "tokenizer": rules.tokenizer.output.identity,
        "suite_tokenizer": rules.suite_tokenizer.output,
        "binarize": rules.binarize.output.manifest,
    }
    jobs = STUDY.jobs()
    return [
        *expand(DATASET_IDENTITY, dataset=STUDY.datasets),
        *(
            path
            for rule, pattern in told_by.items()
            for job in jobs.get(rule, [])
            for path in expand(pattern, **job)
        ),
    ]


def of_checkpoints(pattern, checkpoints):
    """A pattern filled in for each of some checkpoints."""
    return [
        path
        for model, step in checkpoints
        for path in expand(pattern, model=model, step=step)
    ]


def listed(checkpoints, folders, option="checkpoints"):
    """Checkpoints as scripts are told, with the folder that holds a file of each: a command line holds 128 KiB, too little for paths."""
    return as_arguments({**folders, option: checkpoint_lists.as_argument(checkpoints)})


def parts_of(table):
    """The parts of a table, as scripts are told."""
    return listed(STUDY.table_parts[table], {"parts": folder("metrics", "parts")})


def siblings(wildcards):
    """A model's other checkpoints, as scripts are told."""
    others = STUDY.siblings(wildcards.model, int(wildcards.step))
    return listed(others, {"published": folder("checkpoints")}, "siblings")


def vectors(wildcards):
    """The file with a dataset's vectors; the folder that it lies in where one job extracts all and they are deleted once used."""
    return vectors_of(wildcards.model, wildcards.step, wildcards.dataset)


def vectors_of(run, step, dataset):
    """The same of a training run at a step."""
    together = run in STUDY.vectors_in_a_folder
    return folder("features", run, step, "vectors" if together else f"{dataset}.h5")


def of_probes(ending):
    """A pattern of each file of a checkpoint's probes, of all tasks and datasets."""
    return [
        f"<results>/probes/{{model}}/{{step}}/{task}/{dataset}{ending}"
        for task, dataset in STUDY.probes_of_any
    ]


def calls_of_probing(wildcards):
    """What the script that trains probes is told of all probes of a checkpoint, one after the other."""
    calls = []
    for task, dataset in STUDY.probes_of_any:
        probes = folder("probes", wildcards.model, wildcards.step, task, dataset)
        options = {
            "dataset": folder("datasets", dataset),
            "tasks": task,
            "layers": STUDY.layers_argument(wildcards.model, task, dataset),
            "outcomes": f"{probes}.h5",
            "weights": f"{probes}.safetensors",
            "training": f"{probes}.training.parquet",
        }
        controls = STUDY.control_arguments(wildcards.model, [task], dataset)
        calls += ["--and", *as_arguments(options), *controls]
    return calls


def runs_of_part(table):
    """The training runs of which there is a part of a table."""
    return sorted({run for run, _ in STUDY.table_parts[table]})


def of_tasks(pattern, datasets):
    """A rule's input: a pattern filled in for each task that probes learn and each of its datasets, of a model."""
    return lambda wildcards: [
        path
        for task in STUDY.probe_tasks
        for path in expand(
            pattern,
            task=task,
            dataset=datasets(wildcards.model, task),
            allow_missing=True,
        )
    ]


def prediction_files():
    """What every probe says of every example of the transfer targets, where the configuration asks for it."""
    if not SETTINGS.transfer.predictions:
        return []
    return [
        path
        for wildcards in STUDY.jobs().get("transfer", [])
        for path in expand(PREDICTIONS, **wildcards)
    ]


def figures(pattern):
    """A pattern of a figure's path filled in for each figure of the run."""
    return [
        path for figure in STUDY.figures for path in expand(pattern, **figure._asdict())
    ]


def table_targets():
    """The tables of the run, and what they follow from."""
    summed_up = "probe_training" in STUDY.tables
    return [
        *expand("<results>/metrics/{table}.parquet", table=STUDY.tables),
        *rules.run_description.output,
        *(rules.probe_training_summary.output if summed_up else []),
    ]


def measured_tables(names):
    """Of some tables, those that the run has."""
    return expand(
        "<results>/metrics/{table}.parquet",
        table=[name for name in names if name in STUDY.tables],
    )


def paper_code(script, package, row):
    """The identity of the code behind a figure or a table of a paper."""
    return code(
        script,
        f"xlprobe.{package}.{row.kind}",
        *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
        tables=tuple(f"{name}.schema.yaml" for name in row.reads),
    )


def paper_facts(wildcards):
    """What scripts are told of the model that a paper's figures and tables are of."""
    return paper1.facts_argument(STUDY, wildcards.model)


def paper_targets():
    """The figures, tables and claims of paper 1, of each model that is followed over its training."""
    models = STUDY.followed_models
    return [
        *expand(rules.paper_figure.output, model=models, number=PAPER_FIGURES),
        *expand(rules.paper_table.output, model=models, number=PAPER_TABLES),
        *expand(rules.claims.output, model=models),
    ]


def signature_options(section):
    """A section's options of the scripts; nothing where the run takes no signatures."""
    return getattr(SETTINGS.signatures, section)() if SETTINGS.signatures else []


def compared(wildcards):
    """What a target's variant compares."""
    return STUDY.comparisons[wildcards.variant]


def multilingual_vectors(wildcards):
    """The vectors of the multilingual model of a variant."""
    dataset = compared(wildcards).datasets[wildcards.language].name
    return vectors_of(compared(wildcards).multilingual, wildcards.step, dataset)


def control_vectors(wildcards):
    """The vectors of the monolingual model of a language."""
    run = compared(wildcards).monolingual[wildcards.language]
    dataset = compared(wildcards).datasets[wildcards.language].name
    return vectors_of(run, str(max(RUNS[run].steps)), dataset)


def smallest_option(wildcards, input):
    """The script's option for datasets of which the smallest says how many words are drawn of each."""
    folders = [str(Path(path).parent) for path in input.get("smallest_of", [])]
    return ["--smallest-of", *folders] if folders else []


def covariances_of(wildcards):
    """The covariances of all languages of a variant at a step."""
    return expand(
        rules.covariances.output.covariances,
        language=compared(wildcards).languages,
        allow_missing=True,
    )


def signature_rows(wildcards):
    """The rows of all fits by layer; a plan that is only shown says what they come to."""
    if workflow.dryrun:
        say_once(announcement(STUDY))
    return [
        path
        for name, step in STUDY.fitted_checkpoints
        for path in expand(
            rules.signatures.output.rows,
            variant=name,
            step=step,
            category=STUDY.categories,
        )
    ]


def fit_memory(*fits):
    """Memory for a job with fits of these kinds, which grows with each attempt."""
    return lambda wildcards, attempt: attempt * fit_mebibytes(
        STUDY, wildcards.variant, fits
    )


def fit_runtime(*fits):
    """The same of its run time."""
    return lambda wildcards, attempt: attempt * fit_minutes(
        STUDY, wildcards.variant, fits
    )


def fit_processors(wildcards):
    """The threads of a job with fits."""
    return fit_threads(STUDY, wildcards.variant)


def covariance_memory(wildcards, input, attempt):
    """Memory for covariances of vectors."""
    return attempt * covariance_mebibytes(STUDY, wildcards.variant, input.size_mb)


def signature_figure_tables(wildcards):
    """The tables that a kind of figure of signatures reads."""
    reads = signature_figure_kinds()[wildcards.kind].reads
    return expand("<results>/metrics/{table}.parquet", table=reads)


def signature_figures(figures):
    """The files of some figures of signatures."""
    return [
        path
        for figure in figures
        for path in expand(rules.signature_figure.output, **figure._asdict())
    ]


def signature_targets():
    """The table of signatures, and the figures of it alone."""
    if not STUDY.comparisons:
        return []
    kinds = signature_figure_kinds()
    alone = [
        figure
        for figure in STUDY.signature_figures
        if kinds[figure.kind].reads == ("signatures",)
    ]
    return [rules.signature_table.output, *signature_figures(alone)]


def paper2_targets():
    """The figures and tables of paper 2, and all signatures and their figures, where the run takes any."""
    if not STUDY.comparisons:
        return []
    return [
        rules.signature_table.output,
        *signature_figures(STUDY.signature_figures),
        *expand(rules.paper2_figure.output, number=PAPER2_FIGURES),
        *expand(rules.paper2_table.output, number=PAPER2_TABLES),
        *rules.paper2_claims.output,
    ]
