"""Figures, each with the table behind it.

reads: metrics/scores.parquet, metrics/gates.parquet; for a paper's figures any of metrics/
makes: figures/<model>/<task>_<kind>.png, .pdf and .csv; figures/<model>/paper1/figure_<number>.png, .pdf, .csv and .caption.rst;
       figures/paper2/figure_<number>.png, .pdf, .csv and .caption.rst
"""


rule figure:
    input:
        scores=of_run(
            rules.scores.output[0],
            model=config["models"],
            task=[*STUDY.probe_tasks, "alignment", "bpc"],
            kind=[*figure_kinds()],
        ),
        # Of curves in language.
        gates=lambda wildcards: (
            rules.gates.output
            if "gates" in STUDY.measure_tables
            and figure_kinds()[wildcards.kind].shows != "transfer"
            else []
        ),
    output:
        png=report(
            "<results>/figures/{model}/{task}_{kind}.png",
            caption="../report/figure.rst",
            category="{model}",
            subcategory="{task}",
            labels={"figure": "{kind}"},
        ),
        pdf="<results>/figures/{model}/{task}_{kind}.pdf",
        csv="<results>/figures/{model}/{task}_{kind}.csv",
    log:
        "<results>/logs/figures/{model}/{task}_{kind}.log",
    benchmark:
        "<results>/benchmarks/figures/{model}/{task}_{kind}.tsv"
    wildcard_constraints:
        # All trainings of a model are in its figures.
        model="[^/]+",
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1500),
        runtime=minutes(10),
    params:
        code=lambda wildcards: code(
            "scripts/draw_figure.py",
            f"xlprobe.figures.{wildcards.kind}",
            f"xlprobe.tasks.{wildcards.task}",
        ),
        protocol=lambda wildcards: as_arguments(
            {"protocol": STUDY.protocol(wildcards.task)}
        ),
        gates=option("gates"),
        datasets=json.dumps(STUDY.dataset_facts()),
        # The report reads it here (report/figure.rst).
        caption=lambda wildcards: figure_kinds()[wildcards.kind].caption,
    message:
        "Drawing {output.png}"
    shell:
        "python scripts/draw_figure.py --kind {wildcards.kind} --scores {input.scores:q} {params.gates:q} --model {wildcards.model:q}"
        " --task {wildcards.task} {params.protocol:q} --datasets {params.datasets:q} --png {output.png:q} --pdf {output.pdf:q} --csv {output.csv:q} > {log:q} 2>&1"


rule paper_figure:
    input:
        tables=lambda wildcards: measured_tables(PAPER_FIGURES[wildcards.number].reads),
    output:
        png=report(
            "<results>/figures/{model}/paper1/figure_{number}.png",
            caption="../report/paper_figure.rst",
            category="Paper 1: figures",
            subcategory="{model}",
            labels=lambda wildcards: {
                "figure": f"{int(wildcards.number)}. {PAPER_FIGURES[wildcards.number].title}"
            },
        ),
        pdf="<results>/figures/{model}/paper1/figure_{number}.pdf",
        csv="<results>/figures/{model}/paper1/figure_{number}.csv",
        caption="<results>/figures/{model}/paper1/figure_{number}.caption.rst",
    log:
        "<results>/logs/figures/{model}/paper1/figure_{number}.log",
    benchmark:
        "<results>/benchmarks/figures/{model}/paper1/figure_{number}.tsv"
    wildcard_constraints:
        model=one_of(STUDY.followed_models),
        number=one_of(PAPER_FIGURES),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(10),
    params:
        code=lambda wildcards: paper_code(
            "scripts/draw_paper_figure.py", "figures", PAPER_FIGURES[wildcards.number]
        ),
        figure=lambda wildcards: PAPER_FIGURES[wildcards.number].arguments(),
        facts=paper_facts,
    message:
        "Drawing {output.png}"
    shell:
        "python scripts/draw_paper_figure.py {params.figure:q} --tables {input.tables:q} --facts {params.facts:q}"
        " --png {output.png:q} --pdf {output.pdf:q} --csv {output.csv:q} --caption {output.caption:q} > {log:q} 2>&1"


rule paper2_figure:
    input:
        tables=lambda wildcards: measured_tables(PAPER2_FIGURES[wildcards.number].reads),
    output:
        png=report(
            "<results>/figures/paper2/figure_{number}.png",
            caption="../report/paper_figure.rst",
            category="Paper 2: figures",
            labels=lambda wildcards: {
                "figure": f"{int(wildcards.number)}. {PAPER2_FIGURES[wildcards.number].title}"
            },
        ),
        pdf="<results>/figures/paper2/figure_{number}.pdf",
        csv="<results>/figures/paper2/figure_{number}.csv",
        caption="<results>/figures/paper2/figure_{number}.caption.rst",
    log:
        "<results>/logs/figures/paper2/figure_{number}.log",
    benchmark:
        "<results>/benchmarks/figures/paper2/figure_{number}.tsv"
    wildcard_constraints:
        number=one_of(PAPER2_FIGURES if STUDY.comparisons else []),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(10),
    params:
        code=lambda wildcards: paper_code(
            "scripts/draw_paper_figure.py", "figures", PAPER2_FIGURES[wildcards.number]
        ),
        figure=lambda wildcards: PAPER2_FIGURES[wildcards.number].arguments(),
        facts=paper2.signature_facts_argument(STUDY),
    message:
        "Drawing {output.png}"
    shell:
        "python scripts/draw_paper_figure.py {params.figure:q} --tables {input.tables:q} --signatures {params.facts:q}"
        " --png {output.png:q} --pdf {output.pdf:q} --csv {output.csv:q} --caption {output.caption:q} > {log:q} 2>&1"
