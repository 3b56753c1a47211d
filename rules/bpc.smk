"""Bits per character: what held-out text, and parallel text, costs each checkpoint.

reads: checkpoints/<model>/<step>/, corpus/<language>/valid.txt.zst, datasets/<dataset>/ of parallel test sets
makes: bpc/<model>/<step>.h5, the bits of each line, and of held-out text those of each block where `bpc.protocol` asks for it
"""


rule bpc:
    input:
        checkpoint=of_run(
            CHECKPOINT_IDENTITY,
            model=[run for run in RUNS if STUDY.bits_languages(run)],
        ),
        # Their text is told by its digest.
        counts=lambda wildcards: expand(
            rules.clean_corpus.output.counts,
            language=STUDY.held_out_languages(wildcards.model),
        ),
        texts=lambda wildcards: ancient(
            expand(
                rules.clean_corpus.output.valid,
                language=STUDY.held_out_languages(wildcards.model),
            )
        ),
        parallel=lambda wildcards: expand(
            DATASET_IDENTITY, dataset=STUDY.parallel_sets(wildcards.model)
        ),
    output:
        "<results>/bpc/{model}/{step}.h5",
    log:
        "<results>/logs/bpc/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/bpc/{model}/{step}.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        gpu=int(SETTINGS.bpc.device != "cpu"),
        mem_mb=mebibytes(8000),
        runtime=minutes(60),
    params:
        code=code("scripts/measure_bits_per_character.py"),
        checkpoint=folder_of("checkpoint"),
        languages=lambda wildcards: [
            "--languages",
            *STUDY.held_out_languages(wildcards.model),
        ],
        parallel=lambda wildcards: expand(
            folder("datasets", "{dataset}"),
            dataset=STUDY.parallel_sets(wildcards.model),
        ),
        spaces=SETTINGS.bpc.space_arguments(),
        settings=SETTINGS.bpc.arguments(),
        blocks=lambda wildcards: STUDY.block_arguments(wildcards.model),
        tokens_per_batch=untracked(lambda wildcards: SETTINGS.bpc.tokens_per_batch),
        device=untracked(lambda wildcards: SETTINGS.bpc.device),
    message:
        "Measuring bits per character of {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/measure_bits_per_character.py --checkpoint {params.checkpoint:q} --texts {input.texts:q}"
        " {params.languages:q} --parallel {params.parallel:q} {params.spaces} {params.settings}"
        " {params.blocks} --tokens-per-batch {params.tokens_per_batch} --device {params.device} --output {output:q} > {log:q} 2>&1"
