"""Word alignment by the similarity of words' or subwords' vectors, against gold links.

reads: sources/alignments/, features/<model>/<step>/<set>.h5, checkpoints/<model>/<step>/identity.json
makes: datasets/<set>/, sentence pairs as Parquet with their words and gold links, and identity.json
       alignment/<model>/<step>/<set>.h5, the links of each pair and layer, counted
       baselines/alignment/<set>.h5, the same of links that the words' places alone give
"""


rule bitext:
    input:
        files=lambda wildcards: by_content(SOURCES.bitext(wildcards.dataset)),
        world=WORLD,
    output:
        tables=multiext(
            "<results>/datasets/{dataset}/",
            "sentences.parquet",
            "words.parquet",
            "links.parquet",
        ),
        identity=DATASET_IDENTITY,
    log:
        "<results>/logs/datasets/{dataset}.log",
    benchmark:
        "<results>/benchmarks/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.alignments),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/build_bitext.py"),
        folder=folder_of("identity"),
        contents=contents(lambda wildcards: SOURCES.bitext(wildcards.dataset)),
        settings=lambda wildcards: STUDY.bitext_arguments(wildcards.dataset),
    message:
        "Reading bitext {wildcards.dataset}"
    # Gold links that had to be left out are said on the terminal, too.
    shell:
        "python scripts/build_bitext.py --files {input.files:q} --folder {params.folder:q}"
        " --dataset {wildcards.dataset:q} {params.settings:q}"
        f"{TO_LOG_AND_TERMINAL}"


rule alignment:
    input:
        features=vectors,
        checkpoint=CHECKPOINT_IDENTITY,
        dataset=of_run(
            DATASET_IDENTITY,
            dataset=lambda wildcards: STUDY.measured_datasets(
                wildcards.model, "alignment"
            ),
        ),
    output:
        "<results>/alignment/{model}/{step}/{dataset}.h5",
    log:
        "<results>/logs/alignment/{model}/{step}/{dataset}.log",
    benchmark:
        "<results>/benchmarks/alignment/{model}/{step}/{dataset}.tsv"
    # Ahead of features, so that few of their large temporary files live at once.
    priority: 10
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(20),
    params:
        code=code("scripts/align_words.py"),
        dataset=folder_of("dataset"),
        settings=SETTINGS.alignment.arguments(),
        layers=lambda wildcards: STUDY.layers_argument(
            wildcards.model, "alignment", wildcards.dataset
        ),
    message:
        "Aligning {wildcards.dataset} by {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/align_words.py --features {input.features:q} --checkpoint {input.checkpoint:q} --dataset {params.dataset:q}"
        " --layers {params.layers} {params.settings} --output {output:q} > {log:q} 2>&1"


rule alignment_baselines:
    input:
        dataset=of_run(
            DATASET_IDENTITY,
            dataset=lambda wildcards: STUDY.baseline_datasets("alignment"),
        ),
    output:
        "<results>/baselines/alignment/{dataset}.h5",
    log:
        "<results>/logs/baselines/alignment/{dataset}.log",
    benchmark:
        "<results>/benchmarks/baselines/alignment/{dataset}.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/measure_diagonal.py"),
        dataset=folder_of("dataset"),
    message:
        "Measuring the alignment baseline on {wildcards.dataset}"
    shell:
        "python scripts/measure_diagonal.py --dataset {params.dataset:q} --output {output:q} > {log:q} 2>&1"
