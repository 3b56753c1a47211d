"""Evaluation data, normalised.

reads: sources/ud/<folder>/<treebank>-ud-<split>.conllu*, sources/xnli/
makes: datasets/<treebank>/, sentences, words with labels and pairs of words as Parquet, and identity.json, which
       later rules depend on
       datasets/xnli_<language>/, sentences and labelled pairs of them; xnli_<language>_test, the test set alone;
       xnli_<language>_published and its _test, where the text is measured as published, too
"""


rule treebank:
    input:
        files=of_run(lambda wildcards: by_content(SOURCES.treebank(wildcards.dataset))),
        world=WORLD,
    output:
        tables=multiext(
            "<results>/datasets/{dataset}/",
            "sentences.parquet",
            "words.parquet",
            "pairs.parquet",
            "written.parquet",
        ),
        identity=DATASET_IDENTITY,
    log:
        "<results>/logs/datasets/{dataset}.log",
    benchmark:
        "<results>/benchmarks/datasets/{dataset}.tsv"
    wildcard_constraints:
        # What is no other dataset is read as a treebank, which the run must have.
        dataset=none_of(
            [*STUDY.alignments, *STUDY.nli, *STUDY.morphology, *DROPPED_DATASETS]
        ),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(20),
    params:
        code=code("scripts/build_treebank.py"),
        folder=folder_of("identity"),
        contents=contents(lambda wildcards: SOURCES.treebank(wildcards.dataset)),
        language=lambda wildcards: as_arguments(
            {
                "language": STUDY.treebanks[wildcards.dataset].language,
                "parallel": STUDY.treebanks[wildcards.dataset].parallel,
            }
        ),
        settings=SETTINGS.datasets.treebank_arguments(),
        clean=SETTINGS.datasets.clean_arguments(),
    message:
        "Reading treebank {wildcards.dataset}"
    shell:
        "python scripts/build_treebank.py --files {input.files:q} --folder {params.folder:q}"
        " --dataset {wildcards.dataset:q} {params.language:q} {params.settings} {params.clean} > {log:q} 2>&1"


rule nli:
    input:
        files=lambda wildcards: by_content(SOURCES.nli(wildcards.dataset)),
        world=WORLD,
    output:
        tables=multiext(
            "<results>/datasets/{dataset}/",
            "sentences.parquet",
            "pairs.parquet",
        ),
        identity=DATASET_IDENTITY,
    log:
        "<results>/logs/datasets/{dataset}.log",
    benchmark:
        "<results>/benchmarks/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.nli),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(20),
    params:
        code=code("scripts/build_nli.py"),
        folder=folder_of("identity"),
        contents=contents(lambda wildcards: SOURCES.nli(wildcards.dataset)),
        language=lambda wildcards: as_arguments(
            {
                "language": STUDY.nli[wildcards.dataset].language,
                "parallel": STUDY.nli[wildcards.dataset].parallel,
                "xnli_language": STUDY.nli[wildcards.dataset].xnli_language,
            }
        ),
        forms=lambda wildcards: SOURCES.form_arguments(wildcards.dataset),
        cap=SETTINGS.datasets.nli_arguments(),
    message:
        "Reading {wildcards.dataset}"
    # Pairs that had to be left out are said on the terminal, too.
    shell:
        "python scripts/build_nli.py --files {input.files:q} --folder {params.folder:q}"
        " --dataset {wildcards.dataset:q} {params.language:q} {params.forms} {params.cap}"
        f"{TO_LOG_AND_TERMINAL}"
