"""Pretraining with fairseq, one job a checkpoint interval.

reads: binarized/<language>/, tokenizer/dict.txt, the step before
makes: checkpoints/<model>/<step>/training.json, the record that the step has been reached
       pretrain/<model>/, the training state itself: no output, because Snakemake deletes outputs before it makes them anew
"""


rule pretrain:
    input:
        previous=ancient(of_run(record_of_previous_step)),
        manifests=lambda wildcards: expand(
            rules.binarize.output.manifest,
            language=configuration.model_languages(config, RUNS[wildcards.model]),
        ),
        tokenizer=rules.tokenizer.output.identity,
    output:
        "<results>/checkpoints/{model}/{step}/training.json",
    log:
        "<results>/logs/pretrain/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/pretrain/{model}/{step}.tsv"
    wildcard_constraints:
        model=runs_pretrained(),
    # Ahead of everything: the chain of intervals is the longest way through a run.
    priority: 100
    conda:
        "../envs/xlprobe.yaml"
    threads: training_threads
    resources:
        gpu=gpus,
        mem_mb=mebibytes(16000),
        runtime=minutes(2880),
    params:
        # Training is weeks of work: it carries a version in place of its code, and refuses what it cannot resume.
        training_version=TRAINING_VERSION,
        architecture=model_settings("architecture"),
        training=model_settings("training"),
        languages=lambda wildcards: configuration.model_languages(
            config, RUNS[wildcards.model]
        ),
        execution=untracked(model_settings("execution")),
        previous=untracked(
            lambda wildcards: (
                []
                if (step := previous_step(wildcards)) is None
                else ["--previous", step]
            )
        ),
        folder=folder("pretrain", "{model}"),
        dictionary=folder("tokenizer", "dict.txt"),
        binarized=folder("binarized"),
    message:
        "Training {wildcards.model} to step {wildcards.step}"
    # Written otherwise, it would train again: Snakemake compares commands.
    shell:
        "python scripts/pretrain.py --model {wildcards.model:q} --step {wildcards.step} {params.previous}"
        " --folder {params.folder:q} --record {output:q} --dictionary {params.dictionary:q}"
        " --binarized {params.binarized:q} --languages {params.languages:q}"
        " --architecture {params.architecture:q} --training {params.training:q}"
        " --execution {params.execution:q} 2>&1 | tee {log:q} >&2"
