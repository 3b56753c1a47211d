"""What is told of a whole run.

reads: any of metrics/, figures/<model>/paper1/, tables/, claims/, benchmarks/
makes: RESULTS.md, and RESULTS.html with its figures inside, which report.html opens on
"""


report: "../report/workflow.rst"


FINDING_TABLES = [
    *("scores", "checkpoints", "best", "steps", "forgetting", "asymmetry", "order"),
    *("expected_layers", "layer_gains", "correlations", "gates"),
    *("signatures", "signature_spreads", "signature_trends", "language_trees"),
    "signature_agreement",
]


rule findings:
    input:
        tables=measured_tables(FINDING_TABLES),
        description=rules.run_description.output,
        papers=paper_targets() + paper2_targets(),
    output:
        markdown=report("<results>/RESULTS.md", category="Findings"),
        page="<results>/RESULTS.html",
    log:
        "<results>/logs/report/findings.log",
    benchmark:
        "<results>/benchmarks/report/findings.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(10),
    params:
        code=code(
            "scripts/write_results.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
            tables=tuple(f"{name}.schema.yaml" for name in FINDING_TABLES),
        ),
        models=[
            paper1.facts_argument(STUDY, model)
            for model, settings in sorted(config["models"].items())
            if not settings["control"]
        ],
        experiment=config["experiment"],
        figures=json.dumps({row.number: row.title for row in PAPER_FIGURES.values()}),
        papers_tables=json.dumps(
            {row.number: row.title for row in PAPER_TABLES.values()}
        ),
        followed=STUDY.followed_models,
        signatures=as_arguments(
            {
                "signatures": paper2.signature_facts_argument(STUDY) or None,
                **{
                    f"{name}_of_signatures": (
                        json.dumps({row.number: row.title for row in rows.values()})
                        if STUDY.comparisons
                        else None
                    )
                    for name, rows in (
                        ("figures", PAPER2_FIGURES),
                        ("tables", PAPER2_TABLES),
                    )
                },
            }
        ),
    message:
        "Writing {output.markdown}"
    shell:
        "python scripts/write_results.py --experiment {params.experiment:q} --models {params.models:q} --tables {input.tables:q}"
        " --figures {params.figures:q} --papers-tables {params.papers_tables:q} --followed {params.followed:q} {params.signatures:q}"
        " --markdown {output.markdown:q} --page {output.page:q} > {log:q} 2>&1"
