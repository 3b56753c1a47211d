"""Linear probes on frozen vectors, and the baselines they must beat.

reads: features/<model>/<step>/<dataset>.h5, datasets/<dataset>/, checkpoints/<model>/<step>/identity.json
makes: probes/<model>/<step>/<task>/<dataset>.h5, what dev and test sentences earned, .safetensors with the weights, .training.parquet
       with how the training of each went
       baselines/<task>/<dataset>.h5, the same of baselines, with totals; of a parallel test set, of all sources
"""


rule probes:
    input:
        features=vectors,
        checkpoint=CHECKPOINT_IDENTITY,
        dataset=of_run(
            DATASET_IDENTITY,
            dataset=lambda wildcards: STUDY.probed_datasets(
                wildcards.model, wildcards.task
            ),
        ),
    output:
        outcomes="<results>/probes/{model}/{step}/{task}/{dataset}.h5",
        weights="<results>/probes/{model}/{step}/{task}/{dataset}.safetensors",
        training="<results>/probes/{model}/{step}/{task}/{dataset}.training.parquet",
    log:
        "<results>/logs/probes/{model}/{step}/{task}/{dataset}.log",
    benchmark:
        "<results>/benchmarks/probes/{model}/{step}/{task}/{dataset}.tsv"
    # Ahead of features, so that few of their large temporary files live at once.
    priority: 10
    conda:
        "../envs/xlprobe.yaml"
    resources:
        gpu=int(SETTINGS.probes.device == "cuda"),
        mem_mb=mebibytes(6000),
        runtime=minutes(120),
    params:
        code=lambda wildcards: code(
            "scripts/train_probes.py", f"xlprobe.tasks.{wildcards.task}"
        ),
        dataset=folder_of("dataset"),
        tasks=lambda wildcards: [wildcards.task],
        layers=lambda wildcards: STUDY.layers_argument(
            wildcards.model, wildcards.task, wildcards.dataset
        ),
        settings=SETTINGS.probes.arguments(),
        controls=lambda wildcards: STUDY.control_arguments(
            wildcards.model, [wildcards.task], wildcards.dataset
        ),
        device=untracked(lambda wildcards: SETTINGS.probes.device),
    message:
        "Probing {wildcards.task} on {wildcards.dataset} in {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/train_probes.py --features {input.features:q} --checkpoint {input.checkpoint:q} --dataset {params.dataset:q}"
        " --tasks {params.tasks} --layers {params.layers} --outcomes {output.outcomes:q} --weights {output.weights:q}"
        " --training {output.training:q} {params.settings} {params.controls}"
        " --device {params.device} > {log:q} 2>&1"


if STUDY.probed_together:

    ruleorder: probes_together > probes

    use rule probes as probes_together with:
        input:
            features=vectors,
            checkpoint=CHECKPOINT_IDENTITY,
            dataset=of_run(
                DATASET_IDENTITY,
                dataset=lambda wildcards: STUDY.probed_datasets(
                    wildcards.model, STUDY.tasks_together[0]
                ),
            ),
        output:
            outcomes=expand(
                rules.probes.output.outcomes,
                task=STUDY.tasks_together,
                allow_missing=True,
            ),
            weights=expand(
                rules.probes.output.weights,
                task=STUDY.tasks_together,
                allow_missing=True,
            ),
            training=expand(
                rules.probes.output.training,
                task=STUDY.tasks_together,
                allow_missing=True,
            ),
        log:
            "<results>/logs/probes/{model}/{step}/{dataset}.log",
        benchmark:
            "<results>/benchmarks/probes/{model}/{step}/{dataset}.tsv"
        wildcard_constraints:
            model=one_of(STUDY.probed_together),
        resources:
            gpu=int(SETTINGS.probes.device == "cuda"),
            mem_mb=mebibytes(6000),
            runtime=minutes(120 * len(STUDY.tasks_together)),
        params:
            # The others are those of the rule above.
            # What is recorded is what each task asks for.
            parts=lambda wildcards: parts_with_dropped(
                {
                    task: [
                        code("scripts/train_probes.py", f"xlprobe.tasks.{task}"),
                        STUDY.layers_argument(
                            wildcards.model, task, wildcards.dataset
                        ),
                        *STUDY.control_arguments(
                            wildcards.model, [task], wildcards.dataset
                        ),
                    ]
                    for task in STUDY.tasks_together
                },
                [
                    folder("probes", *wildcards[:2], task, f"{wildcards.dataset}.h5")
                    for task in STUDY.tasks_together
                ],
                "all tasks are probed",
            ),
            code=untracked(lambda wildcards: code("scripts/train_probes.py")),
            tasks=untracked(lambda wildcards: STUDY.tasks_together),
            layers=untracked(
                lambda wildcards: [
                    STUDY.layers_argument(wildcards.model, task, wildcards.dataset)
                    for task in STUDY.tasks_together
                ]
            ),
            controls=untracked(
                lambda wildcards: STUDY.control_arguments(
                    wildcards.model, STUDY.tasks_together, wildcards.dataset
                )
            ),
        message:
            "Probing {wildcards.dataset} in {wildcards.model} at step {wildcards.step}"


if STUDY.probed_at_once:

    ruleorder: probes_at_once > probes

    rule probes_at_once:
        input:
            features="<results>/features/{model}/{step}/vectors",
            checkpoint=CHECKPOINT_IDENTITY,
            datasets=lambda wildcards: inputs_with_dropped(
                expand(
                    folder("datasets", "{dataset}", "identity.json"),
                    dataset=sorted({dataset for _, dataset in STUDY.probes_of_any}),
                ),
                [
                    folder("probes", *wildcards, task, f"{dataset}.h5")
                    for task, dataset in STUDY.probes_of_any
                ],
            ),
        output:
            of_probes(".h5"),
            of_probes(".safetensors"),
            of_probes(".training.parquet"),
        log:
            "<results>/logs/probes/{model}/{step}.log",
        benchmark:
            "<results>/benchmarks/probes/{model}/{step}.tsv"
        wildcard_constraints:
            model=one_of(STUDY.probed_at_once),
        priority: 10
        conda:
            "../envs/xlprobe.yaml"
        resources:
            gpu=int(SETTINGS.probes.device == "cuda"),
            mem_mb=mebibytes(6000),
            runtime=minutes(120 * len(STUDY.probe_tasks)),
        params:
            # What is recorded is what each task and dataset asks for.
            parts=lambda wildcards: parts_with_dropped(
                {
                    f"{task}/{dataset}": [
                        code("scripts/train_probes.py", f"xlprobe.tasks.{task}"),
                        STUDY.layers_argument(wildcards.model, task, dataset),
                        *STUDY.control_arguments(wildcards.model, [task], dataset),
                    ]
                    for task, dataset in STUDY.probes_of_any
                },
                [
                    folder("probes", *wildcards, task, f"{dataset}.h5")
                    for task, dataset in STUDY.probes_of_any
                ],
                "all probes are trained",
            ),
            code=untracked(lambda wildcards: code("scripts/train_probes.py")),
            settings=SETTINGS.probes.arguments(),
            device=untracked(lambda wildcards: SETTINGS.probes.device),
            calls=untracked(calls_of_probing),
        message:
            "Probing {wildcards.model} at step {wildcards.step}"
        shell:
            "python scripts/train_probes.py --features {input.features:q} --checkpoint {input.checkpoint:q} {params.settings}"
            " --device {params.device} {params.calls:q} > {log:q} 2>&1"


rule baselines:
    input:
        dataset=of_run(
            DATASET_IDENTITY,
            dataset=lambda wildcards: STUDY.baseline_datasets(wildcards.task),
        ),
        # Of a parallel test set, the datasets that labels are learned from.
        sources=lambda wildcards: expand(
            DATASET_IDENTITY,
            dataset=STUDY.transfer_sources_of_any(wildcards.task, wildcards.dataset),
        ),
    output:
        "<results>/baselines/{task}/{dataset}.h5",
    log:
        "<results>/logs/baselines/{task}/{dataset}.log",
    benchmark:
        "<results>/benchmarks/baselines/{task}/{dataset}.tsv"
    wildcard_constraints:
        # Alignments' have a rule of their own.
        task="(?!alignment/)[a-z_]+",
    # Ahead of all but training: it says on the terminal where a dataset has no examples.
    priority: 60
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        # XNLI's 400,000 pairs in Thai take 3 minutes and 1.2 GB; a treebank, seconds.
        runtime=minutes(30),
    params:
        code=lambda wildcards: code(
            "scripts/measure_baselines.py", f"xlprobe.tasks.{wildcards.task}"
        ),
        dataset=folder_of("dataset"),
        sources=lambda wildcards: expand(
            folder("datasets", "{dataset}"),
            dataset=STUDY.transfer_sources_of_any(wildcards.task, wildcards.dataset),
        ),
    message:
        "Measuring {wildcards.task} baselines on {wildcards.dataset}"
    shell:
        "python scripts/measure_baselines.py --dataset {params.dataset:q} --sources {params.sources:q} --task {wildcards.task}"
        " --output {output:q}"
        f"{TO_LOG_AND_TERMINAL}"
