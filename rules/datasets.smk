"""Evaluation data, normalised.

reads: sources/ud/<folder>/<treebank>-ud-<split>.conllu*, sources/xnli/
makes: datasets/<treebank>/, sentences, words with labels and pairs of words as Parquet, and identity.json, which
       later rules depend on
       datasets/xnli_<language>/, sentences and labelled pairs of them; xnli_<language>_test, the test set alone;
       xnli_<language>_published and its _test, where the text is measured as published, too
"""


rule treebank:
    input:
        files=of_run(lambda wildcards: by_content(treebank_files(wildcards))),
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
        dataset=TREEBANK_NAME,
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(20),
    params:
        code=code("scripts/build_treebank.py"),
        folder=folder_of("identity"),
        contents=contents(treebank_files),
        language=lambda wildcards: command_line_options(
            {"language": TREEBANKS[wildcards.dataset].language}
        ),
        settings=options(
            "datasets",
            "dev_fraction",
            "max_sentences",
            negatives=config["arcs"]["negatives"],
        ),
        clean=["--clean-forms"] if config["datasets"]["clean_forms"] else [],
    message:
        "Reading treebank {wildcards.dataset}"
    shell:
        "python scripts/build_treebank.py --files {input.files:q} --folder {params.folder:q}"
        " --dataset {wildcards.dataset:q} {params.language:q} {params.settings} {params.clean} > {log:q} 2>&1"


rule inference:
    input:
        files=lambda wildcards: by_content(inference_files(wildcards)),
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
        dataset=INFERENCE_NAME,
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(20),
    params:
        code=code("scripts/build_inference.py"),
        folder=folder_of("identity"),
        contents=contents(inference_files),
        language=lambda wildcards: command_line_options(
            {
                "language": INFERENCE[wildcards.dataset].language,
                "xnli_language": INFERENCE[wildcards.dataset].xnli_language,
            }
        ),
        forms=inference_forms,
        cap=command_line_options(
            {"max_pairs": config["datasets"]["max_inference_pairs"]}
        ),
    message:
        "Reading {wildcards.dataset}"
    # Pairs that had to be left out are said on the terminal, too.
    shell:
        "python scripts/build_inference.py --files {input.files:q} --folder {params.folder:q}"
        " --dataset {wildcards.dataset:q} {params.language:q} {params.forms} {params.cap}"
        f"{TO_LOG_AND_TERMINAL}"
