"""Paper 2's analyses: of mean signatures, and of languages compared by their signatures; of all comparisons together, at their last step.

And one that neither paper has: signatures and probes over the same steps.

reads: metrics/signatures.parquet and the files of signatures that it names, corpus/<text>/counts.json, datasets/morph_<treebank>/;
       metrics/scores.parquet, metrics/factors.parquet and metrics/forgetting.parquet, where there are any
makes: metrics/signature_factors.parquet, unique characters, type-token ratios and sizes of text of each language
       metrics/signature_spreads.parquet and signature_standings.parquet, how signatures are spread over languages, and who stands apart
       metrics/signature_trends.parquet, over layers
       metrics/signature_correlations.parquet, with factors, and metrics/signature_variances.parquet, of diverse and related languages
       metrics/language_distances.parquet, metrics/language_trees.parquet and metrics/language_groups.parquet, of families and genera in these;
       metrics/variant_differences.parquet, of variants and the main comparison; metrics/task_correlations.parquet, with scores of tasks;
       metrics/signature_trajectories.parquet and metrics/signature_agreement.parquet, where the multilingual model is probed at several steps
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


# A user's own.
TASK_SCORES = (
    [SETTINGS.signatures.task_scores]
    if SETTINGS.signatures and SETTINGS.signatures.task_scores
    else []
)


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
        task_scores=TASK_SCORES,
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
        root=lambda wildcards: folder(),
        languages=paper2.as_json(paper2.language_facts(STUDY)),
        # The first that the configuration names.
        main=next((found.variant for found in STUDY.comparisons.values()), ""),
        comparisons=paper2.as_json(paper2.comparison_facts(STUDY)),
        scores=option("scores"),
        factors=option("factors"),
        task_scores=option("task_scores"),
    message:
        "Comparing languages by their signatures"
    shell:
        "python scripts/compare_languages.py --signatures {input.signatures:q} --root {params.root:q} --languages {params.languages:q}"
        " --main {params.main:q} --comparisons {params.comparisons:q} {params.scores:q} {params.factors:q} {params.task_scores:q}"
        " --distances {output.distances:q} --trees {output.trees:q} --groups {output.groups:q} --differences {output.differences:q}"
        " --correlations {output.correlations:q} > {log:q} 2>&1"


rule signature_agreement:
    input:
        signatures=rules.signature_table.output,
        scores=rules.scores.output,
        forgetting=measured_tables(["forgetting"]),
    output:
        trajectories="<results>/metrics/signature_trajectories.parquet",
        agreement="<results>/metrics/signature_agreement.parquet",
    log:
        "<results>/logs/metrics/signature_agreement.log",
    benchmark:
        "<results>/benchmarks/metrics/signature_agreement.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(30),
    params:
        code=code(
            "scripts/compare_with_probes.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.probe_tasks),
        ),
        forgetting=option("forgetting"),
        tasks=STUDY.probe_tasks,
        protocol=SETTINGS.probes.protocol,
        romanised=paper2.as_json(
            paper2.signature_facts(STUDY)["romanised"] if STUDY.comparisons else {}
        ),
    message:
        "Comparing signatures with probes over training"
    shell:
        "python scripts/compare_with_probes.py --signatures {input.signatures:q} --scores {input.scores:q} {params.forgetting:q}"
        " --tasks {params.tasks:q} --protocol {params.protocol:q} --romanised {params.romanised:q}"
        " --trajectories {output.trajectories:q} --agreement {output.agreement:q} > {log:q} 2>&1"
