"""Text for pretraining.

reads: sources/cc100/<language>.txt*, or an archive of the CoNLL 2017 raw texts
makes: corpus/<language>/, cleaned train and valid text in CC100 format, and counts
       tokenizer/, SentencePiece model, fairseq's dict.txt, Hugging Face tokenizer
       binarized/<text>/, fairseq's .bin and .idx, and a manifest
       corpus/<variant>/<language>/, texts that are drawn from cleaned ones (`corpus.variants`), and counts

A text is named as its folder is: <language>, or <variant>/<language>. A text is drawn from one that is cleaned and binarised, whose
index tells the subwords of each line.
"""

TOKENIZER_SOURCE = SOURCES.tokenizer()
# A given model needs no text.
TOKENIZER_LANGUAGES = [] if TOKENIZER_SOURCE else sorted(config["languages"])
TOKENIZER_SETTINGS = SETTINGS.tokenizer.arguments()


rule clean_corpus:
    input:
        source=of_run(
            lambda wildcards: by_content(SOURCES.corpus(wildcards.language)),
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
        contents=contents(lambda wildcards: SOURCES.corpus(wildcards.language)),
        settings=SETTINGS.corpus.arguments(),
    message:
        "Cleaning the {wildcards.language} corpus"
    shell:
        "python scripts/clean_corpus.py --source {input.source:q} --language {wildcards.language:q}"
        " --train {output.train:q} --valid {output.valid:q} --counts {output.counts:q} {params.settings}"
        " > {log:q} 2>&1"


rule tokenizer:
    input:
        train=expand(rules.clean_corpus.output.train, language=TOKENIZER_LANGUAGES),
        counts=expand(rules.clean_corpus.output.counts, language=TOKENIZER_LANGUAGES),
        model=by_content(TOKENIZER_SOURCE),
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
        * (2000 + bool(input.train) * SETTINGS.tokenizer.sample_lines // 100),
        runtime=lambda wildcards, input, attempt: attempt
        * (60 + bool(input.train) * SETTINGS.tokenizer.sample_lines // 20000),
    params:
        code=code("scripts/build_tokenizer.py"),
        folder=folder_of("model"),
        given=untracked(
            lambda wildcards: (
                ["--model", *TOKENIZER_SOURCE] if TOKENIZER_SOURCE else []
            )
        ),
        contents=contents(lambda wildcards: TOKENIZER_SOURCE),
        # Of one that is trained.
        settings=(
            untracked(lambda wildcards: TOKENIZER_SETTINGS)
            if TOKENIZER_SOURCE
            else TOKENIZER_SETTINGS
        ),
    message:
        "Building the tokenizer"
    shell:
        "python scripts/build_tokenizer.py --folder {params.folder:q} {params.given:q}"
        " --train {input.train:q} --counts {input.counts:q} {params.settings} > {log:q} 2>&1"


rule binarize:
    input:
        train=of_run("<results>/corpus/{text}/train.txt.zst", text=STUDY.texts.names),
        valid="<results>/corpus/{text}/valid.txt.zst",
        model=rules.tokenizer.output.model,
    output:
        files=multiext(
            "<results>/binarized/{text}/",
            "train.bin",
            "train.idx",
            "valid.bin",
            "valid.idx",
        ),
        manifest="<results>/binarized/{text}/manifest.json",
    log:
        "<results>/logs/binarized/{text}.log",
    benchmark:
        "<results>/benchmarks/binarized/{text}.tsv"
    wildcard_constraints:
        text="[^/]+(/[^/]+)?",
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
        "Binarising the {wildcards.text} corpus"
    shell:
        "python scripts/binarize.py --train {input.train:q} --valid {input.valid:q} --model {input.model:q}"
        " --folder {params.folder:q} --manifest {output.manifest:q} --threads {threads} > {log:q} 2>&1"


rule draw_text:
    input:
        # They tell the text's digests, cleaned and binarised.
        parent=of_run(
            lambda wildcards: expand(
                [
                    "<results>/corpus/{text}/counts.json",
                    rules.binarize.output.manifest,
                ],
                text=STUDY.texts.parent_of(*wildcards),
            ),
            variant=list(STUDY.texts.variants),
            language=lambda wildcards: STUDY.texts.drawn_languages(wildcards.variant),
        ),
        smallest_of=lambda wildcards: expand(
            rules.binarize.output.manifest,
            text=STUDY.texts.compared(wildcards.variant),
        ),
        texts=lambda wildcards: ancient(
            expand(
                [
                    "<results>/corpus/{text}/{split}.txt.zst",
                    "<results>/binarized/{text}/{split}.idx",
                ],
                text=STUDY.texts.parent_of(*wildcards),
                split=["train", "valid"],
            )
        ),
        model=lambda wildcards: (
            [rules.tokenizer.output.model]
            if STUDY.texts.is_romanised(wildcards.variant)
            else []
        ),
    output:
        train="<results>/corpus/{variant}/{language}/train.txt.zst",
        valid="<results>/corpus/{variant}/{language}/valid.txt.zst",
        counts="<results>/corpus/{variant}/{language}/counts.json",
    log:
        "<results>/logs/corpus/{variant}/{language}.log",
    benchmark:
        "<results>/benchmarks/corpus/{variant}/{language}.tsv"
    wildcard_constraints:
        variant="[^/]+",
    conda:
        "../envs/xlprobe.yaml"
    resources:
        # 16 bytes a line, and 24 a document.
        mem_mb=lambda wildcards, input, attempt: attempt
        * (1500 + int(input.size_mb / 2)),
        # Japanese is romanised at 10 MB a minute.
        runtime=lambda wildcards, input, attempt: attempt
        * max(30, int(input.size_mb / 2)),
    params:
        code=code("scripts/draw_text.py"),
        settings=lambda wildcards: STUDY.texts.arguments(*wildcards),
        parent=lambda wildcards: STUDY.texts.parent_of(*wildcards),
        source=lambda wildcards: folder("corpus", STUDY.texts.parent_of(*wildcards)),
        binarized=lambda wildcards: folder(
            "binarized", STUDY.texts.parent_of(*wildcards)
        ),
        smallest_of=option("smallest_of"),
        model=option("model"),
    message:
        "Drawing the {wildcards.language} text of {wildcards.variant}"
    shell:
        "python scripts/draw_text.py --source {params.source:q} --binarized {params.binarized:q} --language {wildcards.language:q}"
        " --parent {params.parent:q} --train {output.train:q} --valid {output.valid:q} --counts {output.counts:q}"
        " {params.smallest_of:q} {params.model:q} {params.settings} > {log:q} 2>&1"
