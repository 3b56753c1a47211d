"""Evaluation data, normalised.

reads: sources/ud/<folder>/<treebank>-ud-<split>.conllu*
makes: datasets/<treebank>/, sentences, words with labels and pairs of words as Parquet, and identity.json, which
       later rules depend on
"""


rule treebank:
    input:
        files=lambda wildcards: [
            folder("sources", path) for path in TREEBANK_SOURCES[wildcards.dataset]
        ],
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
        language=lambda wildcards: TREEBANKS[wildcards.dataset].language,
        dev_fraction=config["datasets"]["dev_fraction"],
        cap=(
            ["--max-sentences", limit]
            if (limit := config["datasets"]["max_sentences"])
            else []
        ),
    message:
        "Reading treebank {wildcards.dataset}"
    shell:
        "python scripts/build_treebank.py --files {input.files:q} --folder {params.folder:q}"
        " --dataset {wildcards.dataset:q} --language {params.language:q} --dev-fraction {params.dev_fraction}"
        " {params.cap} > {log:q} 2>&1"
