"""Upstream files of the run, linked or downloaded; where it has a `world`, rules/world.smk makes them.

reads: the folder that data.root in the configuration or XLPROBE_DATA names, and resources/sources.tsv
makes: sources/, in upstream's layout (xlprobe.sources): links into that folder or into unpacked archives, and downloads
       sources/downloads/, archives, unpacked beside a record each

What is in sources/ already is made by no rule: a finished run needs neither its data folder nor the internet any more.
"""

from xlprobe import archives, origins, sources
from xlprobe.inference_forms import chosen_form, declared_forms
from xlprobe.splits import SPLITS, split_file

SOURCES = RESULTS / "sources"
DATA_ROOT = (
    None if config["world"] else user_error(origins.data_folder, config["data"]["root"])
)
ORIGINS = user_error(
    origins.origins, user_error(sources.needs, config), SOURCES, DATA_ROOT
)
if not config["data"]["download"]:
    user_error(origins.refuse_missing, ORIGINS, SOURCES, sources.repositories(config))
PLAN = origins.plan(ORIGINS, SOURCES, DATA_ROOT)

# By what reads them, the files in sources/.
if config["world"]:
    CORPUS_SOURCES = {
        language: f"cc100/{language}.txt.xz" for language in config["languages"]
    }
    TREEBANK_SOURCES = {
        name: [
            f"ud/{treebank.folder}/{split_file(name, split)}"
            for split in treebank.splits
        ]
        for name, treebank in TREEBANKS.items()
    }
    ALIGNMENT_SOURCES = {name: bitext.files for name, bitext in ALIGNMENTS.items()}
    INFERENCE_SOURCES = {
        language: [f"xnli/{split}-{language}.tsv" for split in SPLITS]
        for language in config["xnli"]
    }

else:
    CORPUS_SOURCES = {
        language: path for language, [path] in origins.readers(ORIGINS, "corpus")
    }
    TREEBANK_SOURCES = dict(origins.readers(ORIGINS, "treebank"))
    ALIGNMENT_SOURCES = dict(origins.readers(ORIGINS, "alignment"))
    INFERENCE_SOURCES = dict(origins.readers(ORIGINS, "xnli"))

# Of each of XNLI's files, and of all that is measured of them.
INFERENCE_FORMS = user_error(
    declared_forms,
    [path for paths in INFERENCE_SOURCES.values() for path in paths],
    ORIGINS,
    config["datasets"]["nli_files"],
)
INFERENCE_FORM = user_error(
    chosen_form,
    INFERENCE_SOURCES,
    INFERENCE_FORMS,
    config["datasets"],
)

# What the target `sources` fetches: all but what is published already, and what only a person can get.
SOURCE_FILES = {
    folder("sources", o.path)
    for o in ORIGINS
    if o.path not in PLAN.by_hand
    and not (o.need.reader[0] == "checkpoint" and published(o.need.reader[1]))
} | {
    folder("sources", "models", checkpoint)
    for repository in sources.repositories(config)
    for checkpoint in repository.checkpoints
    if not published(checkpoint)
}
CHECKPOINT_SOURCES = {
    name: folder("sources", path)
    for name, [path] in origins.readers(ORIGINS, "checkpoint")
}
SENTENCEPIECE_SOURCES = {
    name: folder("sources", path)
    for name, [path] in origins.readers(ORIGINS, "tokenizer")
}
# A model at a path is read where it lies.
TOKENIZER_SOURCE = [
    path
    for path in [SENTENCEPIECE_SOURCES.get("", config["tokenizer"]["model"])]
    if path
]


# Downloaded checkpoints that are not published yet, or not there; once published, they are deleted.
CHECKPOINT_DOWNLOADS = {
    o.path: origins.upstream_of(o.need)
    for o in ORIGINS
    if o.need.reader[0] == "checkpoint"
    and o.need.address
    and not (SOURCES / o.path).is_symlink()
    and not (published(o.need.reader[1]) and (SOURCES / o.path).exists())
}
# What files were when they were first fetched: for everyone who works with this copy, so beside the table of sources.
LOCK = Path(workflow.basedir) / "resources" / "sources.lock.tsv"


# Nodes of a cluster may have no internet.
localrules:
    link_source,
    download_source,
    download_checkpoint,
    unpack_source,
    obtain_source,


rule link_source:
    input:
        record=lambda wildcards: (
            folder("sources", archives.record_of(PLAN.members[wildcards.path][0]))
            if wildcards.path in PLAN.members
            else []
        ),
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
        source=untracked(
            lambda wildcards: (
                ["--archive", SOURCES / PLAN.members[wildcards.path][0]]
                + ["--source", PLAN.members[wildcards.path][1]]
                if wildcards.path in PLAN.members
                else ["--source", PLAN.links[wildcards.path]]
            )
        ),
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
        path=one_of(PLAN.downloads.keys() - CHECKPOINT_DOWNLOADS.keys()),
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
        upstream=untracked(
            lambda wildcards: (PLAN.downloads | CHECKPOINT_DOWNLOADS)[wildcards.path]
        ),
        lock=untracked(lambda wildcards: LOCK),
    message:
        "Downloading {wildcards.path} from {params.upstream.address}"
    shell:
        "python scripts/download_source.py --address {params.upstream.address:q} --output {output:q}"
        " --sha256={params.upstream.sha256:q} --unverified={params.upstream.unverified:q}"
        " --size={params.upstream.size} --lock {params.lock:q}"
        f"{TO_LOG_AND_TERMINAL}"


use rule download_source as download_checkpoint with:
    output:
        # Once converted, the large files are of no more use.
        temp("<results>/sources/{path}"),
    wildcard_constraints:
        path=one_of(CHECKPOINT_DOWNLOADS),


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
