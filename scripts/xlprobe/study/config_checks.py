"""What the schema cannot say of a configuration's sections: names that are known, keys that fit each other."""

import math
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import product
from typing import Any

from xlprobe.artifacts.splits import SPLITS
from xlprobe.errors import ConfigError
from xlprobe.study.catalogue import Language, are_comparable, nli_name, nli_sets
from xlprobe.study.inventory import alignments, dataset_languages, languages, probed, treebanks
from xlprobe.study.measured import (
    bits_languages,
    idle_entries,
    is_measured,
    layers_of,
    measured_datasets,
    probe_tasks,
    tasks_of,
    transferred_datasets,
)
from xlprobe.study.text_checks import check_texts
from xlprobe.suggestions import suggestion

# The release whose treebanks bear other names than later ones'.
OLD_NAMES_RELEASE = "2.1"
# What the entries of keys of `bpc` are.
BITS_KEYS = {"languages": "languages, nor of a parallel test set among its treebanks", "leave_out": "models"}
LOCAL_CODE = re.compile("q[a-t][a-z]")


def check_probes(config: dict[str, Any]) -> None:
    """What the schema cannot say: each task has a treebank to train on, and no key names another task or treebank."""
    probes = config["probes"]
    example = f"{next(iter(config['world']['languages']))}_world" if config["world"] else "en_ewt"
    for key, tasks in (("control_tasks", probes["tasks"]), ("description_lengths", probe_tasks(config)), ("leave_out", probes["tasks"])):
        if "xnli" in probes[key] and "xnli" not in tasks:
            why = {"leave_out": "its languages are those of xnli", "control_tasks": "a control task is one of word forms"}
            advice = "take it out" if key in why else "name them, or take it out"
            raise ConfigError(f"config key probes.{key}: found 'xnli', but {why.get(key, 'no language is named under xnli')}; {advice}")
        if others := sorted(set(probes[key]) - set(tasks)):
            raise ConfigError(f"config key probes.{key}: {others[0]!r} is not among probes.tasks; add it there, or take it out here")
    trained = [name for name, dataset in probed(config).items() if not dataset.test_only and tasks_of(config, name)]
    for n, name in enumerate(probes["converged_on"] or []):
        if name not in trained:
            raise ConfigError(
                f"config key probes.converged_on.{n}: found {name!r}, on which no probes are trained here; {suggestion(name, trained)}"
            )
    for task in probes["tasks"]:
        left_out = probes["leave_out"].get(task, [])
        if others := sorted(set(left_out) - set(config["treebanks"])):
            raise ConfigError(f"config key probes.leave_out.{task}: {others[0]!r} is not among treebanks; take it out")
        if all(treebanks(config)[name].test_only for name in set(config["treebanks"]) - set(left_out)):
            if left_out:
                raise ConfigError(
                    f"config key probes.leave_out.{task}: leaves out every treebank with a train set; take one out of it, or take the"
                    " task out of probes.tasks"
                )
            raise ConfigError(
                f"config key treebanks: names no treebank with a train set, so there is nothing to probe for {task}; add one"
                f" ({example}, say), or leave probes.tasks empty"
            )


def check_measurements(config: dict[str, Any]) -> None:
    """That entries name what there is, models know datasets' languages, and probes share a layer with each set they are transferred to."""
    probes_read, languages_of = probed(config), dataset_languages(config)
    names = {
        "models": [*config["models"]],
        "tasks": [*probe_tasks(config), *(["alignment"] if config["alignments"] else [])],
        "datasets": [*probes_read, *config["alignments"]],
    }
    found = {(model, task): datasets for model in names["models"] for task, datasets in measured_datasets(config, model).items()}
    for key in ("measurements", "sweeps"):
        bits = {"tasks": ["bpc"] if config["bpc"]["languages"] else [], "datasets": config["bpc"]["languages"]}
        known = names if key == "sweeps" else names | {place: names[place] + more for place, more in bits.items()}
        for n, entry in enumerate(config[key]):
            for place, there in known.items():
                if others := [name for name in entry[place] or [] if name not in there]:
                    if others[0] in bits.get(place, []):
                        raise ConfigError(
                            f"config key {key}.{n}.{place}: found {others[0]!r}, but bits per character have no layers; take it out"
                        )
                    raise ConfigError(
                        f"config key {key}.{n}.{place}: {others[0]!r} is not measured in this run; {suggestion(others[0], there)}"
                    )
    for key in ("treebanks", "alignments"):
        for n, name in enumerate(config[key]):
            _check_languages(config, f"{key}.{n}", name, [name], tasks_of(config, name), languages_of[name])
    for n, code in enumerate(config["xnli"]):
        _check_languages(config, f"xnli.{n}", code, [*nli_sets([code])], ["xnli"], {code})
    for n, code in enumerate(config["datasets"]["nli_published"]):
        _check_languages(config, f"datasets.nli_published.{n}", code, [*nli_sets([], [code])], ["xnli"], {code})
    if idle := idle_entries(config):
        raise ConfigError(
            f"config key measurements.{idle[0]}: adds nothing, since what it names is measured without it, or not at all; correct it, or"
            " take it out"
        )
    for n, sweep in enumerate(config["sweeps"]):
        fitting = (found[chosen] for chosen in product(sweep["models"] or names["models"], sweep["tasks"] or names["tasks"]))
        if not any({*datasets}.intersection(sweep["datasets"] or datasets) for datasets in fitting):
            raise ConfigError(
                f"config key sweeps.{n}: none of its tasks is measured on one of its datasets"
                f"{' of one of its models' if sweep['models'] else ''}; correct it, or take it out"
            )
    for (model, task), datasets in found.items():
        transferred = transferred_datasets(config, task)
        for target in (name for name in datasets if name in probes_read and probes_read[name].test_only):
            sources = [name for name in datasets if name in transferred and are_comparable(probes_read[name], probes_read[target])]
            if not sources:
                raise ConfigError(
                    f"config key transfer.sources: found 'parallel', but none of the datasets that {task} is probed on in {model} has a"
                    f" test set of its own language beside {target}; name one under treebanks, or set the key to all"
                )
            for source in sources:
                trained, tested = layers_of(config, model, task, source), layers_of(config, model, task, target)
                if trained and tested and not set(trained) & set(tested):
                    raise ConfigError(
                        f"config key sweeps: {task} is measured at layers {trained} on {source} and {tested} on {target}, so that no probe"
                        f" can be transferred; give the two a layer in common"
                    )


def _check_languages(
    config: dict[str, Any], key: str, name: str, datasets: list[str], tasks: Iterable[str], languages: Collection[str]
) -> None:
    """Refuse a name if all that it stands for is measured of no model, because none knows its languages."""
    asked = [*product(config["models"], tasks, datasets)]
    if asked and not any(is_measured(config, *one, languages) for one in asked):
        missing = " and ".join(sorted(languages))
        raise ConfigError(
            f"config key {key}: no model is measured on {name!r}, because none is pretrained on {missing}; add {missing} to a model's"
            f" pretrain.languages, name {datasets[0]!r} under measurements, or take it out"
        )


def check_bits(config: dict[str, Any]) -> None:
    """That bits per character are asked of languages that have text or a parallel set, and a model; and left out of models there are."""
    known_treebanks = treebanks(config)
    parallel = [known_treebanks[name].language for name in config["treebanks"] if known_treebanks[name].parallel]
    for key, known in (("languages", [*config["languages"], *parallel]), ("leave_out", [*config["models"]])):
        for n, name in enumerate(config["bpc"][key]):
            if name not in known:
                advice = suggestion(name, known) if known else "the run has none"
                raise ConfigError(f"config key bpc.{key}.{n}: {name!r} is not among the run's {BITS_KEYS[key]}; {advice}")
    for n, language in enumerate(config["bpc"]["languages"]):
        _check_languages(config, f"bpc.languages.{n}", language, [language], ["bpc"], {language})
    if config["bpc"]["protocol"] == "fairseq":
        _check_fairseqs_way(config)
    measured = probe_tasks(config) or config["alignments"]
    if config["bpc"]["languages"] and config["bpc"]["leave_out"] and not measured:
        raise ConfigError(
            f"config key bpc.leave_out: this run measures nothing else, so nothing is left for {config['bpc']['leave_out'][0]!r}; take it"
            " out of models"
        )


def _check_fairseqs_way(config: dict[str, Any]) -> None:
    """That there is held-out text, and no model that is said to be causal is measured on it."""
    if not {*config["bpc"]["languages"]} & {*config["languages"]}:
        raise ConfigError(
            "config key bpc.protocol: found 'fairseq', which takes held-out text, but no language of bpc.languages has any; set it to"
            " lines, or name languages of the run there"
        )
    for name, model in config["models"].items():
        causal = model.get("huggingface", {}).get("objective") == "causal"
        if causal and {*bits_languages(config, name)} & {*config["languages"]}:
            raise ConfigError(
                f"config key bpc.protocol: found 'fairseq', which masks subwords, but {name} is causal; set it to lines, or add {name} to"
                " bpc.leave_out"
            )


def check_world(config: dict[str, Any]) -> None:
    """That the languages of a world descend from each other without a circle, and can be said and held out."""
    world = config["world"]
    if not world:
        return
    if config["data"]["root"]:
        raise ConfigError("config key data.root: a run with a `world` reads no data; set one of the two to null")
    languages = world["languages"]
    for code, chosen in languages.items():
        key = f"config key world.languages.{code}"
        if LOCAL_CODE.fullmatch(chosen["parent"]) and chosen["parent"] not in languages:
            raise ConfigError(f"{key}.parent: there is no language {chosen['parent']!r}; {suggestion(chosen['parent'], languages)}")
        seen = [code]
        while (parent := languages[seen[-1]]["parent"]) in languages:
            if parent in seen:
                raise ConfigError(f"{key}.parent: {parent!r} is its own ancestor; name a proto-language as the parent of one of them")
            seen.append(parent)
        if namesake := next(
            (other for other in languages if other < code and languages[other]["name"].lower() == chosen["name"].lower()), None
        ):
            raise ConfigError(
                f"{key}.name: {chosen['name']!r} is also the name of {namesake}, and folders are named after languages; choose another name"
            )
        if chosen["contractions"] == "articles" and (chosen["articles"] == "none" or chosen["head_direction"] == "final"):
            raise ConfigError(
                f"{key}.contractions: here no adposition stands before an article; set articles and head_direction: initial,"
                " or set it to none"
            )
        documents = round(world["documents"] * chosen["corpus_size"])
        if code in config["languages"] and documents < (least := math.ceil(1 / config["corpus"]["valid_fraction"])):
            raise ConfigError(
                f"{key}.corpus_size: {documents} documents are too few to hold out every {least}th (corpus.valid_fraction ="
                f" {config['corpus']['valid_fraction']}); raise it, world.documents or corpus.valid_fraction"
            )


def check_names(config: dict[str, Any]) -> None:
    """That languages, treebanks and alignment sets are known, and can be had in the run's releases and forms."""

    def named() -> Iterator[tuple[str, str]]:
        yield from ((f"{key}.{n}", code) for key in ("languages", "xnli") for n, code in enumerate(config[key]))
        for name, model in config["models"].items():
            for n, code in enumerate(model.get("pretrain", {}).get("languages") or []):
                if code not in config["languages"]:
                    key = f"models.{name}.pretrain.languages.{n}"
                    raise ConfigError(f"config key {key}: {code!r} is not among the run's languages; add it there")

    known_languages, known_treebanks, known_alignments = languages(config), treebanks(config), alignments(config)
    tables = {key: "`world`" if config["world"] else f"resources/{key}.tsv" for key in ("languages", "treebanks", "alignments")}
    for key, code in named():
        if code not in known_languages:
            # XNLI calls some languages otherwise than CC100.
            same = next((known for known in known_languages if key.startswith("xnli.") and nli_name(known) == code), None)
            advice = f"did you mean {same!r}?" if same else suggestion(code, known_languages)
            raise ConfigError(f"config key {key}: unknown language {code!r} (codes are those of {tables['languages']}); {advice}")
    _check_nli(config)
    _check_corpus_source(config, known_languages)
    check_texts(config)
    for n, name in enumerate(config["treebanks"]):
        if name not in known_treebanks:
            raise ConfigError(
                f"config key treebanks.{n}: unknown treebank {name!r} (treebanks are those of {tables['treebanks']});"
                f" {suggestion(name, known_treebanks)}"
            )
        release, wanted = known_treebanks[name].release, config["data"]["ud"]
        if not config["world"] and (release or wanted == OLD_NAMES_RELEASE) and release != wanted:
            raise ConfigError(
                f"config key treebanks.{n}: {name!r} is a name of UD {release or '2.2 and later'}, but data.ud is {wanted}; change one of"
                " the two (resources/treebanks.tsv lists the names)"
            )
        if not known_treebanks[name].splits:
            raise ConfigError(f"config key datasets.splits: {name!r} has none of these splits; name another of its own, or take it out")
    for n, name in enumerate(config["alignments"]):
        if name not in known_alignments:
            swapped = re.sub(r"_([^_]+)_([^_]+)$", r"_\2_\1", name)
            advice = f"did you mean {swapped!r}?" if swapped in known_alignments else suggestion(name, known_alignments)
            raise ConfigError(
                f"config key alignments.{n}: unknown alignment set {name!r} (sets are those of {tables['alignments']}); {advice}"
            )


def _check_nli(config: dict[str, Any]) -> None:
    if config["world"] and config["xnli"] and (without := [split for split in SPLITS if not config["world"]["pairs"][split]]):
        raise ConfigError(f"config key xnli: needs pairs, but world.pairs.{without[0]} is 0; raise it, or leave xnli empty")
    chosen, known = config["datasets"], [nli_name(code) for code in config["xnli"]]
    for key in chosen["nli_files"]:
        split, _, language = key.partition("-")
        if language and language not in known:
            near = suggestion(key, [f"{split}-{name}" for name in known]) if known else "the run has none"
            raise ConfigError(f"config key datasets.nli_files.{key}: names no file of a language under xnli; {near}")
    for n, code in enumerate(chosen["nli_published"]):
        if code not in config["xnli"]:
            same = next((known for known in config["xnli"] if nli_name(known) == code), None)
            near = f"did you mean {same!r}?" if same else suggestion(code, config["xnli"]) if config["xnli"] else "the run has none"
            raise ConfigError(f"config key datasets.nli_published.{n}: {code!r} is not among the languages under xnli; {near}")
    if chosen["nli_published"] and chosen["nli_text"] == "published":
        raise ConfigError(
            "config key datasets.nli_published: adds nothing, because datasets.nli_text is published, so all sets are measured as"
            " published; take it out"
        )
    if config["world"] and (key := next((key for key in ("nli_files", "nli_published") if chosen[key]), None)):
        raise ConfigError(
            f"config key datasets.{key}: is about XNLI's published files, but a run with a `world` makes its own pairs; take it out"
        )
    if config["world"] and chosen["nli_text"] == "tokenized":
        raise ConfigError("config key datasets.nli_text: found 'tokenized', but a world's pairs are raw; set it to raw, published or null")


def _check_corpus_source(config: dict[str, Any], known_languages: dict[str, Language]) -> None:
    if config["corpus"]["source"] != "conll2017":
        return
    if config["world"]:
        raise ConfigError("config key corpus.source: found 'conll2017', but a world writes its text as CC100 does; set it to cc100")
    for n, code in enumerate(config["languages"]):
        if not known_languages[code].conll2017:
            raise ConfigError(
                f"config key languages.{n}: the CoNLL 2017 raw texts have no {known_languages[code].name} ({code}); leave it out,"
                " or set corpus.source to cc100"
            )
