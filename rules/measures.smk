"""Measures of curves over steps and layers: when, where and how sure. One job a measure, over all models.

reads: outcomes/<model>/<step>.h5, baselines/, metrics/scores.parquet
makes: metrics/best.parquet, metrics/steps.parquet, metrics/forgetting.parquet, metrics/asymmetry.parquet, metrics/order.parquet,
       metrics/gates.parquet, metrics/training_seeds.parquet
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
        mem_mb=mebibytes(2000),
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
        "python scripts/measure_learning.py {params.checkpoints:q} --baselines {input.baselines:q} {params.shares} {params.intervals}"
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
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
        ),
        checkpoints=CURVE_CHECKPOINTS,
        intervals=INTERVALS,
    message:
        "Measuring how transfer differs by its direction"
    shell:
        "python scripts/measure_asymmetry.py {params.checkpoints:q} --baselines {input.baselines:q} --best {input.best:q} {params.intervals}"
        " --asymmetry {output:q} > {log:q} 2>&1"


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
        "Telling curves with a signal"
    shell:
        "python scripts/measure_gates.py --scores {input.scores:q} --best {input.best:q} {params.thresholds} --gates {output:q} > {log:q} 2>&1"


rule training_seeds:
    input:
        rules.learning.output,
        rules.asymmetry.output if "asymmetry" in STUDY.measure_tables else [],
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
