"""Tidy tables, one row an observation; columns in schemas/.

reads: probes/ (outcomes and training), baselines/, transfer/, alignment/, bpc/, contamination/, features/**/*.audit.parquet, checkpoints/**/identity.json,
       datasets/
makes: metrics/parts/<model>/<step>.*.parquet, one checkpoint's rows
       outcomes/<model>/<step>.h5, what each test sentence earned, in one file a checkpoint
       metrics/scores.parquet, metrics/audit.parquet, metrics/contamination.parquet, metrics/checkpoints.parquet,
       metrics/datasets.parquet, metrics/probe_training.parquet and tables/probe_training.html, .csv, which sum it up
       metrics/config.json and metrics/environment.json, what these tables follow from, and where they were made
"""


rule checkpoint_scores:
    input:
        probes=of_tasks(rules.probes.output.outcomes, STUDY.probed_datasets),
        transfer=of_tasks(rules.transfer.output.outcomes, STUDY.transfer_targets),
        alignment=of_run(
            lambda wildcards: expand(
                rules.alignment.output,
                dataset=STUDY.measured_datasets(wildcards.model, "alignment"),
                allow_missing=True,
            ),
            model=runs_of_part("scores"),
        ),
        bpc=lambda wildcards: (
            rules.bpc.output if STUDY.bits_languages(wildcards.model) else []
        ),
        baselines=of_tasks(
            rules.baselines.output[0],
            lambda model, task: [
                *STUDY.probed_datasets(model, task),
                *STUDY.transfer_targets(model, task),
            ],
        ),
    output:
        joined="<results>/outcomes/{model}/{step}.h5",
        scores="<results>/metrics/parts/{model}/{step}.scores.parquet",
    log:
        "<results>/logs/metrics/{model}/{step}.scores.log",
    benchmark:
        "<results>/benchmarks/metrics/{model}/{step}.scores.tsv"
    priority: 20
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(20),
    params:
        code=code("scripts/score_checkpoint.py"),
        intervals=INTERVALS,
        shared_labels="--shared-labels" if SETTINGS.transfer.shared_labels else "",
        # What was measured with them stands in files of others, too.
        dropped=DROPPED_OPTION,
    message:
        "Scoring {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/score_checkpoint.py --outcomes {input.probes:q} {input.transfer:q} {input.alignment:q} {input.bpc:q}"
        " --baselines {input.baselines:q}"
        " --joined {output.joined:q} --output {output.scores:q} {params.intervals} {params.shared_labels} {params.dropped:q}"
        " > {log:q} 2>&1"


rule baseline_scores:
    input:
        [
            path
            for task in STUDY.baseline_tasks
            for path in expand(
                rules.baselines.output,
                task=task,
                dataset=STUDY.baseline_datasets(task),
            )
        ],
    output:
        "<results>/metrics/parts/baselines.scores.parquet",
    log:
        "<results>/logs/metrics/baselines.scores.log",
    benchmark:
        "<results>/benchmarks/metrics/baselines.scores.tsv"
    priority: 20
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(20),
    params:
        code=code("scripts/score_baselines.py"),
        intervals=INTERVALS,
        shared_labels="--shared-labels" if SETTINGS.transfer.shared_labels else "",
    message:
        "Scoring baselines"
    shell:
        "python scripts/score_baselines.py --baselines {input:q} --output {output:q} {params.intervals} {params.shared_labels} > {log:q} 2>&1"


rule scores:
    input:
        of_checkpoints(
            rules.checkpoint_scores.output.scores, STUDY.table_parts["scores"]
        ),
        paths=rules.baseline_scores.output if "baseline_scores" in STUDY.jobs() else [],
    output:
        "<results>/metrics/scores.parquet",
    log:
        "<results>/logs/metrics/scores.log",
    benchmark:
        "<results>/benchmarks/metrics/scores.tsv"
    priority: 20
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/join_tables.py", tables=("scores.schema.yaml",)),
        schema="scores.schema.yaml",
        parts=parts_of("scores"),
        published=folder("checkpoints"),
        # What was measured with them stands in tables of others, too.
        dropped=DROPPED_OPTION,
    message:
        "Joining tables into {output}"
    shell:
        "python scripts/join_tables.py {params.parts:q} --paths {input.paths:q} --schema-name {params.schema}"
        " --published {params.published:q} --output {output:q} {params.dropped:q}"
        " > {log:q} 2>&1"


use rule scores as checkpoint_audit with:
    input:
        paths=of_run(
            lambda wildcards: expand(
                rules.features.output.audit,
                dataset=STUDY.extracted_datasets(wildcards.model),
                allow_missing=True,
            ),
            model=runs_of_part("audit"),
        ),
    output:
        "<results>/metrics/parts/{model}/{step}.audit.parquet",
    log:
        "<results>/logs/metrics/{model}/{step}.audit.log",
    benchmark:
        "<results>/benchmarks/metrics/{model}/{step}.audit.tsv"
    params:
        code=code("scripts/join_tables.py", tables=("audit.schema.yaml",)),
        schema="audit.schema.yaml",
        parts=[],


use rule checkpoint_audit as audit with:
    input:
        of_checkpoints(rules.checkpoint_audit.output, STUDY.table_parts["audit"]),
        paths=[],
    output:
        "<results>/metrics/audit.parquet",
    log:
        "<results>/logs/metrics/audit.log",
    benchmark:
        "<results>/benchmarks/metrics/audit.tsv"
    params:
        parts=parts_of("audit"),


use rule checkpoint_audit as checkpoint_probe_training with:
    input:
        paths=of_run(
            of_tasks(rules.probes.output.training, STUDY.probed_datasets),
            model=runs_of_part("probe_training"),
        ),
    output:
        "<results>/metrics/parts/{model}/{step}.probe_training.parquet",
    log:
        "<results>/logs/metrics/{model}/{step}.probe_training.log",
    benchmark:
        "<results>/benchmarks/metrics/{model}/{step}.probe_training.tsv"
    params:
        code=code("scripts/join_tables.py", tables=("probe_training.schema.yaml",)),
        schema="probe_training.schema.yaml",


use rule checkpoint_probe_training as probe_training with:
    input:
        of_checkpoints(
            rules.checkpoint_probe_training.output, STUDY.table_parts["probe_training"]
        ),
        paths=[],
    output:
        "<results>/metrics/probe_training.parquet",
    log:
        "<results>/logs/metrics/probe_training.log",
    benchmark:
        "<results>/benchmarks/metrics/probe_training.tsv"
    params:
        parts=parts_of("probe_training"),


rule probe_training_summary:
    input:
        rules.probe_training.output,
    output:
        html=report(
            "<results>/tables/probe_training.html",
            caption="../report/probe_training.rst",
            category="Training of probes",
        ),
        csv="<results>/tables/probe_training.csv",
    log:
        "<results>/logs/tables/probe_training.log",
    benchmark:
        "<results>/benchmarks/tables/probe_training.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/summarise_probe_training.py"),
    message:
        "Summing up how probes were trained"
    shell:
        "python scripts/summarise_probe_training.py --training {input:q} --html {output.html:q} --csv {output.csv:q}"
        f"{TO_LOG_AND_TERMINAL}"


use rule scores as contamination_table with:
    input:
        paths=expand(rules.contamination.output, language=STUDY.compared_languages),
    output:
        "<results>/metrics/contamination.parquet",
    log:
        "<results>/logs/metrics/contamination.log",
    benchmark:
        "<results>/benchmarks/metrics/contamination.tsv"
    params:
        code=code("scripts/join_tables.py", tables=("contamination.schema.yaml",)),
        schema="contamination.schema.yaml",
        parts=[],


rule checkpoint_table:
    input:
        of_checkpoints(CHECKPOINT_IDENTITY, STUDY.checkpoints),
        expand(rules.trained_text.output, model=TRAININGS),
    output:
        "<results>/metrics/checkpoints.parquet",
    log:
        "<results>/logs/metrics/checkpoints.log",
    benchmark:
        "<results>/benchmarks/metrics/checkpoints.tsv"
    # As soon as all checkpoints are there, so that one that is not what its name says is seen.
    priority: 40
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1000),
        runtime=minutes(10),
    params:
        code=code("scripts/collect_checkpoints.py"),
        checkpoints=listed(STUDY.checkpoints, {"published": folder("checkpoints")}),
    message:
        "Checking the checkpoints against each other"
    shell:
        "python scripts/collect_checkpoints.py {params.checkpoints:q} --output {output:q}"
        f"{TO_LOG_AND_TERMINAL}"


rule dataset_table:
    input:
        expand(DATASET_IDENTITY, dataset=STUDY.datasets),
    output:
        "<results>/metrics/datasets.parquet",
    log:
        "<results>/logs/metrics/datasets.log",
    benchmark:
        "<results>/benchmarks/metrics/datasets.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(30),
    params:
        code=code(
            "scripts/count_datasets.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.probe_tasks),
        ),
        tasks=json.dumps(STUDY.counted_tasks()),
    message:
        "Counting what lies in the datasets"
    shell:
        "python scripts/count_datasets.py --identities {input:q} --tasks {params.tasks:q} --output {output:q} > {log:q} 2>&1"


rule run_description:
    output:
        config="<results>/metrics/config.json",
        environment="<results>/metrics/environment.json",
    log:
        "<results>/logs/metrics/run_description.log",
    benchmark:
        "<results>/benchmarks/metrics/run_description.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(10),
    params:
        code=code("scripts/describe_run.py"),
        # Of another version of a package the tables are made again; what the machine has, none asks for.
        pins=configuration.digest(pins()),
        # Paths in it have braces that are none of Snakemake's.
        configuration=lambda wildcards: json.dumps(config, sort_keys=True),
    message:
        "Writing down the configuration and the environment"
    shell:
        "python scripts/describe_run.py --configuration {params.configuration:q} --config {output.config:q}"
        " --environment {output.environment:q} > {log:q} 2>&1"
