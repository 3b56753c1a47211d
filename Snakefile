"""xlprobe: text -> pretraining -> checkpoints -> features -> probes -> metrics -> figures. `snakemake` makes everything."""

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


pathvars:
    results=f"results/{config['experiment']}",


for stage in (
    "recording targets sources world corpus pretrain checkpoints datasets features"
    " probes transfer alignment bpc contamination signatures metrics measures analyses"
    " figures tables claims report"
).split():

    include: f"rules/{stage}.smk"


rule all:
    default_target: True
    input:
        expand(DATASET_IDENTITY, dataset=STUDY.datasets),
        table_targets(),
        prediction_files(),
        [figures(pattern) for pattern in rules.figure.output],
        paper_targets() + paper2_targets(),
        rules.findings.output,


rule paper1:
    input:
        paper_targets(),
        rules.findings.output,


rule paper2_signatures:
    input:
        signature_targets(),


rule paper2:
    input:
        paper2_targets(),
        rules.findings.output,


rule sources:
    input:
        WORLD,
        SOURCES.fetched,


rule data:
    input:
        data_files(),
