"""Contamination: how much of the text that models are tested on stands in what they, or their probes, learned from.

reads: datasets/<dataset>/, corpus/<language>/
makes: contamination/<language>.parquet, all test sets of the language against its pretraining text and its train splits
"""


rule contamination:
    input:
        datasets=of_run(
            lambda wildcards: inputs_with_dropped(
                expand(
                    folder("datasets", "{dataset}", "identity.json"),
                    dataset=STUDY.datasets_in(wildcards.language),
                ),
                [folder("contamination", f"{wildcards.language}.parquet")],
            ),
            language=STUDY.compared_languages,
        ),
        # The text is told by its digest.
        counts=lambda wildcards: (
            expand(rules.clean_corpus.output.counts, language=wildcards.language)
            if wildcards.language in config["languages"]
            else []
        ),
        corpus=lambda wildcards: (
            ancient(
                expand(rules.clean_corpus.output.train, language=wildcards.language)
            )
            if wildcards.language in config["languages"]
            else []
        ),
        held_out=lambda wildcards: (
            ancient(
                expand(rules.clean_corpus.output.valid, language=wildcards.language)
            )
            if wildcards.language in STUDY.held_out_of_any
            else []
        ),
    output:
        "<results>/contamination/{language}.parquet",
    log:
        "<results>/logs/contamination/{language}.log",
    benchmark:
        "<results>/benchmarks/contamination/{language}.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1500),
        # A megabyte of compressed text is about three of text, a fifth of a second.
        runtime=lambda wildcards, input, attempt: attempt
        * max(10, int(input.size_mb / 100)),
    params:
        code=code("scripts/measure_contamination.py"),
        datasets=lambda wildcards, input: [
            str(Path(path).parent) for path in input.datasets
        ],
        corpus=option("corpus"),
        held_out=option("held_out"),
        # Of held-out text, what bits per character are taken of.
        cap=lambda wildcards: (
            SETTINGS.bpc.text_arguments()
            if wildcards.language in STUDY.held_out_of_any
            else []
        ),
    message:
        "Searching for the {wildcards.language} test sets in what was learned from"
    shell:
        "python scripts/measure_contamination.py --language {wildcards.language:q} --datasets {params.datasets:q}"
        " {params.corpus:q} {params.held_out:q} {params.cap} --output {output:q} > {log:q} 2>&1"
