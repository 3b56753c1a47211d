"""Upstream files of the run.

reads: the folder that data.root in the configuration or XLPROBE_DATA names
makes: sources/cc100/<language>.txt*, sources/ud/<folder>/<treebank>-ud-<split>.conllu*, sources/alignments/, as links
"""

import os

from xlprobe import sources as upstream
from xlprobe.splits import SPLITS, split_file

TREEBANKS = {name: facts.treebanks()[name] for name in config["treebanks"]}
ALIGNMENTS = {name: facts.alignments()[name] for name in config["alignments"]}

if config["data"]["fixture"]:
    CORPUS_SOURCES = {
        language: f"cc100/{language}.txt.xz" for language in config["languages"]
    }
    TREEBANK_SOURCES = {
        name: [f"ud/{treebank.folder}/{split_file(name, split)}" for split in SPLITS]
        for name, treebank in TREEBANKS.items()
    }
    # The configuration's check refuses alignment sets here: the fixture has none.
    ALIGNMENT_SOURCES = {}

    rule fixture:
        output:
            [folder("sources", path) for path in CORPUS_SOURCES.values()],
            [
                folder("sources", path)
                for paths in TREEBANK_SOURCES.values()
                for path in paths
            ],
        log:
            "<results>/logs/sources/fixture.log",
        benchmark:
            "<results>/benchmarks/sources/fixture.tsv"
        conda:
            "../envs/xlprobe.yaml"
        resources:
            mem_mb=mebibytes(1000),
            runtime=minutes(10),
        params:
            code=code("workflow_tests/fixture.py"),
            folder=untracked(lambda wildcards: folder("sources")),
            languages=config["languages"],
            treebanks=[
                f"{name}:{treebank.language}:{treebank.folder}"
                for name, treebank in TREEBANKS.items()
            ],
        message:
            "Generating stand-ins for the corpora and treebanks"
        shell:
            "python workflow_tests/fixture.py --output {params.folder:q} --languages {params.languages:q}"
            " --treebanks {params.treebanks:q} > {log:q} 2>&1"

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
