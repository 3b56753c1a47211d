"""Checkpoints as Hugging Face folders of one form, wherever they come from.

reads: checkpoints/<model>/<step>/training.json, pretrain/<model>/, or the checkpoints of a published suite:
       a folder, .pt files of fairseq's, repositories of the Hugging Face hub
makes: checkpoints/<model>/<step>/, weights, configuration, tokenizer, and identity.json, which later rules depend on
       tokenizer/<model>/, of a suite that fairseq saved
"""

from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE

# What every checkpoint's folder holds; those that fairseq saved have a SentencePiece model, too.
CHECKPOINT_FILES = (
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


rule checkpoint:
    input:
        record=of_run(f"{CHECKPOINT_FOLDER}training.json"),
    output:
        identity=CHECKPOINT_IDENTITY,
        files=multiext(CHECKPOINT_FOLDER, *CHECKPOINT_FILES, SENTENCEPIECE_FILE),
    log:
        "<results>/logs/checkpoints/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/checkpoints/{model}/{step}.tsv"
    wildcard_constraints:
        # None that could not be published again.
        model=runs_pretrained_without(FINAL),
    priority: 50
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(8000),
        runtime=minutes(30),
    params:
        code=code("scripts/publish_checkpoint.py"),
        siblings=untracked(siblings),
        pretraining=folder("pretrain", "{model}"),
        # The state has the one that the model was trained with; those of the first version had none.
        tokenizer=folder("tokenizer"),
        folder=folder_of("identity"),
        run=lambda wildcards: RUNS[wildcards.model].arguments,
    message:
        "Publishing {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/publish_checkpoint.py --pretraining {params.pretraining:q} --training {input.record:q}"
        " --tokenizer {params.tokenizer:q} --folder {params.folder:q} {params.run:q} {params.siblings:q}"
        f"{TO_LOG_AND_TERMINAL}"


use rule tokenizer as suite_tokenizer with:
    input:
        train=[],
        counts=[],
        model=lambda wildcards: by_content(
            user_error(SOURCES.tokenizer, wildcards.model)
        ),
    output:
        model="<results>/tokenizer/{model}/sentencepiece.bpe.model",
        dictionary="<results>/tokenizer/{model}/dict.txt",
        identity="<results>/tokenizer/{model}/tokenizer.identity.json",
        huggingface=multiext(
            "<results>/tokenizer/{model}/tokenizer", ".json", "_config.json"
        ),
    log:
        "<results>/logs/tokenizer/{model}.log",
    benchmark:
        "<results>/benchmarks/tokenizer/{model}.tsv"
    wildcard_constraints:
        model=runs_of("fairseq"),
    params:
        # The others are those of the rule above.
        given=untracked(
            lambda wildcards: [
                "--model",
                *user_error(SOURCES.tokenizer, wildcards.model),
            ]
        ),
        contents=contents(lambda wildcards: SOURCES.tokenizer(wildcards.model)),
        settings=untracked(lambda wildcards: TOKENIZER_SETTINGS),
    message:
        "Building the tokenizer of {wildcards.model}"


rule convert_checkpoint:
    input:
        state=of_run(
            lambda wildcards: by_content(
                user_error(SOURCES.checkpoint, wildcards.model, int(wildcards.step))
            )
        ),
        tokenizer=rules.suite_tokenizer.output.identity,
    output:
        identity=CHECKPOINT_IDENTITY,
        files=multiext(CHECKPOINT_FOLDER, *CHECKPOINT_FILES, SENTENCEPIECE_FILE),
    log:
        "<results>/logs/checkpoints/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/checkpoints/{model}/{step}.tsv"
    wildcard_constraints:
        model=runs_of("fairseq"),
    priority: 50
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(12000),
        runtime=minutes(30),
    params:
        code=code("scripts/convert_checkpoint.py"),
        siblings=untracked(siblings),
        tokenizer=folder_of("tokenizer"),
        folder=folder_of("identity"),
        run=lambda wildcards: RUNS[wildcards.model].arguments,
        state=untracked(
            lambda wildcards: SOURCES.checkpoint(wildcards.model, int(wildcards.step))
        ),
        contents=contents(
            lambda wildcards: SOURCES.checkpoint(wildcards.model, int(wildcards.step))
        ),
        place=untracked(
            lambda wildcards: RUNS[wildcards.model].place(
                "checkpoints", int(wildcards.step)
            )
        ),
    message:
        "Converting {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/convert_checkpoint.py --state {params.state:q} --tokenizer {params.tokenizer:q}"
        " --folder {params.folder:q} {params.run:q} --step {wildcards.step} --place {params.place:q}"
        " {params.siblings:q}"
        f"{TO_LOG_AND_TERMINAL}"


# Nodes of a cluster may have no internet.
localrules:
    fetch_repository,
    download_checkpoint,


use rule download_source as download_checkpoint with:
    output:
        # Once converted, the large files are of no more use.
        temp("<results>/sources/{path}"),
    wildcard_constraints:
        path=one_of(SOURCES.checkpoint_downloads),


rule fetch_repository:
    input:
        of_run(lambda wildcards: []),
    output:
        temp(directory("<results>/sources/models/{model}/{step}")),
    log:
        "<results>/logs/sources/models/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/sources/models/{model}/{step}.tsv"
    wildcard_constraints:
        model=one_of(name for name, run in RUNS.items() if run.is_on_hub),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(500),
        runtime=minutes(1440),
        downloads=1,
    params:
        # Digests hold what is fetched: an edit of the code must not fetch it again.
        code=untracked(lambda wildcards: code("scripts/fetch_repository.py")),
        repository=lambda wildcards: [
            "--repository",
            RUNS[wildcards.model].place("repository", int(wildcards.step)),
        ],
        revision=lambda wildcards: [
            "--revision",
            RUNS[wildcards.model].place("revision", int(wildcards.step)),
        ],
        lock=untracked(lambda wildcards: LOCK),
        key=untracked(lambda wildcards: f"models.{RUNS[wildcards.model].model}"),
    message:
        "Fetching {params.repository[1]}, revision {params.revision[1]}"
    # Warnings are said on the terminal, too.
    shell:
        "python scripts/fetch_repository.py {params.repository:q} {params.revision:q}"
        " --output {output:q} --lock {params.lock:q} --key {params.key:q}"
        f"{TO_LOG_AND_TERMINAL}"


rule adopt_checkpoint:
    input:
        of_run(
            lambda wildcards: by_content(
                user_error(SOURCES.suite_files, wildcards.model, int(wildcards.step))
            )
        ),
    output:
        identity=CHECKPOINT_IDENTITY,
        files=multiext(CHECKPOINT_FOLDER, *CHECKPOINT_FILES),
    log:
        "<results>/logs/checkpoints/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/checkpoints/{model}/{step}.tsv"
    wildcard_constraints:
        model=runs_of("huggingface"),
    priority: 50
    conda:
        "../envs/xlprobe.yaml"
    resources:
        # The size of what lies on the hub is not known before.
        mem_mb=lambda wildcards, input, attempt: attempt
        * (
            16000
            if RUNS[wildcards.model].is_on_hub
            else max(
                4000,
                3000
                + 4 * SOURCES.suite_mebibytes(wildcards.model, int(wildcards.step)),
            )
        ),
        runtime=minutes(30),
    params:
        code=code("scripts/adopt_checkpoint.py"),
        siblings=untracked(siblings),
        folder=folder_of("identity"),
        run=lambda wildcards: RUNS[wildcards.model].arguments,
        source=untracked(
            lambda wildcards: SOURCES.suite_folder(
                wildcards.model, int(wildcards.step)
            )
        ),
        contents=lambda wildcards: (
            RUNS[wildcards.model].published_at(int(wildcards.step))
            if RUNS[wildcards.model].is_on_hub
            else contents(
                lambda wildcards: SOURCES.suite_files(
                    wildcards.model, int(wildcards.step)
                )
            )(wildcards)
        ),
        place=untracked(
            lambda wildcards: RUNS[wildcards.model].published_at(int(wildcards.step))
        ),
        settings=lambda wildcards: as_arguments(
            {
                key: RUNS[wildcards.model].settings[key]
                for key in ("objective", "own_code")
            }
        ),
        # What is published is the same; what cannot be taken is said here, not after the model's last feature.
        bits=untracked(
            lambda wildcards: (
                ["--bits"] if STUDY.bits_languages(wildcards.model) else []
            )
        ),
    message:
        "Adopting {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/adopt_checkpoint.py --source {params.source:q} --folder {params.folder:q} {params.run:q}"
        " --step {wildcards.step} {params.settings} {params.bits}"
        " --place {params.place:q} {params.siblings:q}"
        f"{TO_LOG_AND_TERMINAL}"
