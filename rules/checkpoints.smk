"""Checkpoints as Hugging Face folders.

reads: checkpoints/<model>/<step>/training.json, pretrain/<model>/, tokenizer/
makes: checkpoints/<model>/<step>/, weights, configuration, tokenizer, and identity.json, which later rules depend on
"""


rule checkpoint:
    input:
        record=rules.pretrain.output,
        tokenizer=rules.tokenizer.output.identity,
    output:
        identity="<results>/checkpoints/{model}/{step}/identity.json",
        files=multiext(
            "<results>/checkpoints/{model}/{step}/",
            "model.safetensors",
            "config.json",
            "sentencepiece.bpe.model",
            "tokenizer.json",
            "tokenizer_config.json",
        ),
    log:
        "<results>/logs/checkpoints/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/checkpoints/{model}/{step}.tsv"
    priority: 50
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(8000),
        runtime=minutes(30),
    params:
        code=code("scripts/publish_checkpoint.py"),
        pretraining=folder("pretrain", "{model}"),
        tokenizer=folder_of("tokenizer"),
        folder=folder_of("identity"),
    message:
        "Publishing {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/publish_checkpoint.py --pretraining {params.pretraining:q} --training {input.record:q}"
        " --tokenizer {params.tokenizer:q} --folder {params.folder:q} > {log:q} 2>&1"
