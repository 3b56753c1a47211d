"""Upstream files of the run; where it has a `world`, rules/world.smk makes them.

reads: the folder that data.root in the configuration or XLPROBE_DATA names
makes: sources/cc100/<language>.txt*, sources/ud/<folder>/<treebank>-ud-<split>.conllu*, sources/alignments/, as links
"""

import os

from xlprobe import sources as upstream
from xlprobe.splits import SPLITS, split_file

if config["world"]:
    CORPUS_SOURCES = {
        language: f"cc100/{language}.txt.xz" for language in config["languages"]
    }
    TREEBANK_SOURCES = {
        name: [
            f"ud/{treebank.folder}/{split_file(name, split)}"
            for split in (SPLITS[-1:] if treebank.test_only else SPLITS)
        ]
        for name, treebank in TREEBANKS.items()
    }
    ALIGNMENT_SOURCES = {name: bitext.files for name, bitext in ALIGNMENTS.items()}

else:
    # Links made before come first: a finished run needs its data folder no more.
    DATA_ROOT = config["data"]["root"] or os.environ.get("XLPROBE_DATA")
    SOURCE_FOLDERS = [
        RESULTS / "sources",
        *([Path(DATA_ROOT).expanduser().resolve()] if DATA_ROOT else []),
    ]
    CORPUS_SOURCES = {
        language: user_error(upstream.corpus_file, language, SOURCE_FOLDERS)
        for language in config["languages"]
    }
    TREEBANK_SOURCES = {
        name: user_error(upstream.treebank_files, name, treebank.folder, SOURCE_FOLDERS)
        for name, treebank in TREEBANKS.items()
    }
    ALIGNMENT_SOURCES = {
        name: user_error(upstream.alignment_files, name, bitext.files, SOURCE_FOLDERS)
        for name, bitext in ALIGNMENTS.items()
    }

    for path in [
        *CORPUS_SOURCES.values(),
        *sum([*TREEBANK_SOURCES.values(), *ALIGNMENT_SOURCES.values()], []),
    ]:
        user_error(
            upstream.check_link, SOURCE_FOLDERS[0] / path, SOURCE_FOLDERS[-1] / path
        )

    localrules:
        link_source,

    rule link_source:
        output:
            "<results>/sources/{path}",
        log:
            "<results>/logs/sources/{path}.log",
        benchmark:
            "<results>/benchmarks/sources/{path}.tsv"
        wildcard_constraints:
            path="(cc100|ud|alignments)/.+",
        conda:
            "../envs/xlprobe.yaml"
        resources:
            mem_mb=mebibytes(200),
            runtime=minutes(5),
        params:
            code=code("scripts/link_source.py"),
            source=untracked(lambda wildcards: SOURCE_FOLDERS[-1] / wildcards.path),
        message:
            "Linking {wildcards.path}"
        shell:
            "python scripts/link_source.py --source {params.source:q} --output {output:q} > {log:q} 2>&1"
