"""Tables of papers.

reads: any of metrics/
makes: tables/<model>/paper1/table_<number>.csv, .md and .tex
       tables/paper2/table_<number>.csv, .md and .tex, of signatures
"""


rule paper_table:
    input:
        tables=lambda wildcards: measured_tables(PAPER_TABLES[wildcards.number].reads),
    output:
        csv="<results>/tables/{model}/paper1/table_{number}.csv",
        markdown="<results>/tables/{model}/paper1/table_{number}.md",
        latex="<results>/tables/{model}/paper1/table_{number}.tex",
    log:
        "<results>/logs/tables/{model}/paper1/table_{number}.log",
    benchmark:
        "<results>/benchmarks/tables/{model}/paper1/table_{number}.tsv"
    wildcard_constraints:
        model=one_of(STUDY.followed_models),
        number=one_of(PAPER_TABLES),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(10),
    params:
        code=lambda wildcards: paper_code(
            "scripts/make_table.py", "tables", PAPER_TABLES[wildcards.number]
        ),
        table=lambda wildcards: PAPER_TABLES[wildcards.number].arguments(),
        facts=paper_facts,
    message:
        "Making {output.csv}"
    shell:
        "python scripts/make_table.py {params.table:q} --tables {input.tables:q} --facts {params.facts:q}"
        " --csv {output.csv:q} --markdown {output.markdown:q} --latex {output.latex:q} > {log:q} 2>&1"


rule paper2_table:
    input:
        tables=lambda wildcards: measured_tables(PAPER2_TABLES[wildcards.number].reads),
    output:
        csv="<results>/tables/paper2/table_{number}.csv",
        markdown="<results>/tables/paper2/table_{number}.md",
        latex="<results>/tables/paper2/table_{number}.tex",
    log:
        "<results>/logs/tables/paper2/table_{number}.log",
    benchmark:
        "<results>/benchmarks/tables/paper2/table_{number}.tsv"
    wildcard_constraints:
        number=one_of(PAPER2_TABLES if STUDY.comparisons else []),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(3000),
        runtime=minutes(10),
    params:
        code=lambda wildcards: paper_code(
            "scripts/make_table.py", "tables", PAPER2_TABLES[wildcards.number]
        ),
        table=lambda wildcards: PAPER2_TABLES[wildcards.number].arguments(),
        facts=paper2.signature_facts_argument(STUDY),
    message:
        "Making {output.csv}"
    shell:
        "python scripts/make_table.py {params.table:q} --tables {input.tables:q} --signatures {params.facts:q}"
        " --csv {output.csv:q} --markdown {output.markdown:q} --latex {output.latex:q} > {log:q} 2>&1"
