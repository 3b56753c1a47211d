"""What papers claim, held against the run.

reads: any of metrics/, config.json and environment.json among them
makes: claims/<model>/paper1.parquet, .csv and .md; claims/paper2.parquet, .csv and .md
"""


rule claims:
    input:
        tables=measured_tables(paper1.CLAIM_TABLES),
        configuration=rules.run_description.output.config,
        environment=rules.run_description.output.environment,
    output:
        parquet="<results>/claims/{model}/paper1.parquet",
        csv="<results>/claims/{model}/paper1.csv",
        markdown="<results>/claims/{model}/paper1.md",
    log:
        "<results>/logs/claims/{model}/paper1.log",
    benchmark:
        "<results>/benchmarks/claims/{model}/paper1.tsv"
    wildcard_constraints:
        model=one_of(STUDY.followed_models),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(10),
    params:
        code=code(
            "scripts/judge_claims.py",
            *(f"xlprobe.tasks.{task}" for task in STUDY.measured_tasks),
            tables=(
                "published/paper1_*.tsv",
                *(f"{name}.schema.yaml" for name in paper1.CLAIM_TABLES),
            ),
        ),
        facts=paper_facts,
    message:
        "Holding paper 1's claims against {wildcards.model}"
    shell:
        "python scripts/judge_claims.py --tables {input.tables:q} --facts {params.facts:q} --configuration {input.configuration:q}"
        " --environment {input.environment:q} --parquet {output.parquet:q} --csv {output.csv:q} --markdown {output.markdown:q} > {log:q} 2>&1"


rule paper2_claims:
    input:
        tables=measured_tables(paper2.SIGNATURE_TABLES),
        configuration=rules.run_description.output.config,
        environment=rules.run_description.output.environment,
    output:
        parquet="<results>/claims/paper2.parquet",
        csv="<results>/claims/paper2.csv",
        markdown="<results>/claims/paper2.md",
    log:
        "<results>/logs/claims/paper2.log",
    benchmark:
        "<results>/benchmarks/claims/paper2.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(10),
    params:
        code=code(
            "scripts/judge_claims.py",
            tables=(
                "published/paper2_*.tsv",
                *(f"{name}.schema.yaml" for name in paper2.SIGNATURE_TABLES),
            ),
        ),
        facts=paper2.signature_facts_argument(STUDY),
    message:
        "Holding paper 2's claims against the signatures"
    shell:
        "python scripts/judge_claims.py --tables {input.tables:q} --signatures {params.facts:q} --configuration {input.configuration:q}"
        " --environment {input.environment:q} --parquet {output.parquet:q} --csv {output.csv:q} --markdown {output.markdown:q} > {log:q} 2>&1"
