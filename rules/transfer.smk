"""Probes of every source, unchanged, on the parallel test sets: treebanks' (PUD) and XNLI's.

reads: probes/<model>/<step>/<task>/*.safetensors, features/<model>/<step>/<dataset>.h5, datasets/<dataset>/,
       checkpoints/<model>/<step>/identity.json
makes: transfer/<model>/<step>/<task>/<dataset>.h5, what test sentences earned: all sources on one target
       and, with transfer.predictions, <dataset>.predictions.parquet, what each probe says of each example
"""


rule transfer:
    input:
        features=vectors,
        checkpoint=CHECKPOINT_IDENTITY,
        dataset=of_run(
            DATASET_IDENTITY,
            dataset=lambda wildcards: STUDY.transfer_targets(
                wildcards.model, wildcards.task
            ),
        ),
        weights=lambda wildcards: inputs_with_dropped(
            expand(
                folder("probes", *wildcards[:3], "{dataset}.safetensors"),
                dataset=STUDY.transfer_sources(
                    wildcards.model, wildcards.task, wildcards.dataset
                ),
            ),
            [folder("transfer", *wildcards[:3], f"{wildcards.dataset}.h5")],
        ),
    output:
        **({"predictions": PREDICTIONS} if SETTINGS.transfer.predictions else {}),
        outcomes="<results>/transfer/{model}/{step}/{task}/{dataset}.h5",
    log:
        "<results>/logs/transfer/{model}/{step}/{task}/{dataset}.log",
    benchmark:
        "<results>/benchmarks/transfer/{model}/{step}/{task}/{dataset}.tsv"
    # Ahead of features, as the probes are.
    priority: 10
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(20),
    params:
        code=lambda wildcards: code(
            "scripts/transfer_probes.py", f"xlprobe.tasks.{wildcards.task}"
        ),
        dataset=folder_of("dataset"),
        # Their probes are tried, too, so that the file holds them when they come back.
        dropped=untracked(lambda wildcards: DROPPED_OPTION),
        layers=lambda wildcards: STUDY.layers_argument(
            wildcards.model, wildcards.task, wildcards.dataset
        ),
        predictions=lambda wildcards, output: (
            ["--predictions", output.predictions]
            if SETTINGS.transfer.predictions
            else []
        ),
    message:
        "Transferring {wildcards.task} probes to {wildcards.dataset} in {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/transfer_probes.py --features {input.features:q} --checkpoint {input.checkpoint:q} --dataset {params.dataset:q}"
        " --task {wildcards.task} --layers {params.layers} --weights {input.weights:q} {params.dropped:q} --output {output.outcomes:q}"
        " {params.predictions:q} > {log:q} 2>&1"
