"""Measures that are derived from outcomes, and what they are compared with.

reads: corpus/<language>/counts.json, metrics/datasets.parquet, a world's sources/factors/
makes: metrics/factors.parquet, what learning may depend on
"""


rule factors:
    input:
        counts=expand(
            rules.clean_corpus.output.counts, language=STUDY.trained_languages
        ),
        datasets=rules.dataset_table.output if STUDY.datasets else [],
        # Of a world its own.
        world_distances=(
            [folder("sources", "factors/syntactic_distance.tsv")]
            if config["world"]
            else []
        ),
        world=WORLD,
    output:
        "<results>/metrics/factors.parquet",
    log:
        "<results>/logs/metrics/factors.log",
    benchmark:
        "<results>/benchmarks/metrics/factors.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code(
            "scripts/measure_factors.py",
            tables=() if config["world"] else ("syntactic_distances.tsv",),
        ),
        models=json.dumps(STUDY.factor_models, sort_keys=True),
        published=json.dumps(STUDY.published_sizes(), sort_keys=True),
        tasks=sorted(STUDY.probe_tasks),
        datasets=option("datasets"),
        world_distances=option("world_distances"),
        distances=(
            [] if config["world"] else ["--distances", "syntactic_distances.tsv"]
        ),
    message:
        "Gathering what learning may depend on"
    shell:
        "python scripts/measure_factors.py --models {params.models:q} --published {params.published:q} --counts {input.counts:q}"
        " --tasks {params.tasks:q} {params.datasets:q} {params.world_distances:q} {params.distances:q} --output {output:q} > {log:q} 2>&1"
