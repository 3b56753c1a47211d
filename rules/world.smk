"""Invented languages in place of data, where the configuration has a `world`.

reads: nothing
makes: sources/, everything that the world publishes, in upstream's layouts (xlprobe.world.publication lists it)
"""

from xlprobe.world import publication

if config["world"]:

    rule world:
        output:
            [
                folder("sources", path)
                for path in publication.published_files(config["world"])
            ],
            record=WORLD,
        log:
            "<results>/logs/sources/world.log",
        benchmark:
            "<results>/benchmarks/sources/world.tsv"
        conda:
            "../envs/xlprobe.yaml"
        threads: 4
        resources:
            mem_mb=mebibytes(2000),
            runtime=minutes(30),
        params:
            code=code("scripts/generate_world.py"),
            folder=untracked(lambda wildcards: folder("sources")),
            # The record's name holds their digest.
            settings=untracked(lambda wildcards: json.dumps(config["world"])),
        message:
            "Generating a world of invented languages"
        shell:
            "python scripts/generate_world.py --settings {params.settings:q} --folder {params.folder:q}"
            " --record {output.record:q} --processes {threads} > {log:q} 2>&1"
