"""Paper 2's analyses of mean signatures, of all comparisons together.

reads: metrics/signatures.parquet, corpus/<text>/counts.json, datasets/morph_<treebank>/
makes: metrics/signature_factors.parquet, unique characters, type-token ratios and sizes of text of each language
       metrics/signature_spreads.parquet and signature_standings.parquet, how signatures are spread over languages, and who stands apart
       metrics/signature_trends.parquet, over layers
       metrics/signature_correlations.parquet, with factors, and metrics/signature_variances.parquet, of diverse and related languages
"""

from xlprobe.study import paper2

ANALYSED = [
    *("factors", "spreads", "standings", "trends", "correlations", "variances"),
]


rule signature_analyses:
    input:
        signatures=rules.signature_table.output,
        counts=[
            folder("corpus", text, "counts.json")
            for text in paper2.compared_texts(STUDY)
        ],
        identities=expand(DATASET_IDENTITY, dataset=STUDY.morphology),
        words=expand(
            "<results>/datasets/{dataset}/words.parquet", dataset=STUDY.morphology
        ),
    output:
        expand("<results>/metrics/signature_{table}.parquet", table=ANALYSED),
    log:
        "<results>/logs/metrics/signature_analyses.log",
    benchmark:
        "<results>/benchmarks/metrics/signature_analyses.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(60),
    params:
        code=code("scripts/analyse_signatures.py"),
        comparisons=paper2.as_json(paper2.comparison_facts(STUDY)),
        sets=paper2.as_json(paper2.language_sets(STUDY)),
        texts=paper2.compared_texts(STUDY),
        datasets=[folder("datasets", dataset) for dataset in STUDY.morphology],
        outputs=lambda wildcards, output: as_arguments(
            {
                f"signature_{table}_output": path
                for table, path in zip(ANALYSED, output, strict=True)
            }
        ),
    message:
        "Analysing signatures"
    shell:
        "python scripts/analyse_signatures.py --signatures {input.signatures:q} --comparisons {params.comparisons:q} --sets {params.sets:q}"
        " --texts {params.texts:q} --counts {input.counts:q} --datasets {params.datasets:q} {params.outputs:q} > {log:q} 2>&1"
