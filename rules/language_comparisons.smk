"""Languages compared by their signatures (paper 2, 5.1 to 5.3): one job, over all comparisons at their last step.

reads: metrics/signatures.parquet and the files of signatures that it names; metrics/scores.parquet and metrics/factors.parquet, where there are any
makes: metrics/language_distances.parquet, metrics/language_trees.parquet and metrics/language_groups.parquet, of families and genera in these;
       metrics/variant_differences.parquet, of variants and the main comparison; metrics/task_correlations.parquet, with scores of tasks
"""

from xlprobe.study import paper2


rule language_comparisons:
    input:
        signatures=rules.signature_table.output,
        # Of the last step of each comparison; the table names them.
        vectors=[
            path
            for name, step in STUDY.fitted_checkpoints
            if step == max(STUDY.compared_steps(name))
            for path in expand(
                rules.signatures.output.vectors,
                variant=name,
                step=step,
                category=STUDY.categories,
            )
        ],
        scores=measured_tables(["scores"]),
        factors=measured_tables(["factors"]),
    output:
        distances="<results>/metrics/language_distances.parquet",
        trees="<results>/metrics/language_trees.parquet",
        groups="<results>/metrics/language_groups.parquet",
        differences="<results>/metrics/variant_differences.parquet",
        correlations="<results>/metrics/task_correlations.parquet",
    log:
        "<results>/logs/metrics/language_comparisons.log",
    benchmark:
        "<results>/benchmarks/metrics/language_comparisons.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(8000),
        runtime=minutes(240),
    params:
        code=code("scripts/compare_languages.py"),
        root=folder(),
        languages=paper2.as_json(paper2.language_facts(STUDY)),
        # The first that the configuration names.
        main=next((found.variant for found in STUDY.comparisons.values()), ""),
        comparisons=paper2.as_json(paper2.comparison_facts(STUDY)),
        scores=option("scores"),
        factors=option("factors"),
    message:
        "Comparing languages by their signatures"
    shell:
        "python scripts/compare_languages.py --signatures {input.signatures:q} --root {params.root:q} --languages {params.languages:q}"
        " --main {params.main:q} --comparisons {params.comparisons:q} {params.scores:q} {params.factors:q}"
        " --distances {output.distances:q} --trees {output.trees:q} --groups {output.groups:q} --differences {output.differences:q}"
        " --correlations {output.correlations:q} > {log:q} 2>&1"
