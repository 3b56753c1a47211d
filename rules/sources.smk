"""Upstream files of the run, linked or downloaded; where it has a `world`, rules/world.smk makes them.

reads: the folder that data.root in the configuration or XLPROBE_DATA names, and resources/sources.tsv
makes: sources/, in upstream's layout (xlprobe.sources.needs): links into that folder or into unpacked archives, and downloads
       sources/downloads/, archives, unpacked beside a record each

What is in sources/ already is made by no rule: a finished run needs neither its data folder nor the internet any more.
"""

from xlprobe.sources import archives
from xlprobe.sources.origins import LOCK
from xlprobe.sources.source_files import SourceFiles

SOURCES = user_error(SourceFiles.of, STUDY, RESULTS)
PLAN = SOURCES.plan


# Nodes of a cluster may have no internet.
localrules:
    link_source,
    download_source,
    unpack_source,
    obtain_source,


rule link_source:
    input:
        lambda wildcards: SOURCES.unpacked(wildcards.path),
    output:
        "<results>/sources/{path}",
    log:
        "<results>/logs/sources/{path}.log",
    benchmark:
        "<results>/benchmarks/sources/{path}.tsv"
    wildcard_constraints:
        path=one_of([*PLAN.links, *PLAN.members]),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(200),
        runtime=minutes(5),
    params:
        # Where a link leads counts in what reads it (`contents`), so that one that is made anew makes nothing else again.
        code=untracked(lambda wildcards: code("scripts/link_source.py")),
        source=untracked(lambda wildcards: SOURCES.link_arguments(wildcards.path)),
    message:
        "Linking {wildcards.path}"
    shell:
        "python scripts/link_source.py {params.source:q} --output {output:q} > {log:q} 2>&1"


rule download_source:
    output:
        "<results>/sources/{path}",
    log:
        "<results>/logs/sources/{path}.log",
    benchmark:
        "<results>/benchmarks/sources/{path}.tsv"
    wildcard_constraints:
        path=one_of(PLAN.downloads.keys() - SOURCES.checkpoint_downloads.keys()),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(500),
        runtime=minutes(1440),
        # make and the profiles allow 4 at a time.
        downloads=1,
    params:
        # Digests hold what is fetched: an edit of the code must not fetch it again.
        code=untracked(lambda wildcards: code("scripts/download_source.py")),
        upstream=untracked(lambda wildcards: SOURCES.upstream(wildcards.path)),
        lock=untracked(lambda wildcards: LOCK),
    message:
        "Downloading {wildcards.path} from {params.upstream.address}"
    shell:
        "python scripts/download_source.py --address {params.upstream.address:q} --output {output:q}"
        " --sha256={params.upstream.sha256:q} --unverified={params.upstream.unverified:q}"
        " --size={params.upstream.size} --lock {params.lock:q}"
        f"{TO_LOG_AND_TERMINAL}"


rule obtain_source:
    output:
        "<results>/sources/{path}",
    log:
        "<results>/logs/sources/{path}.log",
    benchmark:
        "<results>/benchmarks/sources/{path}.tsv"
    wildcard_constraints:
        path=one_of(PLAN.by_hand),
    # First of all: it always fails, and says what a person has to do.
    priority: 1000
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(200),
        runtime=minutes(5),
    params:
        code=code("scripts/obtain_source.py"),
        advice=untracked(lambda wildcards: PLAN.by_hand[wildcards.path]),
    message:
        "Asking for {wildcards.path}"
    shell:
        "python scripts/obtain_source.py --advice {params.advice:q}"
        f"{TO_LOG_AND_TERMINAL}"


rule unpack_source:
    input:
        "<results>/sources/{archive}",
    output:
        archives.record_of("<results>/sources/{archive}"),
    log:
        "<results>/logs/sources/{archive}.unpacked.log",
    benchmark:
        "<results>/benchmarks/sources/{archive}.unpacked.tsv"
    wildcard_constraints:
        archive=one_of(PLAN.archives),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(500),
        runtime=minutes(120),
    params:
        code=code("scripts/unpack_source.py"),
        sha256=untracked(lambda wildcards: PLAN.archives[wildcards.archive]),
    message:
        "Unpacking {wildcards.archive}"
    shell:
        "python scripts/unpack_source.py --archive {input:q} --sha256={params.sha256:q} > {log:q} 2>&1"
