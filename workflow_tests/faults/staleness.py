"""Which change makes which rules' targets again: every key of the configuration, the rules that read it, and no others.

A rule is named where the change comes in; Snakemake makes what follows from it again, too.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from xlprobe.paths import SCHEMAS

# On a world, with a model from each place that checkpoints come from.
WORLD = """
experiment: judged
world:
  languages:
    qaa: {name: Arva, parent: arvic}
    qba: {name: Ketta, parent: kettic}
languages: [qaa, qba]
tokenizer: {vocabulary_size: 300}
models:
  xlmr: {steps: [0, 10, 20], pretrain: {training: {updates: 40, warmup_updates: 4}}}
  converted: {steps: [20], fairseq: {checkpoints: "suites/{step}.pt", sentencepiece: suites/xlmr.model}}
  adopted: {steps: [20], huggingface: {folder: "suites/{step}"}}
treebanks: [qaa_world, qba_world, qaa_pud, qba_pud]
alignments: [align_qaa_qba]
xnli: [qaa, qba]
bpc: {languages: [qba]}
"""
# The same measured with other protocols, each in one job, and trained twice.
TOGETHER = (
    WORLD.replace("20], pretrain", "20], seeds: [1, 2], pretrain")
    + "features: {together: true}\nprobes: {together: true, protocol: converged}\n"
)
# Vectors that are kept are probed treebank by treebank.
KEPT = TOGETHER.replace("features: {together: true}", "features: {together: true, keep: true}")
SWEPT = WORLD + "sweeps: [{tasks: [pos], datasets: [qba_world], layers: [0, 2]}]\n"
ONE_OF_TWO = WORLD.replace("pretrain: {training", "pretrain: {languages: [qba], training")
# On published data, one of which a person has to obtain, with models that are downloaded.
PUBLISHED = """
experiment: judged
languages: [en, de]
tokenizer: {vocabulary_size: 300}
models:
  xlmr: {steps: [0], pretrain: {}}
  adopted: {steps: [20], huggingface: {repository: org/name, revision: "step{step}"}}
  converted: {steps: [20], fairseq: {checkpoints: "https://example.org/{step}.pt", sentencepiece: suites/xlmr.model}}
treebanks: [en_ewt, en_pud]
alignments: [align_de_en]
xnli: [en]
datasets: {nli_text: tokenized}
"""
# XNLI in XTREME's layout, which does not say in which form its text is.
XTREME = PUBLISHED.replace("datasets: {nli_text: tokenized}", "data: {root: data}")
# Trained on text that is drawn from the cleaned; and with a language that can be romanised.
DRAWN = WORLD.replace("pretrain: {", "pretrain: {text: equal, ") + (
    "corpus: {variants: {first: {max_documents: 90}, equal: {max_sequences: 50}}}\n"
)
JAPANESE = PUBLISHED.replace("[en, de]", "[en, de, ja]").replace("pretrain: {}", "pretrain: {text: half}") + (
    "corpus: {variants: {half: {languages: [ja], share: 0.5}}}\n"
)
# With models of one language each, and signatures: of a variant whose models are one group, and of one that takes a model of another.
CONTROL = "{{one_for_each: [{codes}], control: true, steps: [20], pretrain: {{training: {{updates: 40, warmup_updates: 4}}}}}}"
SIGNED = WORLD.replace("treebanks:", f"  mono: {CONTROL.format(codes='qaa, qba')}\n  other: {CONTROL.format(codes='qba')}\ntreebanks:") + (
    "signatures: {variants: {main: {multilingual: xlmr, monolingual: [mono]}, again: {multilingual: xlmr, monolingual: [mono, other]}}}\n"
)
# All categories of a checkpoint in one job, and no checks.
SIGNED_TOGETHER = SIGNED.replace("signatures: {", "signatures: {together: true, checks: {variants: []}, ")
# One more, of what the first one compares.
SIGNED_THRICE = SIGNED.replace("other]}}", "other]}, third: {multilingual: xlmr, monolingual: [mono]}}")
STOPPED = WORLD.replace(
    "{steps: [0, 10, 20], pretrain: {training: {", "{steps: [40], pretrain: {training: {early_stopping: {validate_every: 10, patience: 2}, "
)
AUTO = object()
# What stands for any name, where the configurations above have one.
NAMES = {
    "corpus.variants.*.romanise": "corpus.variants.half.romanise",
    "corpus.variants.*": "corpus.variants.equal",
    "models.*.control": "models.mono.control",
    "models.*.one_for_each": "models.other.one_for_each",
    "models.*.fairseq": "models.converted.fairseq",
    "models.*.huggingface": "models.adopted.huggingface",
    "models.*": "models.xlmr",
    "signatures.variants.*": "signatures.variants.main",
    "world.languages.*": "world.languages.qba",
    "datasets.nli_files.*": "datasets.nli_files",
    "probes.leave_out.*": "probes.leave_out.pos",
}
# Weeks of work, checked by digest, or known by content (links): an edit of their code makes nothing again.
WITHOUT_CODE = {"pretrain", "download_source", "download_checkpoint", "fetch_repository", "link_source"}
READ_FROM_SOURCES = "clean_corpus treebank bitext nli factors"
SCORES = "checkpoint_scores baseline_scores"
# What is taken of curves, from the outcomes of all checkpoints.
CURVES = "learning asymmetry layers"
# The same of final checkpoints, where there are several models.
COMPARED = "model_comparisons"
ANALYSES = "signature_analyses language_comparisons"
FITS = "signatures signatures_over_steps signature_checks"
# What is shown of paper 1, and RESULTS.md: they are told what the study says of a model.
PAPERS = "paper_figure paper_table claims findings"
# The same of paper 2.
PAPERS2 = "paper2_figure paper2_table paper2_claims"


@dataclass(frozen=True)
class Change:
    """A key, what makes targets again when it changes, and the value that it changes to: of itself, another that the schema allows."""

    key: str
    again: str
    value: Any = AUTO
    base: str = WORLD


CHANGES = [
    # Nothing is where it was.
    Change("experiment", "", "other"),
    # Where files come from, not what they hold.
    Change("data.root", "", "moved", XTREME),
    Change("data.download", ""),
    Change("data.ud", "treebank", "2.17", PUBLISHED),
    # A world's data are new all together: Snakemake would not see that one file is as before.
    *(
        Change(key, f"world {READ_FROM_SOURCES}")
        for key in (
            "world.seed",
            *(f"world.concepts.{kind}" for kind in ("nouns", "verbs", "adjectives", "adverbs", "names")),
            "world.documents",
            *(f"world.sentences.{split}" for split in ("train", "dev", "test", "parallel")),
            *(f"world.pairs.{split}" for split in ("train", "dev", "test")),
            "world.alignment_layout",
            *(f"world.languages.*.{key}" for key in ("distance", "sound_changes", "word_order", "head_direction", "adjectives")),
            *(f"world.languages.*.{key}" for key in ("marking", "articles", "extraposed_relatives", "script")),
        )
    ),
    Change("world.languages.*.agreement", f"world {READ_FROM_SOURCES}", ["noun"]),
    Change("world.languages.*.contractions", f"world {READ_FROM_SOURCES}", "negation"),
    Change("world.languages.*.corpus_size", f"world {READ_FROM_SOURCES}", 2.0),
    # Figures show languages' names, and who is related.
    Change("world.languages.*.name", f"world {READ_FROM_SOURCES} figure {PAPERS}", "Kettu"),
    Change("world.languages.*.parent", f"world {READ_FROM_SOURCES} figure {PAPERS}", "arvic"),
    Change(
        "world.languages.*.name",
        f"world {READ_FROM_SOURCES} figure signature_figure language_comparisons {PAPERS2} {PAPERS}",
        "Kettu",
        SIGNED,
    ),
    # A language less: all that reads the text of every language, and the held-out text.
    Change("languages", f"tokenizer pretrain trained_text bpc contamination factors {PAPERS}", ["qaa"]),
    Change("corpus.source", "clean_corpus", "conll2017", PUBLISHED),
    Change("corpus.max_bytes", "clean_corpus"),
    Change("corpus.max_documents", "clean_corpus"),
    # Of texts that are drawn nothing else is made again; where none is, nothing.
    *(Change(f"corpus.{key}", "draw_text", base=DRAWN) for key in ("sequence_tokens", "valid_sequences")),
    *(Change(f"corpus.{key}", "") for key in ("sequence_tokens", "valid_sequences")),
    Change("corpus.variants.*.from", "draw_text", "first", DRAWN),
    # How much text a model has is a factor.
    Change("corpus.variants.*.languages", "pretrain trained_text factors", ["qba"], DRAWN),
    *(
        Change(f"corpus.variants.*.{key}", "draw_text", base=DRAWN.replace("max_sequences: 50", f"{key}: 1"))
        for key in ("max_sequences", "max_documents", "max_bytes")
    ),
    Change("corpus.variants.*.share", "draw_text", 0.5, DRAWN.replace("max_sequences: 50", "share: 0.25")),
    Change("corpus.variants.*.max_sequences", "draw_text", "smallest", DRAWN),
    # In place of what it draws.
    Change("corpus.variants.*.romanise", "draw_text", {"share": None, "romanise": True}, JAPANESE),
    *(Change(f"corpus.variants.*.{key}", "draw_text", base=DRAWN) for key in ("draw", "seed")),
    # The first are drawn by no seed.
    Change("corpus.variants.*.seed", "", base=DRAWN.replace("max_sequences: 50", "max_sequences: 50, draw: start")),
    Change("corpus.valid_fraction", "clean_corpus", 0.01),
    Change("corpus.valid_max_documents", "clean_corpus"),
    Change("tokenizer.model", "tokenizer", "suites/xlmr.model"),
    # One that is given, a suite's, is as it is.
    *(Change(f"tokenizer.{key}", "tokenizer") for key in ("vocabulary_size", "alpha", "sample_lines", "seed")),
    Change("tokenizer.character_coverage", "tokenizer", 0.99),
    # A checkpoint less, or trainings that have other names: the tables of all checkpoints, and of one training what all were trained on.
    # Of a single checkpoint after step 0 there are no curves, which figures could mark.
    Change("models.*.steps", f"trained_text scores audit probe_training checkpoint_table figure findings {COMPARED}", [0, 10]),
    Change("models.*.seeds", f"scores audit probe_training checkpoint_table {CURVES} {COMPARED}", [1, 2]),
    # What it is not measured on any more stands in no table.
    Change(
        "models.*.pretrain.languages",
        f"pretrain trained_text transfer checkpoint_scores checkpoint_audit checkpoint_probe_training factors {PAPERS}",
        ["qaa"],
    ),
    Change("models.*.pretrain.text", "pretrain trained_text factors", None, DRAWN),
    *(Change(f"models.*.pretrain.architecture.{key}", "pretrain") for key in ("layers", "feed_forward_size", "max_tokens")),
    Change("models.*.pretrain.architecture.hidden_size", "pretrain", 1536),
    Change("models.*.pretrain.architecture.heads", "pretrain", 6),
    *(
        Change(f"models.*.pretrain.training.{key}", "pretrain")
        for key in (
            *("updates", "alpha", "batch_size", "sample_break", "mask_probability", "masks", "learning_rate", "warmup_updates"),
            *("adam_eps", "weight_decay", "clip_norm", "dropout", "attention_dropout", "fp16", "seed"),
        )
    ),
    Change("models.*.pretrain.training.tokens_per_sample", "pretrain", 256),
    Change("models.*.pretrain.training.adam_betas", "pretrain", [0.9, 0.9]),
    # How to train, not what.
    *(
        Change(f"models.*.pretrain.execution.{key}", "")
        for key in ("device", "processes", "samples_per_process", "save_every", "keep_states")
    ),
    Change("models.*.fairseq.checkpoints", "convert_checkpoint", "suites/other.model"),
    Change("models.*.fairseq.sentencepiece", "suite_tokenizer", "suites/other.model"),
    Change("models.*.huggingface.repository", "fetch_repository adopt_checkpoint", "org/other", PUBLISHED),
    Change("models.*.huggingface.revision", "fetch_repository adopt_checkpoint", "update-{step}", PUBLISHED),
    Change("models.*.huggingface.folder", "adopt_checkpoint", "suites/other"),
    *(Change(f"models.*.huggingface.{key}", "adopt_checkpoint") for key in ("objective", "own_code")),
    *(Change(f"models.*.pretrain.training.early_stopping.{key}", "pretrain", base=STOPPED) for key in ("validate_every", "patience")),
    # A model of another language, which is compared there: the tables of all checkpoints.
    Change("models.*.one_for_each", "covariances checkpoint_table audit signature_table", ["qaa"], SIGNED),
    # Measured as other models are, at one step.
    Change("models.*.control", "scores probe_training checkpoint_audit factors findings model_comparisons", False, SIGNED),
    # A dataset less: the tables that hold it, overlap with it, and figures that say which languages there are. (Where it has been made,
    # overlap stands: test_recorded.py.) Of a language without its parallel test set no probes are transferred.
    Change(
        "treebanks",
        f"{SCORES} {CURVES} {COMPARED} transfer baselines checkpoint_audit dataset_table contamination figure",
        ["qaa_world", "qba_world", "qba_pud"],
    ),
    Change("alignments", f"{SCORES} learning layers gates {COMPARED} checkpoint_audit dataset_table contamination figure {PAPERS}", []),
    # Its probes, too: what is trained on it is transferred to the others.
    Change(
        "xnli",
        f"{SCORES} {CURVES} {COMPARED} checkpoint_probe_training checkpoint_audit dataset_table transfer baselines contamination figure",
        ["qaa"],
    ),
    Change("datasets.splits", "treebank", ["train", "test"]),
    Change("datasets.max_sentences", "treebank bitext"),
    Change("datasets.max_inference_pairs", "nli"),
    # The same text in another form; a world's own is raw.
    Change("datasets.nli_text", "nli", "published", PUBLISHED),
    Change(
        "datasets.nli_published",
        f"{SCORES} {COMPARED} checkpoint_probe_training checkpoint_audit dataset_table contamination figure",
        ["en"],
        PUBLISHED,
    ),
    Change("datasets.nli_files.*", "nli", {"train": "tokenized", "dev": "tokenized", "test": "tokenized"}, XTREME),
    *(Change(key, "treebank") for key in ("datasets.dev_fraction", "datasets.clean_forms", "arcs.negatives")),
    Change("features.layers", "features probes transfer alignment", [0, 2]),
    # Covariances are of all layers that there are, and the layers that are checked are others.
    Change("features.layers", "features probes transfer alignment covariances signature_checks", [0, 2], SIGNED),
    Change("features.keep", ""),
    # Vectors are then in a folder.
    Change("features.together", "features_together probes transfer alignment"),
    *(Change(f"features.{key}", "features") for key in ("precision", "storage")),
    *(Change(f"features.{key}", "") for key in ("tokens_per_batch", "device")),
    Change("probes.tasks", f"{SCORES} {CURVES} {COMPARED} gates checkpoint_probe_training dataset_table factors {PAPERS}", ["pos"]),
    Change("probes.leave_out.*", f"{SCORES} {CURVES} {COMPARED} checkpoint_probe_training transfer baselines dataset_table", ["qba_world"]),
    # Figures show the protocol that is chosen.
    Change("probes.protocol", f"probes figure {PAPERS}"),
    # As do signatures that are held against them.
    Change("probes.protocol", f"probes figure signature_agreement {PAPERS}", base=SIGNED),
    # Converged probes beside the others, in the same jobs: on datasets that are named, or swept.
    Change("probes.converged_on", "probes", ["qba_world"]),
    Change("probes.converged_on", "", ["qba_world"], TOGETHER),
    Change("probes.converged_on", "probes", [], SWEPT),
    *(Change(f"probes.converged.{key}", "probes", base=SWEPT) for key in ("tolerance", "iterations")),
    # Of the protocol that is not chosen nothing counts.
    Change("probes.converged.inverse_strengths", "", [1]),
    Change("probes.converged.inverse_strengths", "probes_at_once", [1], TOGETHER),
    *(Change(f"probes.converged.{key}", "") for key in ("tolerance", "iterations")),
    *(Change(f"probes.converged.{key}", "probes_at_once", base=TOGETHER) for key in ("tolerance", "iterations")),
    *(
        Change(f"probes.{key}", "probes")
        for key in ("n_seeds", "learning_rate", "batch_size", "epochs", "patience", "shared_order", "common_seeds")
    ),
    *(
        Change(f"probes.{key}", "", base=TOGETHER)
        for key in ("n_seeds", "learning_rate", "batch_size", "epochs", "patience", "shared_order", "common_seeds")
    ),
    Change("probes.together", "probes_together"),
    Change("probes.control_tasks", "probes", ["pos"]),
    Change("probes.description_lengths", "probes", ["pos"]),
    Change("probes.device", ""),
    # More of a model that is measured in one of the run's languages.
    *(
        Change(
            f"measurements.{key}",
            f"transfer checkpoint_scores checkpoint_audit checkpoint_probe_training factors {PAPERS}",
            [{key: names}],
            ONE_OF_TWO,
        )
        for key, names in {"models": ["xlmr"], "tasks": ["pos"], "datasets": ["qaa_world"]}.items()
    ),
    # Of a single layer there is nothing that figures, and claims, of layers could show.
    Change("sweeps.models", "features probes transfer alignment paper_figure claims findings", [{"models": ["xlmr"], "layers": [1]}]),
    Change("sweeps.tasks", "probes transfer", [{"tasks": ["pos"], "layers": [1]}]),
    Change("sweeps.datasets", "features probes", [{"datasets": ["qba_world"], "layers": [1]}]),
    Change("sweeps.layers", "features probes transfer alignment paper_figure claims findings", [{"layers": [1]}]),
    # What sentences earned stands; scores follow from it anew.
    *(Change(f"intervals.{key}", f"{SCORES} {CURVES} {COMPARED}") for key in ("resamples", "level")),
    Change("measures.shares", "learning", [0.5]),
    *(Change(f"measures.gate.{key}", "gates") for key in ("above_baseline", "rise", "noise", "ranks")),
    # Of the one language that has no parallel test set the probes are transferred, too; else the sources are the same.
    Change("transfer.sources", "transfer baselines", base=WORLD.replace("qaa_pud, ", "")),
    Change("transfer.sources", ""),
    Change("transfer.shared_labels", SCORES),
    Change("transfer.predictions", "transfer"),
    *(Change(f"alignment.{key}", "alignment") for key in ("method", "distortion")),
    Change("alignment.unit", "features alignment"),
    # What is compared of another model: also the list of what its words are extracted for. Papers are told that it is trained elsewhere.
    Change(
        "signatures.variants.*.multilingual",
        f"covariances checkpoint_audit signature_table {ANALYSES} {PAPERS2} findings",
        "adopted",
        SIGNED,
    ),
    Change("signatures.variants.*.monolingual", "covariances", ["mono", "other"], SIGNED_THRICE),
    Change("signatures.treebanks", "", ["qba_world", "qaa_world"], SIGNED),
    Change("signatures.treebanks", f"covariances checkpoint_audit dataset_table {ANALYSES}", ["qaa_pud", "qba_world"], SIGNED),
    # Covariances of all categories are in one file: so fits of all follow.
    Change(
        "signatures.categories",
        f"covariances signature_table language_comparisons {PAPERS2} findings",
        ["part_of_speech", "number"],
        SIGNED,
    ),
    Change(
        "signatures.categories",
        f"covariances signatures_together signature_table language_comparisons {PAPERS2} findings",
        ["part_of_speech", "number"],
        SIGNED_TOGETHER,
    ),
    Change("signatures.task_scores", "language_comparisons", "suites/xlmr.model", SIGNED),
    *(Change(f"signatures.{key}", "morphology", base=SIGNED) for key in ("units", "spaced")),
    Change("signatures.min_instances", f"covariances {PAPERS2} findings", base=SIGNED),
    *(Change(f"signatures.{key}", FITS, base=SIGNED) for key in ("rank", "iterations", "nonnegative", "solver")),
    Change("signatures.scales", FITS, ["raw"], SIGNED),
    Change("signatures.scales", "", ["standardised", "raw"], SIGNED),
    Change("signatures.fits", "", ["over_steps", "over_layers", "per_layer"], SIGNED),
    Change("signatures.fits", "signature_table", ["per_layer", "over_layers"], SIGNED),
    Change("signatures.fits", "signatures", ["per_layer", "over_steps"], SIGNED),
    Change("signatures.together", "signatures_together", base=SIGNED),
    Change("signatures.checks.variants", "covariances signature_table", ["again"], SIGNED),
    Change("signatures.checks.categories", "covariances signature_table", ["number"], SIGNED),
    Change("signatures.checks.categories", "covariances signature_checks signature_table", ["part_of_speech", "number"], SIGNED),
    Change("signatures.checks.layers", "covariances signature_checks", [1], SIGNED),
    *(Change(f"signatures.checks.{key}", "covariances", base=SIGNED) for key in ("halves", "nulls", "draws")),
    *(Change(f"signatures.checks.{key}", "signature_checks", base=SIGNED) for key in ("starts", "start_iterations")),
    Change("signatures.checks.seed", "covariances signature_checks", base=SIGNED),
    Change("signatures.device", "", base=SIGNED),
    # Held-out text of one more language is compared with what was learned from.
    Change("bpc.languages", "bpc contamination figure", ["qaa", "qba"]),
    # RESULTS.md says what is not measured of a model.
    Change("bpc.leave_out", "checkpoint_scores findings", ["adopted"]),
    Change("bpc.max_lines", "bpc contamination"),
    # Fairseq's way, all of it; of specials nothing is asked line by line.
    Change("bpc.protocol", f"bpc contamination {PAPERS}", "fairseq"),
    Change("bpc.count_special_tokens", "bpc", base=WORLD.replace("bpc: {", "bpc: {protocol: fairseq, ")),
    Change("bpc.count_special_tokens", ""),
    *(Change(f"bpc.{key}", "bpc") for key in ("mask_share", "seed", "count_spaces", "precision")),
    *(Change(f"bpc.{key}", "") for key in ("tokens_per_batch", "device")),
]


def key_paths(node: dict[str, Any] | None = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the configuration's schema that holds a value, and its rules; * stands for a name."""
    node = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf-8")) if node is None else node
    inner = dict(node.get("properties", {}))
    for others in (*node.get("patternProperties", {}).values(), node.get("additionalProperties")):
        if isinstance(others, dict):
            inner["*"] = others
    inner |= node.get("items", {}).get("properties", {})
    if not inner:
        yield ".".join(path), node
    for name, rules in inner.items():
        yield from key_paths(rules, (*path, name))


def another(rules: dict[str, Any], value: Any) -> Any:
    """Another value that the schema allows."""
    if "enum" in rules:
        return next(choice for choice in rules["enum"] if choice not in (value, None))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int) or (value is None and "integer" in rules["type"]):
        return (value or 0) + 1
    assert isinstance(value, float), f"{rules} needs a value in CHANGES"
    return value / 2 if value else 0.5


def changed(change: Change, rules: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a change, after it."""
    configuration = yaml.safe_load(change.base)
    key = change.key
    for pattern, name in NAMES.items():
        if key.startswith(pattern):
            key = key.replace(pattern, name)
            break
    *outer, last = key.split(".")
    if outer[:1] in (["measurements"], ["sweeps"]):
        return configuration | {outer[0]: change.value}
    place = configuration
    for name in outer:
        place = place.setdefault(name, {})
    if outer[:2] == ["corpus", "variants"] and isinstance(change.value, dict):
        place |= change.value
        return configuration
    place[last] = another(rules, place.get(last, rules.get("default"))) if change.value is AUTO else copy.deepcopy(change.value)
    return configuration
