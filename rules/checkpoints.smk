"""Checkpoints as Hugging Face folders.

reads: checkpoints/<model>/<step>/training.json, pretrain/<model>/, tokenizer/
makes: checkpoints/<model>/<step>/, weights, configuration, tokenizer, and identity.json, which later rules depend on
"""


rule checkpoint:
    input:
        training=rules.pretrain.output,
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
    params:
        code=code("scripts/publish_checkpoint.py"),
        pretraining=folder("pretrain", "{model}"),
        tokenizer=folder("tokenizer"),
        folder=folder("checkpoints", "{model}", "{step}"),
    log:
        "<results>/logs/checkpoints/{model}/{step}.log",
    benchmark:
        "<results>/benchmarks/checkpoints/{model}/{step}.tsv"
    conda:
        "../envs/xlprobe.yaml"
    priority: 50
    resources:
        mem_mb=mebibytes(8000),
        runtime=minutes(30),
    message:
        "Publishing {wildcards.model} at step {wildcards.step}"
    shell:
        "python scripts/publish_checkpoint.py --pretraining {params.pretraining:q} --training {input.training:q}"
        " --tokenizer {params.tokenizer:q} --folder {params.folder:q} > {log:q} 2>&1"
