"""Pretraining with fairseq, one job a checkpoint interval.

reads: binarized/<text>/, tokenizer/dict.txt, the record of the step before
makes: checkpoints/<model>/<step>/training.json, the record that the step has been reached, and of what was trained
       pretrain/<model>/, the training state itself: no output, because Snakemake deletes outputs before it makes them anew
       checkpoints/<model>/trained_text.json: text and tokenizer are still those that the model was trained with

A model with early stopping has one step: its job trains interval by interval, until that ends it.

A finished interval is data. Snakemake has no job for it, so that it can neither delete it nor train it again, whatever changes, nor
leave out what follows from it. What was trained is compared with the configuration when Snakemake starts, before it touches
anything; text and tokenizer, which this run may be making again, in a job whose verdict the table of checkpoints waits for. Asked
for by its path, a finished record has no rule that makes it.
"""

from xlprobe.pretraining.training_records import (
    Training,
    check_trained,
    previous_records,
)
from xlprobe.pretraining.training_version import TRAINING_VERSION

TRAININGS = {
    name: Training(
        name=name,
        steps=run.steps,
        state=RESULTS / "pretrain" / name,
        checkpoints=RESULTS / "checkpoints" / name,
        architecture=run.settings["architecture"],
        training=run.settings["training"],
        languages=STUDY.pretraining_languages(name),
    )
    for name, run in RUNS.items()
    if run.kind == "pretrain"
}
FINISHED, FINAL = [], []
# In a job's own process, what is there may be what it makes.
if workflow.is_main_process:
    user_error(check_trained, TRAININGS.values())
    for name, trained in TRAININGS.items():
        FINISHED += [f"{name}/{step}" for step in trained.finished()]
        # Published, and the weights that they were made of are gone.
        FINAL += [f"{name}/{step}" for step in trained.final()]


rule pretrain:
    input:
        # A job's own process has only to train, and would do anew an earlier step whose command has changed since.
        previous=of_run(
            lambda wildcards: (
                user_error(
                    previous_records,
                    TRAININGS[wildcards.model],
                    int(wildcards.step),
                )
                if workflow.is_main_process
                else []
            )
        ),
        manifests=lambda wildcards: expand(
            rules.binarize.output.manifest,
            text=STUDY.pretraining_texts(wildcards.model),
        ),
        tokenizer=rules.tokenizer.output.identity,
    output:
        "<results>/checkpoints/{model}/{step}/training.json",
    log:
        "<results>/logs/pretrain/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/pretrain/{model}/{step}.tsv"
    wildcard_constraints:
        # None that is finished; what the run does not have is refused.
        model=runs_pretrained_without(FINISHED, "training[.]json"),
    # Ahead of everything: the chain of intervals is the longest way through a run.
    priority: 100
    conda:
        "../envs/xlprobe.yaml"
    threads: lambda wildcards: RUNS[wildcards.model].training_threads
    resources:
        gpu=lambda wildcards: RUNS[wildcards.model].training_gpus,
        mem_mb=mebibytes(16000),
        runtime=minutes(2880),
    params:
        # Of no use to Snakemake, which holds no job for what is finished; records carry it.
        training_version=TRAINING_VERSION,
        architecture=lambda wildcards: RUNS[wildcards.model].as_json("architecture"),
        training=lambda wildcards: RUNS[wildcards.model].as_json("training"),
        texts=lambda wildcards: STUDY.pretraining_texts(wildcards.model),
        execution=untracked(
            lambda wildcards: RUNS[wildcards.model].as_json("execution")
        ),
        previous=untracked(
            lambda wildcards: as_arguments(
                {"previous": RUNS[wildcards.model].previous(int(wildcards.step))}
            )
        ),
        folder=folder("pretrain", "{model}"),
        dictionary=folder("tokenizer", "dict.txt"),
        binarized=folder("binarized"),
    message:
        "Training {wildcards.model} to step {wildcards.step}"
    shell:
        "python scripts/pretrain.py --model {wildcards.model:q} --step {wildcards.step} {params.previous}"
        " --folder {params.folder:q} --record {output:q} --dictionary {params.dictionary:q}"
        " --binarized {params.binarized:q} --texts {params.texts:q}"
        " --architecture {params.architecture:q} --training {params.training:q}"
        " --execution {params.execution:q}"
        f"{TO_LOG_AND_TERMINAL}"


rule trained_text:
    input:
        records=lambda wildcards: [
            str(TRAININGS[wildcards.model].record(step))
            for step in RUNS[wildcards.model].steps
        ],
        manifests=rules.pretrain.input.manifests,
        tokenizer=rules.tokenizer.output.identity,
    output:
        "<results>/checkpoints/{model}/trained_text.json",
    log:
        "<results>/logs/checkpoints/{model}/trained_text.log",
    benchmark:
        "<results>/benchmarks/checkpoints/{model}/trained_text.tsv"
    wildcard_constraints:
        model=runs_of("pretrain"),
    # Of what is ready, ahead of publishing and measuring.
    priority: 60
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(500),
        runtime=minutes(10),
    params:
        code=code("scripts/check_trained_text.py"),
        texts=lambda wildcards: STUDY.pretraining_texts(wildcards.model),
        state=folder("pretrain", "{model}"),
        checkpoints=folder("checkpoints", "{model}"),
        dictionary=folder("tokenizer", "dict.txt"),
        binarized=folder("binarized"),
    message:
        "Comparing the text that {wildcards.model} was trained on"
    shell:
        "python scripts/check_trained_text.py --model {wildcards.model:q} --state {params.state:q}"
        " --checkpoints {params.checkpoints:q} --dictionary {params.dictionary:q} --binarized {params.binarized:q}"
        " --texts {params.texts:q} --output {output:q}"
        f"{TO_LOG_AND_TERMINAL}"
