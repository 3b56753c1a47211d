"""Text for pretraining.

reads: sources/cc100/<language>.txt*, or an archive of the CoNLL 2017 raw texts
makes: corpus/<language>/, cleaned train and valid text in CC100 format, and counts
       tokenizer/, SentencePiece model, fairseq's dict.txt, Hugging Face tokenizer
       binarized/<language>/, fairseq's .bin and .idx, and a manifest
"""


rule clean_corpus:
    input:
        source=of_run(
            lambda wildcards: folder("sources", CORPUS_SOURCES[wildcards.language]),
            language=config["languages"],
        ),
        world=WORLD,
    output:
        train="<results>/corpus/{language}/train.txt.zst",
        valid="<results>/corpus/{language}/valid.txt.zst",
        counts="<results>/corpus/{language}/counts.json",
    log:
        "<results>/logs/corpus/{language}.log",
    benchmark:
        "<results>/benchmarks/corpus/{language}.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        # 90 bytes a document: 16 GB hold the 10^8 documents of CC100's largest corpora.
        mem_mb=lambda wildcards, input, attempt: attempt
        * min(16000, max(1000, int(input.size_mb))),
        runtime=lambda wildcards, input, attempt: attempt
        * max(10, int(input.size_mb / 100)),
    params:
        code=code("scripts/clean_corpus.py"),
        layout=config["corpus"]["source"],
        valid_fraction=config["corpus"]["valid_fraction"],
        valid_max_documents=config["corpus"]["valid_max_documents"],
        cap=(
            ["--max-bytes", config["corpus"]["max_bytes"]]
            if config["corpus"]["max_bytes"]
            else []
        ),
    message:
        "Cleaning the {wildcards.language} corpus"
    shell:
        "python scripts/clean_corpus.py --source {input.source:q} --layout {params.layout} --language {wildcards.language:q}"
        " --train {output.train:q} --valid {output.valid:q} --counts {output.counts:q}"
        " --valid-fraction {params.valid_fraction} --valid-max-documents {params.valid_max_documents}"
        " {params.cap} > {log:q} 2>&1"


rule tokenizer:
    input:
        # A given model needs no text.
        train=(
            []
            if TOKENIZER_SOURCE
            else expand(rules.clean_corpus.output.train, language=config["languages"])
        ),
        counts=(
            []
            if TOKENIZER_SOURCE
            else expand(rules.clean_corpus.output.counts, language=config["languages"])
        ),
        model=TOKENIZER_SOURCE,
    output:
        model="<results>/tokenizer/sentencepiece.bpe.model",
        dictionary="<results>/tokenizer/dict.txt",
        identity="<results>/tokenizer/tokenizer.identity.json",
        huggingface=multiext("<results>/tokenizer/tokenizer", ".json", "_config.json"),
    log:
        "<results>/logs/tokenizer.log",
    benchmark:
        "<results>/benchmarks/tokenizer.tsv"
    conda:
        "../envs/xlprobe.yaml"
    threads: 4
    resources:
        # SentencePiece holds its sample several times over; a given model is only read.
        mem_mb=lambda wildcards, input, attempt: attempt
        * (2000 + sampled_lines(input) // 100),
        runtime=lambda wildcards, input, attempt: attempt
        * (60 + sampled_lines(input) // 20000),
    params:
        code=code("scripts/build_tokenizer.py"),
        folder=folder_of("model"),
        given=lambda wildcards, input: (
            ["--model", *input.get("model")] if input.get("model") else []
        ),
        vocabulary_size=config["tokenizer"]["vocabulary_size"],
        alpha=config["tokenizer"]["alpha"],
        sample_lines=config["tokenizer"]["sample_lines"],
        character_coverage=config["tokenizer"]["character_coverage"],
        seed=config["tokenizer"]["seed"],
    message:
        "Building the tokenizer"
    shell:
        "python scripts/build_tokenizer.py --folder {params.folder:q} {params.given:q}"
        " --train {input.train:q} --counts {input.counts:q}"
        " --vocabulary-size {params.vocabulary_size} --alpha {params.alpha}"
        " --sample-lines {params.sample_lines} --character-coverage {params.character_coverage}"
        " --seed {params.seed} > {log:q} 2>&1"


rule binarize:
    input:
        train=rules.clean_corpus.output.train,
        valid=rules.clean_corpus.output.valid,
        model=rules.tokenizer.output.model,
    output:
        files=multiext(
            "<results>/binarized/{language}/",
            "train.bin",
            "train.idx",
            "valid.bin",
            "valid.idx",
        ),
        manifest="<results>/binarized/{language}/manifest.json",
    log:
        "<results>/logs/binarized/{language}.log",
    benchmark:
        "<results>/benchmarks/binarized/{language}.tsv"
    conda:
        "../envs/xlprobe.yaml"
    threads: 4
    resources:
        mem_mb=lambda wildcards, input, attempt: attempt
        * (1500 + int(input.size_mb / 10)),
        runtime=lambda wildcards, input, attempt: attempt
        * max(10, int(input.size_mb / 100)),
    params:
        code=code("scripts/binarize.py"),
        folder=folder_of("manifest"),
    message:
        "Binarising the {wildcards.language} corpus"
    shell:
        "python scripts/binarize.py --train {input.train:q} --valid {input.valid:q} --model {input.model:q}"
        " --folder {params.folder:q} --manifest {output.manifest:q} --threads {threads} > {log:q} 2>&1"
