"""Vectors of every layer: of words; of sentences where a dataset has no words; of a bitext's subwords where these are aligned.

reads: checkpoints/<model>/<step>/, datasets/<dataset>/, a treebank, a bitext or an inference set
makes: features/<model>/<step>/<dataset>.h5, deleted once used unless features.keep, and <dataset>.audit.parquet
       features/<model>/<step>/vectors/, in their place where one job extracts all and they are deleted once used
"""

# Deleted once used, unless they are to be kept.
kept_or_temporary = str if SETTINGS.features.keep else temp


rule features:
    input:
        checkpoint=of_run(CHECKPOINT_IDENTITY),
        dataset=DATASET_IDENTITY,
    output:
        vectors=kept_or_temporary("<results>/features/{model}/{step}/{dataset}.h5"),
        audit="<results>/features/{model}/{step}/{dataset}.audit.parquet",
    log:
        "<results>/logs/features/{model}/{step}/{dataset}.log",
    benchmark:
        "<results>/benchmarks/features/{model}/{step}/{dataset}.tsv"
    # Transfer targets last: their large temporary files are of use once the sources are probed.
    priority: lambda wildcards: 0 if wildcards.dataset in STUDY.test_only else 5
    conda:
        "../envs/xlprobe.yaml"
    resources:
        gpu=int(SETTINGS.features.device != "cpu"),
        mem_mb=mebibytes(8000),
        runtime=minutes(60),
    params:
        code=code("scripts/extract_features.py"),
        checkpoint=folder_of("checkpoint"),
        datasets=folder_of("dataset"),
        layers=lambda wildcards: STUDY.extraction_arguments(
            wildcards.model, [wildcards.dataset]
        ),
        subwords=lambda wildcards: STUDY.subword_arguments([wildcards.dataset]),
        settings=SETTINGS.features.arguments(),
        tokens_per_batch=untracked(lambda wildcards: SETTINGS.features.tokens_per_batch),
        device=untracked(lambda wildcards: SETTINGS.features.device),
    message:
        "Extracting {wildcards.dataset} from {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/extract_features.py --checkpoint {params.checkpoint:q} --datasets {params.datasets:q}"
        " --outputs {output.vectors:q} --audit-outputs {output.audit:q} {params.layers}"
        " {params.subwords:q} {params.settings} --tokens-per-batch {params.tokens_per_batch} --device {params.device} > {log:q} 2>&1"


if STUDY.extracted_together:

    ruleorder: features_together > features

    use rule features as features_together with:
        input:
            checkpoint=of_run(CHECKPOINT_IDENTITY),
            datasets=lambda wildcards: inputs_with_dropped(
                expand(
                    folder("datasets", "{dataset}", "identity.json"),
                    dataset=STUDY.extracted_of_any,
                ),
                expand(
                    folder("features", *wildcards, "{dataset}.audit.parquet"),
                    dataset=STUDY.extracted_of_any,
                ),
            ),
        output:
            # In a folder what follows is the same whatever datasets there are.
            vectors=(
                temp(directory("<results>/features/{model}/{step}/vectors"))
                if STUDY.vectors_in_a_folder
                else expand(
                    "<results>/features/{model}/{step}/{dataset}.h5",
                    dataset=STUDY.extracted_of_any,
                    allow_missing=True,
                )
            ),
            audit=expand(
                "<results>/features/{model}/{step}/{dataset}.audit.parquet",
                dataset=STUDY.extracted_of_any,
                allow_missing=True,
            ),
        log:
            "<results>/logs/features/{model}/{step}.log",
        benchmark:
            "<results>/benchmarks/features/{model}/{step}.tsv"
        wildcard_constraints:
            model=one_of(STUDY.extracted_together),
        priority: 5
        params:
            # The others are those of the rule above. What is recorded is what each dataset asks for.
            parts=lambda wildcards: parts_with_dropped(
                {
                    name: [
                        *STUDY.extraction_arguments(wildcards.model, [name]),
                        *STUDY.subword_arguments([name]),
                    ]
                    for name in STUDY.extracted_of_any
                },
                expand(
                    folder("features", *wildcards, "{dataset}.audit.parquet"),
                    dataset=STUDY.extracted_of_any,
                ),
                "all datasets are extracted",
            ),
            datasets=untracked(
                lambda wildcards: expand(
                    folder("datasets", "{dataset}"), dataset=STUDY.extracted_of_any
                )
            ),
            layers=untracked(
                lambda wildcards: STUDY.extraction_arguments(
                    wildcards.model, STUDY.extracted_of_any
                )
            ),
            subwords=untracked(
                lambda wildcards: STUDY.subword_arguments(STUDY.extracted_of_any)
            ),
        message:
            "Extracting all datasets from {wildcards.model} at step {wildcards.step}"
