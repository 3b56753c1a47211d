"""Files of a run that rules name by the list."""

PREDICTIONS = "<results>/transfer/{model}/{step}/{task}/{dataset}.predictions.parquet"


def made_by(*names):
    """What the run's jobs of these rules make."""
    return [
        path
        for name in names
        for job in STUDY.jobs().get(name, [])
        for path in expand(getattr(rules, name).output, **job)
    ]


def of_checkpoints(pattern, checkpoints):
    """A pattern filled in for each of some checkpoints."""
    return [
        path
        for model, step in checkpoints
        for path in expand(pattern, model=model, step=step)
    ]


def siblings(wildcards):
    """The identities of a model's other checkpoints."""
    return [
        folder("checkpoints", name, str(step), "identity.json")
        for name, step in STUDY.siblings(wildcards.model, int(wildcards.step))
    ]


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
