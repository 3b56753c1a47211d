"""xlprobe: text -> pretraining -> checkpoints -> features -> probes -> metrics -> figures. `snakemake` makes everything.

One stage a file in rules/, in the order of the flow; each says at its top what it reads and what it makes.
"""

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"
include: "rules/recording.smk"
include: "rules/targets.smk"


report: "report/workflow.rst"


pathvars:
    results=f"results/{config['experiment']}",


for stage in (
    *("sources", "world", "corpus", "pretrain", "checkpoints", "datasets", "features"),
    *("probes", "transfer", "alignment", "bpc", "contamination", "metrics"),
    *("measures", "figures", "tables", "claims", "report"),
):

    include: f"rules/{stage}.smk"


rule all:
    default_target: True
    input:
        expand(DATASET_IDENTITY, dataset=STUDY.datasets),
        expand("<results>/metrics/{table}.parquet", table=STUDY.tables),
        rules.run_description.output,
        rules.probe_training_summary.output if "probe_training" in STUDY.tables else [],
        prediction_files(),
        [figures(pattern) for pattern in rules.figure.output],
        paper_targets(),
        rules.findings.output,


rule paper1:
    input:
        paper_targets(),
        rules.findings.output,


rule sources:
    input:
        WORLD,
        SOURCES.fetched,


# `make run` makes these first, so that what follows is made again only where they changed.
rule data:
    input:
        data_files(),
