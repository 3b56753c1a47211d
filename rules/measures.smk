"""Measures of curves over steps and layers: when, where and how sure. One job a measure, over all models.

reads: outcomes/<model>/<step>.h5, baselines/, metrics/scores.parquet; corpus/<language>/counts.json, metrics/datasets.parquet, a world's
       sources/factors/
makes: metrics/best.parquet, metrics/steps.parquet, metrics/forgetting.parquet, metrics/asymmetry.parquet, metrics/order.parquet,
       metrics/expected_layers.parquet, metrics/layer_gains.parquet, metrics/gates.parquet, metrics/training_seeds.parquet;
       metrics/model_comparisons.parquet, of the final checkpoints of several models;
       metrics/factors.parquet, what learning may depend on, and metrics/correlations.parquet, metrics/alternatives.parquet
"""

# The totals of what is tested.
BASELINES = [
    path
    for task in STUDY.probe_tasks
    for path in expand(
        rules.baselines.output, task=task, dataset=STUDY.baseline_datasets(task)
    )
]
CURVE_CHECKPOINTS = listed(STUDY.curve_checkpoints, {"outcomes": folder("outcomes")})


rule learning:
    input:
        outcomes=of_checkpoints(
            rules.checkpoint_scores.output.joined, STUDY.curve_checkpoints
        ),
        baselines=BASELINES,
    output:
        best="<results>/metrics/best.parquet",
        steps="<results>/metrics/steps.parquet",
        forgetting="<results>/metrics/forgetting.parquet",
    log:
        "<results>/logs/metrics/learning.log",
    benchmark:
        "<results>/benchmarks/metrics/learning.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        # The files of all checkpoints are open.
        mem_mb=mebibytes(4000),
        runtime=minutes(60),
    params:
        code=code(
            "scripts/measure_learning.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
        ),
        checkpoints=CURVE_CHECKPOINTS,
        shares=SETTINGS.measures.share_arguments(),
        intervals=INTERVALS,
    message:
        "Measuring when curves are best, and what they lose"
    shell:
        "python scripts/measure_learning.py {params.checkpoints:q} --baselines {input.baselines:q} {params.shares:q} {params.intervals}"
        " --best {output.best:q} --steps {output.steps:q} --forgetting {output.forgetting:q} > {log:q} 2>&1"


rule asymmetry:
    input:
        outcomes=of_checkpoints(
            rules.checkpoint_scores.output.joined, STUDY.curve_checkpoints
        ),
        baselines=BASELINES,
        best=rules.learning.output.best,
    output:
        "<results>/metrics/asymmetry.parquet",
    log:
        "<results>/logs/metrics/asymmetry.log",
    benchmark:
        "<results>/benchmarks/metrics/asymmetry.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(60),
    params:
        code=code(
            "scripts/measure_asymmetry.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.probe_tasks),
        ),
        checkpoints=CURVE_CHECKPOINTS,
        intervals=INTERVALS,
    message:
        "Measuring how transfer differs by its direction"
    shell:
        "python scripts/measure_asymmetry.py {params.checkpoints:q} --baselines {input.baselines:q} --best {input.best:q} {params.intervals}"
        " --asymmetry {output:q} > {log:q} 2>&1"


rule layers:
    input:
        outcomes=of_checkpoints(
            rules.checkpoint_scores.output.joined, STUDY.curve_checkpoints
        ),
        # What they earn is chance.
        baselines=[
            *BASELINES,
            *expand(
                rules.alignment_baselines.output,
                dataset=STUDY.baseline_datasets("alignment"),
            ),
        ],
    output:
        expected_layers="<results>/metrics/expected_layers.parquet",
        layer_gains="<results>/metrics/layer_gains.parquet",
    log:
        "<results>/logs/metrics/layers.log",
    benchmark:
        "<results>/benchmarks/metrics/layers.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(60),
    params:
        code=code(
            "scripts/measure_layers.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
        ),
        checkpoints=CURVE_CHECKPOINTS,
        intervals=INTERVALS,
    message:
        "Measuring which layers know most"
    shell:
        "python scripts/measure_layers.py {params.checkpoints:q} --baselines {input.baselines:q} {params.intervals}"
        " --expected-layers {output.expected_layers:q} --layer-gains {output.layer_gains:q} > {log:q} 2>&1"


rule order:
    input:
        rules.learning.output.steps,
    output:
        "<results>/metrics/order.parquet",
    log:
        "<results>/logs/metrics/order.log",
    benchmark:
        "<results>/benchmarks/metrics/order.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/measure_order.py"),
    message:
        "Measuring in what order tasks are acquired"
    shell:
        "python scripts/measure_order.py --steps {input:q} --order {output:q} > {log:q} 2>&1"


rule gates:
    input:
        scores=rules.scores.output,
        best=rules.learning.output.best,
    output:
        "<results>/metrics/gates.parquet",
    log:
        "<results>/logs/metrics/gates.log",
    benchmark:
        "<results>/benchmarks/metrics/gates.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(10),
    params:
        code=code(
            "scripts/measure_gates.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
        ),
        thresholds=SETTINGS.measures.gate_arguments(),
    message:
        "Finding the curves that have a signal"
    shell:
        "python scripts/measure_gates.py --scores {input.scores:q} --best {input.best:q} {params.thresholds:q} --gates {output:q} > {log:q} 2>&1"


rule model_comparisons:
    input:
        outcomes=of_checkpoints(
            rules.checkpoint_scores.output.joined, STUDY.final_checkpoints
        ),
        baselines=BASELINES,
    output:
        "<results>/metrics/model_comparisons.parquet",
    log:
        "<results>/logs/metrics/model_comparisons.log",
    benchmark:
        "<results>/benchmarks/metrics/model_comparisons.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(60),
    params:
        code=code(
            "scripts/measure_model_comparisons.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
        ),
        checkpoints=listed(STUDY.final_checkpoints, {"outcomes": folder("outcomes")}),
        intervals=INTERVALS,
    message:
        "Comparing the final checkpoints of models"
    shell:
        "python scripts/measure_model_comparisons.py {params.checkpoints:q} --baselines {input.baselines:q} {params.intervals}"
        " --model-comparisons {output:q} > {log:q} 2>&1"


rule training_seeds:
    input:
        rules.learning.output,
        rules.asymmetry.output if "asymmetry" in STUDY.measure_tables else [],
        rules.layers.output if "layers" in STUDY.measure_tables else [],
    output:
        "<results>/metrics/training_seeds.parquet",
    log:
        "<results>/logs/metrics/training_seeds.log",
    benchmark:
        "<results>/benchmarks/metrics/training_seeds.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/measure_training_seeds.py"),
    message:
        "Measuring how far trainings differ"
    shell:
        "python scripts/measure_training_seeds.py --tables {input:q} --training-seeds {output:q} > {log:q} 2>&1"


rule factors:
    input:
        counts=[folder("corpus", text, "counts.json") for text in STUDY.factor_texts],
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
        texts=as_arguments(
            {
                "texts": (
                    None
                    if STUDY.factor_texts == STUDY.trained_languages
                    else STUDY.factor_texts
                )
            }
        ),
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
        " {params.texts:q} --tasks {params.tasks:q} {params.datasets:q} {params.world_distances:q} {params.distances:q} --output {output:q} > {log:q} 2>&1"


rule correlations:
    input:
        **{
            table: [f"<results>/metrics/{table}.parquet"]
            for table in STUDY.correlated_tables
        },
    output:
        correlations="<results>/metrics/correlations.parquet",
        alternatives="<results>/metrics/alternatives.parquet",
    log:
        "<results>/logs/metrics/correlations.log",
    benchmark:
        "<results>/benchmarks/metrics/correlations.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(30),
    params:
        code=code("scripts/measure_correlations.py"),
        asymmetry=option("asymmetry"),
    message:
        "Correlating measures with factors"
    shell:
        "python scripts/measure_correlations.py --best {input.best:q} --steps {input.steps:q} --forgetting {input.forgetting:q}"
        " {params.asymmetry:q} --factors {input.factors:q} --correlations {output.correlations:q} --alternatives {output.alternatives:q}"
        " > {log:q} 2>&1"
