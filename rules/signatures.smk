"""Signatures by PARAFAC2 (paper 2): what a multilingual model shares with monolingual ones, language by language.

reads: datasets/<treebank>/; features/ of the multilingual model at each step, and of the monolingual ones at their last
makes: datasets/morph_<treebank>/, words with their morphosyntactic categories
       covariances/<variant>/<step>/<language>.h5, and of all words alone all_words/<variant>/<step>/<language>.h5, deleted once fitted
       signatures/<variant>/<step>/<category>.h5, signatures by layer; signatures/<variant>/over_steps.h5, of all words over the steps
       metrics/signatures.parquet, their means, sizes and checks; figures/signatures/<variant>/<kind>.png, .pdf and .csv
"""


wildcard_constraints:
    variant="[^/]+(/seed_[0-9]+)?",
    category="[a-z_]+",


SIGNATURE_GPUS = int(bool(SETTINGS.signatures) and SETTINGS.signatures.device != "cpu")
SIGNATURES = "<results>/signatures/{variant}/"


rule morphology:
    input:
        lambda wildcards: folder(
            "datasets", STUDY.morphology[wildcards.dataset].treebank, "identity.json"
        ),
    output:
        tables=multiext(
            "<results>/datasets/{dataset}/", "sentences.parquet", "words.parquet"
        ),
        identity=DATASET_IDENTITY,
    log:
        "<results>/logs/datasets/{dataset}.log",
    benchmark:
        "<results>/benchmarks/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset=one_of(STUDY.morphology),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(4000),
        runtime=minutes(20),
    params:
        code=code("scripts/build_morphology.py"),
        treebank=lambda wildcards, input: str(Path(input[0]).parent),
        folder=folder_of("identity"),
        settings=signature_options("dataset_arguments"),
        romanise=lambda wildcards: STUDY.romanise_arguments(wildcards.dataset),
    message:
        "Finding the morphosyntactic categories of {wildcards.dataset}"
    shell:
        "python scripts/build_morphology.py --treebank {params.treebank:q} --folder {params.folder:q} --dataset {wildcards.dataset:q}"
        " {params.settings:q} {params.romanise:q} > {log:q} 2>&1"


rule covariances:
    input:
        multilingual=of_run(
            multilingual_vectors,
            step=lambda wildcards: STUDY.compared_steps(wildcards.variant),
            language=lambda wildcards: compared(wildcards).languages,
        ),
        monolingual=control_vectors,
        dataset=lambda wildcards: folder(
            "datasets",
            compared(wildcards).datasets[wildcards.language].name,
            "identity.json",
        ),
        # Of all languages, for draws of as many words as the language with the fewest has.
        smallest_of=lambda wildcards: [
            folder("datasets", found.name, "identity.json")
            for found in compared(wildcards).datasets.values()
            if STUDY.is_checked(wildcards.variant, wildcards.step)
        ],
    output:
        covariances=temp("<results>/covariances/{variant}/{step}/{language}.h5"),
        all_words=temp("<results>/all_words/{variant}/{step}/{language}.h5"),
    log:
        "<results>/logs/covariances/{variant}/{step}/{language}.log",
    benchmark:
        "<results>/benchmarks/covariances/{variant}/{step}/{language}.tsv"
    # Ahead of what makes more vectors.
    priority: 30
    conda:
        "../envs/xlprobe.yaml"
    resources:
        gpu=SIGNATURE_GPUS,
        mem_mb=covariance_memory,
        runtime=minutes(120),
    params:
        code=code("scripts/measure_covariances.py"),
        dataset=folder_of("dataset"),
        categories=STUDY.categories,
        least=signature_options("instance_arguments"),
        draws=lambda wildcards: STUDY.draw_arguments(wildcards.variant, wildcards.step),
        smallest_of=smallest_option,
        # To look for a GPU takes longer than the work where models are small.
        device=untracked(
            lambda wildcards: (
                "cuda" if SETTINGS.signatures.device == "cuda" else "cpu"
            )
        ),
    message:
        "Comparing {wildcards.language} in {wildcards.variant} at step {wildcards.step}"
    shell:
        "python scripts/measure_covariances.py --multilingual {input.multilingual:q} --monolingual {input.monolingual:q}"
        " --dataset {params.dataset:q} --categories {params.categories:q} {params.least:q} {params.draws:q} {params.smallest_of:q}"
        " --device {params.device:q} --output {output.covariances:q} --all-words-output {output.all_words:q} > {log:q} 2>&1"


rule signatures:
    input:
        of_run(
            covariances_of,
            step=lambda wildcards: STUDY.compared_steps(wildcards.variant),
        ),
    output:
        vectors=f"{SIGNATURES}{{step}}/{{category}}.h5",
        rows=f"{SIGNATURES}{{step}}/{{category}}.parquet",
    log:
        "<results>/logs/signatures/{variant}/{step}/{category}.log",
    benchmark:
        "<results>/benchmarks/signatures/{variant}/{step}/{category}.tsv"
    priority: 30
    conda:
        "../envs/xlprobe.yaml"
    threads: fit_processors
    resources:
        gpu=SIGNATURE_GPUS,
        mem_mb=fit_memory("per_layer", "over_layers"),
        runtime=fit_runtime("per_layer", "over_layers"),
    params:
        code=code("scripts/fit_signatures.py"),
        names=lambda wildcards: STUDY.comparison_arguments(wildcards.variant),
        categories=lambda wildcards: [wildcards.category],
        settings=signature_options("fit_arguments"),
        fits=signature_options("layer_fit_arguments"),
        root=lambda wildcards: folder(),
        device=untracked(lambda wildcards: SETTINGS.signatures.device),
    message:
        "Fitting signatures of {wildcards.category} in {wildcards.variant} at step {wildcards.step}"
    shell:
        "python scripts/fit_signatures.py --covariances {input:q} {params.names:q} --categories {params.categories:q} {params.settings:q}"
        " {params.fits:q} --device {params.device:q} --root {params.root:q} --outputs {output.vectors:q} --parts {output.rows:q}"
        " > {log:q} 2>&1"


if "signatures_together" in STUDY.jobs():

    ruleorder: signatures_together > signatures

    use rule signatures as signatures_together with:
        output:
            vectors=expand(
                rules.signatures.output.vectors,
                category=STUDY.categories,
                allow_missing=True,
            ),
            rows=expand(
                rules.signatures.output.rows,
                category=STUDY.categories,
                allow_missing=True,
            ),
        log:
            "<results>/logs/signatures/{variant}/{step}/categories.log",
        benchmark:
            "<results>/benchmarks/signatures/{variant}/{step}/categories.tsv"
        threads: 1
        params:
            categories=STUDY.categories,
        message:
            "Fitting signatures in {wildcards.variant} at step {wildcards.step}"


rule signatures_over_steps:
    input:
        of_run(
            lambda wildcards: expand(
                rules.covariances.output.all_words,
                step=STUDY.compared_steps(wildcards.variant),
                language=compared(wildcards).languages,
                allow_missing=True,
            ),
        ),
    output:
        vectors=f"{SIGNATURES}over_steps.h5",
        rows=f"{SIGNATURES}over_steps.parquet",
    log:
        "<results>/logs/signatures/{variant}/over_steps.log",
    benchmark:
        "<results>/benchmarks/signatures/{variant}/over_steps.tsv"
    priority: 30
    conda:
        "../envs/xlprobe.yaml"
    threads: fit_processors
    resources:
        gpu=SIGNATURE_GPUS,
        mem_mb=fit_memory("over_steps"),
        runtime=fit_runtime("over_steps"),
    params:
        code=code("scripts/fit_signatures_over_steps.py"),
        names=lambda wildcards: STUDY.comparison_arguments(wildcards.variant),
        # All files by name would be too long for a command.
        folder=folder("all_words"),
        checkpoints=lambda wildcards: checkpoint_lists.as_argument(
            (wildcards.variant, step)
            for step in STUDY.compared_steps(wildcards.variant)
        ),
        settings=signature_options("fit_arguments"),
        root=lambda wildcards: folder(),
        device=untracked(lambda wildcards: SETTINGS.signatures.device),
    message:
        "Fitting signatures over all steps in {wildcards.variant}"
    shell:
        "python scripts/fit_signatures_over_steps.py --folder {params.folder:q} --checkpoints {params.checkpoints:q} {params.names:q}"
        " {params.settings:q} --device {params.device:q} --root {params.root:q} --output {output.vectors:q} --part {output.rows:q} > {log:q} 2>&1"


rule signature_checks:
    input:
        lambda wildcards: expand(
            covariances_of(wildcards),
            step=STUDY.checked_comparisons[wildcards.variant],
            allow_missing=True,
        ),
    output:
        vectors=[
            f"{SIGNATURES}checks/{category}.h5"
            for category in STUDY.checked_categories
        ],
        rows=[
            f"{SIGNATURES}checks/{category}.parquet"
            for category in STUDY.checked_categories
        ],
    log:
        "<results>/logs/signatures/{variant}/checks.log",
    benchmark:
        "<results>/benchmarks/signatures/{variant}/checks.tsv"
    wildcard_constraints:
        variant=one_of(STUDY.checked_comparisons),
    priority: 30
    conda:
        "../envs/xlprobe.yaml"
    threads: fit_processors
    resources:
        gpu=SIGNATURE_GPUS,
        mem_mb=fit_memory("checks"),
        runtime=fit_runtime("checks"),
    params:
        code=code("scripts/check_signatures.py"),
        names=lambda wildcards: STUDY.comparison_arguments(wildcards.variant),
        settings=signature_options("fit_arguments"),
        checks=lambda wildcards: STUDY.check_arguments(wildcards.variant),
        device=untracked(lambda wildcards: SETTINGS.signatures.device),
    message:
        "Checking signatures of {wildcards.variant}"
    shell:
        "python scripts/check_signatures.py --covariances {input:q} {params.names:q} {params.settings:q} {params.checks:q}"
        " --device {params.device:q} --outputs {output.vectors:q} --parts {output.rows:q} > {log:q} 2>&1"


rule signature_table:
    input:
        signature_rows,
        over_steps=expand(
            rules.signatures_over_steps.output.rows, variant=STUDY.compared_over_steps
        ),
        checks=[
            path
            for rows in rules.signature_checks.output.rows
            for path in expand(rows, variant=STUDY.checked_comparisons)
        ],
        # No numbers of models whose text has become another one.
        trained=expand(rules.trained_text.output, model=STUDY.compared_trainings),
    output:
        "<results>/metrics/signatures.parquet",
    log:
        "<results>/logs/metrics/signatures.log",
    benchmark:
        "<results>/benchmarks/metrics/signatures.tsv"
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(2000),
        runtime=minutes(20),
    params:
        code=code("scripts/join_signatures.py"),
        steps=listed(STUDY.fitted_checkpoints, {"folder": folder("signatures")}),
        categories=STUDY.categories,
        checks=option("checks"),
        published=lambda wildcards: folder("checkpoints"),
        dropped=DROPPED_OPTION,
    message:
        "Joining signatures"
    shell:
        "python scripts/join_signatures.py {params.steps:q} --categories {params.categories:q} --parts {input.over_steps:q} {params.checks:q}"
        " --published {params.published:q} --output {output:q} {params.dropped:q} > {log:q} 2>&1"


rule signature_figure:
    input:
        tables=signature_figure_tables,
    output:
        png=report(
            "<results>/figures/signatures/{variant}/{kind}.png",
            caption="../report/signature_figure.rst",
            category="Signatures",
            subcategory="{variant}",
            labels={"figure": "{kind}"},
        ),
        pdf="<results>/figures/signatures/{variant}/{kind}.pdf",
        csv="<results>/figures/signatures/{variant}/{kind}.csv",
    log:
        "<results>/logs/figures/signatures/{variant}/{kind}.log",
    benchmark:
        "<results>/benchmarks/figures/signatures/{variant}/{kind}.tsv"
    wildcard_constraints:
        kind=one_of(signature_figure_kinds()),
    conda:
        "../envs/xlprobe.yaml"
    resources:
        mem_mb=mebibytes(1500),
        runtime=minutes(10),
    params:
        code=lambda wildcards: code(
            "scripts/draw_signatures.py",
            f"xlprobe.figures.{wildcards.kind}",
            tables=tuple(
                f"{name}.schema.yaml"
                for name in signature_figure_kinds()[wildcards.kind].reads
            ),
        ),
        languages=paper2.as_json(paper2.language_facts(STUDY)),
        # The report reads it here.
        caption=lambda wildcards: signature_figure_kinds()[wildcards.kind].caption,
    message:
        "Drawing {output.png}"
    shell:
        "python scripts/draw_signatures.py --kind {wildcards.kind} --tables {input.tables:q} --variant {wildcards.variant:q}"
        " --languages {params.languages:q} --png {output.png:q} --pdf {output.pdf:q} --csv {output.csv:q} > {log:q} 2>&1"
