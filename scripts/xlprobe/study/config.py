"""A run's configuration: checked against `schemas/config.schema.yaml`, defaults filled in, faults in one sentence."""

import copy
import hashlib
import json
import math
import re
from collections.abc import Iterator
from functools import cache, reduce
from itertools import combinations, product
from typing import Any

import yaml
from jsonschema import Draft202012Validator, TypeChecker, ValidationError
from jsonschema.validators import extend

from xlprobe.artifacts.splits import SPLITS
from xlprobe.errors import ConfigError
from xlprobe.paths import SCHEMAS
from xlprobe.study import resources
from xlprobe.study.catalogue import (
    AlignmentSet,
    InferenceSet,
    Language,
    Treebank,
    are_comparable,
    inference_name,
    inference_sets,
    world_alignment,
    world_family,
    world_treebanks,
)
from xlprobe.study.config_file import join, misread, shown
from xlprobe.study.runs import Run, check_places, kind, steps
from xlprobe.study.sweeps import layers_of, measured_datasets, probe_tasks
from xlprobe.suggestions import suggestion

TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
    "null": "null",
}
# The release whose treebanks bear other names than later ones'.
OLD_NAMES_RELEASE = "2.1"
# What the entries of keys of `bpc` are.
BITS_KEYS = {"languages": "languages, nor of a parallel test set (_pud) of its treebanks", "leave_out": "models"}
LOCAL_CODE = re.compile("q[a-t][a-z]")
# Control characters, and halves of characters.
UNFIT_FOR_NAMES = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
# Of a model; and of all models with all their seeds: each is at least as many jobs as datasets are measured.
MOST_STEPS, MOST_CHECKPOINTS = 10_000, 100_000
# Of a list, which is checked entry by entry.
MOST_ENTRIES = 10_000
# Beyond it, libraries read numbers as floats, or fail.
LARGEST_NUMBER = 2**63 - 1


@cache
def schema() -> dict[str, Any]:
    """The configuration's JSON Schema."""
    return yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf-8"))


def _is_whole_number(_: TypeChecker, value: Any) -> bool:
    """Not 3.0, which JSON Schema takes for a whole number and scripts refuse."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_unique(validator: Any, wanted: bool, instance: Any, rule: Any) -> Iterator[ValidationError]:
    """The package compares each entry with each, where they are of several types."""
    if wanted and validator.is_type(instance, "array") and len({*map(repr, instance)}) < len(instance):
        yield ValidationError("an entry twice")


Validator = extend(
    Draft202012Validator,
    {"uniqueItems": _check_unique},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole_number),
)


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """Check a configuration and return a copy with every default filled in.

    Raises:
        ConfigError: a key is unknown or missing, a value has the wrong type or cannot be used,
            or a language, treebank or alignment set is unknown; the message names the key.
    """
    _check_read(config, "")
    errors = sorted(Validator(schema()).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise ConfigError(_sentence(errors[0]))
    completed = copy.deepcopy(config)
    _fill_defaults(completed, schema())
    _check_world(completed)
    _check_names(completed)
    _check_probes(completed)
    _check_measurements(completed)
    _check_bits(completed)
    checkpoints = 0
    for name, model in completed["models"].items():
        _check_model(f"models.{name}", model, completed)
        checkpoints += len(steps(model)) * len(model["seeds"] or [None])
        if checkpoints > MOST_CHECKPOINTS:
            raise ConfigError(f"config key models: steps and seeds ask for more than {MOST_CHECKPOINTS:,} checkpoints; name fewer")
    return completed


def languages(config: dict[str, Any]) -> dict[str, Language]:
    """The languages that a run may name, by code: those of its world, or CC100's."""
    if not config["world"]:
        return resources.languages()
    invented = config["world"]["languages"]
    return {code: Language(code, chosen["name"], world_family(invented, code), chosen["script"], "") for code, chosen in invented.items()}


def treebanks(config: dict[str, Any]) -> dict[str, Treebank]:
    """The treebanks that a run may name: those of its world, or Universal Dependencies'."""
    if not config["world"]:
        return resources.treebanks()
    invented = config["world"]["languages"]
    return {treebank.treebank: treebank for code in invented for treebank in world_treebanks(code, invented[code]["name"])}


def alignments(config: dict[str, Any]) -> dict[str, AlignmentSet]:
    """The alignment sets that a run may name: those of its world, or the published ones."""
    if not config["world"]:
        return resources.alignments()
    sets = (world_alignment(*pair, config["world"]["alignment_layout"]) for pair in combinations(config["world"]["languages"], 2))
    return {bitext.name: bitext for bitext in sets}


def probed(config: dict[str, Any]) -> dict[str, Treebank | InferenceSet]:
    """The datasets of a completed configuration that probes are trained or tested on, by name."""
    known = treebanks(config)
    return {name: known[name] for name in config["treebanks"]} | inference_sets(config["xnli"], config["datasets"]["nli_published"])


def dataset_languages(config: dict[str, Any]) -> dict[str, set[str]]:
    """The languages that each dataset of a completed configuration is in: of a bitext both."""
    known = alignments(config)
    return {name: {dataset.language} for name, dataset in probed(config).items()} | {
        name: {known[name].source, known[name].target} for name in config["alignments"]
    }


def digest(settings: dict[str, Any]) -> str:
    """A short name for some settings: equal settings, equal names."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def model_languages(config: dict[str, Any], run: Run) -> list[str]:
    """The languages that a run of a completed configuration is pretrained on, sorted."""
    return sorted(run.settings["languages"] or config["languages"])


def _check_probes(config: dict[str, Any]) -> None:
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
    for task in probes["tasks"]:
        left_out = probes["leave_out"].get(task, [])
        if others := sorted(set(left_out) - set(config["treebanks"])):
            raise ConfigError(f"config key probes.leave_out.{task}: {others[0]!r} is not among treebanks; take it out")
        if all(treebanks(config)[name].test_only for name in set(config["treebanks"]) - set(left_out)):
            if left_out:
                raise ConfigError(f"config key probes.leave_out.{task}: leaves no treebank with a train set; take one out, or the task")
            raise ConfigError(
                f"config key treebanks: names no treebank with a train set, so there is nothing to probe for {task}; add one"
                f" ({example}, say), or leave probes.tasks empty"
            )


def _check_measurements(config: dict[str, Any]) -> None:
    """That entries name what there is, and that probes share a layer with each set that they are transferred to."""
    probes_read, languages_of = probed(config), dataset_languages(config)
    names = {
        "models": [*config["models"]],
        "tasks": [*probe_tasks(config), *(["alignment"] if config["alignments"] else [])],
        "datasets": [*probes_read, *config["alignments"]],
    }
    found = {chosen: measured_datasets(config, *chosen, languages_of) for chosen in product(names["models"], names["tasks"])}
    for key in ("measurements", "sweeps"):
        bits = bool(config["bpc"]["languages"]) and key == "measurements"
        known = names | {"tasks": names["tasks"] + ["bpc"] * bits, "datasets": names["datasets"] + config["bpc"]["languages"] * bits}
        for n, entry in enumerate(config[key]):
            for place, there in known.items():
                if others := [name for name in entry[place] or [] if name not in there]:
                    raise ConfigError(
                        f"config key {key}.{n}.{place}: {others[0]!r} is not measured in this run; {suggestion(others[0], there)}"
                    )
    for n, sweep in enumerate(config["sweeps"]):
        fitting = (found[chosen] for chosen in product(sweep["models"] or names["models"], sweep["tasks"] or names["tasks"]))
        if not any({*datasets}.intersection(sweep["datasets"] or datasets) for datasets in fitting):
            raise ConfigError(
                f"config key sweeps.{n}: none of its tasks is measured on one of its datasets"
                f"{' of one of its models' if sweep['models'] else ''}; correct it, or take it out"
            )
    for (model, task), datasets in found.items():
        sources = [name for name in datasets if name in probes_read and not probes_read[name].test_only]
        targets = [name for name in datasets if name in probes_read and probes_read[name].test_only]
        for source, target in product(sources, targets):
            trained, tested = layers_of(config, model, task, source), layers_of(config, model, task, target)
            if not are_comparable(probes_read[source], probes_read[target]):
                continue
            if trained and tested and not set(trained) & set(tested):
                raise ConfigError(
                    f"config key sweeps: {task} is measured at layers {trained} on {source} and {tested} on {target}, so that no probe"
                    f" can be transferred; give the two a layer in common"
                )


def _check_bits(config: dict[str, Any]) -> None:
    """That bits per character are asked of languages that have text or a parallel set here, and left out of models that there are."""
    parallel = [treebanks(config)[name].language for name in config["treebanks"] if name.endswith("_pud")]
    for key, known in (("languages", [*config["languages"], *parallel]), ("leave_out", [*config["models"]])):
        for n, name in enumerate(config["bpc"][key]):
            if name not in known:
                advice = suggestion(name, known) if known else "the run has none"
                raise ConfigError(f"config key bpc.{key}.{n}: {name!r} is not among the run's {BITS_KEYS[key]}; {advice}")
    measured = probe_tasks(config) or config["alignments"]
    if config["bpc"]["languages"] and config["bpc"]["leave_out"] and not measured:
        raise ConfigError(
            f"config key bpc.leave_out: nothing else is measured of {config['bpc']['leave_out'][0]!r} in this run; take it out of models"
        )


def _check_read(value: Any, key: str) -> None:
    """Refuse what no key may hold, wherever it stands: names that YAML reads as something else, text and numbers that nothing takes."""
    if isinstance(value, dict):
        for name, child in value.items():
            if not isinstance(name, str):
                raise ConfigError(f"config key {join(key, shown(name))}: {misread(name) or 'it is no text'}; put the name in quotes")
            _check_read(name, key)
            _check_read(child, join(key, name))
    elif isinstance(value, list):
        if len(value) > MOST_ENTRIES:
            raise ConfigError(f"config key {key}: holds {len(value):,} entries, more than {MOST_ENTRIES:,}; name fewer")
        for place, child in enumerate(value):
            _check_read(child, join(key, str(place)))
    elif isinstance(value, str) and (unfit := UNFIT_FOR_NAMES.search(value)):
        raise ConfigError(
            f"config key {key or '(top)'}: found {shown(value)}, which holds the character U+{ord(unfit[0]):04X}; take it out"
        )
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"config key {key}: found {value}, which no key takes; write a finite one, or text in quotes")
    elif isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise ConfigError(f"config key {key}: found a number above 2^63; write a smaller one, or text in quotes")


def _fill_defaults(value: Any, rule: dict[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    for key, property_rule in rule.get("properties", {}).items():
        if "default" in property_rule:
            value.setdefault(key, copy.deepcopy(property_rule["default"]))
        if key in value:
            value[key] = _as_number(value[key], property_rule)
            _fill_defaults(value[key], property_rule)
    for pattern_rule in rule.get("patternProperties", {}).values():
        for child in value.values():
            _fill_defaults(child, pattern_rule)
    for key, property_rule in rule.get("properties", {}).items():
        for entry in value[key] if isinstance(value.get(key), list) else []:
            _fill_defaults(entry, property_rule.get("items", {}))


def _as_number(value: Any, rule: dict[str, Any]) -> Any:
    """A number as a float, so that 1 and 1.0 are one setting; lists entry by entry."""
    if isinstance(value, list):
        return [_as_number(entry, rule.get("items", {})) for entry in value]
    is_number = "number" in rule.get("type", ()) and isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number else value


def _sentence(error: Any) -> str:
    """One sentence for a schema fault: key, what was found, what to do."""
    key, instance = reduce(join, map(str, error.absolute_path), ""), error.instance
    if error.validator == "anyOf" and (isinstance(instance, dict) or _is_whole_number(TypeChecker(), instance)):
        # The alternative that is a group of keys, or a number, says more than that none fits.
        return _sentence(next(below for below in error.context if below.schema_path[0] == isinstance(instance, dict)))
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        patterns = error.schema.get("patternProperties", {})
        unknown = next(name for name in instance if name not in known and not any(re.search(p, name) for p in patterns))
        if patterns:
            return f"config key {join(key, unknown)}: {error.schema['$comment']}"
        return f"config key {join(key, unknown)}: unknown; {suggestion(unknown, known)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in instance)
        return f"config key {join(key, missing)}: missing; it has no default"
    found = f"config key {key or '(top)'}: found {shown(instance)}"
    if error.validator == "type":
        types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
        expected = " or ".join(TYPE_NAMES[name] for name in types)
        return f"{found}, expected {expected}{_yaml_advice(instance, types)}"
    if error.validator == "enum" and key.startswith("probes.tasks") and instance == "xnli":
        return f"config key {key}: found 'xnli', which is no task on treebanks; name its languages under xnli"
    if error.validator == "enum":
        values = ("null" if value is None else str(value) for value in error.validator_value)
        return f"{found}, expected one of {', '.join(values)}"
    if error.validator == "pattern":
        return f"{found}, expected {error.schema['$comment']}"
    if error.validator in ("minItems", "minProperties") and error.validator_value == 1:
        return f"config key {key}: is empty; name at least one"
    if error.validator in ("minItems", "maxItems"):
        most = "least" if error.validator == "minItems" else "most"
        return f"config key {key}: holds {len(instance)} entries, expected at {most} {error.validator_value}"
    if error.validator == "uniqueItems":
        twice = next(entry for place, entry in enumerate(instance) if entry in instance[:place])
        return f"config key {key}: names {shown(twice)} twice; keep one of the two"
    if error.validator == "anyOf":
        return f"{found}, expected a step (a whole number) or {{from, to, every}}{_yaml_advice(instance, ['integer'])}"
    return f"config key {key}: {error.message}"


def _yaml_advice(value: Any, types: list[str]) -> str:
    """What to write where YAML has read something else than was meant."""
    if "string" in types and (read := misread(value)):
        return f"; {read}: {'write text, in quotes where it is such a word' if value is None else 'put it in quotes'}"
    if value is None and "object" in types:
        return "; give keys below it, or take it out"
    if "array" in types and isinstance(value, str) and re.fullmatch(r"[\w-]+", value):
        return f"; write [{value}]"
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return f"; write {value:.0f}"
    if isinstance(value, str) and "boolean" in types and value.lower() in ("true", "false"):
        return f"; write {value.lower()}, without quotes"
    if isinstance(value, str) and {"number", "integer"} & {*types}:
        if re.fullmatch(r"[0-9]{1,20}(\.[0-9]{0,20})?[eE][-+]?[0-9]{1,3}", value) and math.isfinite(float(value)):
            return f"; YAML reads {value} as text: write {_number(float(value))}"
        if re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", value):
            return f"; write {_number(float(value))}, without quotes"
    return ""


def _number(value: float) -> str:
    """A number as YAML reads it again: 1e-07 is text to it.

    >>> _number(8e3), _number(0.0003), _number(1e-7)
    ('8000', '0.0003', '1.0e-07')
    """
    return str(int(value)) if value.is_integer() and value < LARGEST_NUMBER else yaml.safe_dump(value).split()[0]


def _check_world(config: dict[str, Any]) -> None:
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
                raise ConfigError(f"{key}.parent: {parent!r} is its own ancestor; name a proto-language somewhere")
            seen.append(parent)
        if namesake := next(
            (other for other in languages if other < code and languages[other]["name"].lower() == chosen["name"].lower()), None
        ):
            raise ConfigError(f"{key}.name: {chosen['name']!r} is {namesake}'s name, too; names are folders, give another")
        if chosen["contractions"] == "articles" and (chosen["articles"] == "none" or chosen["head_direction"] == "final"):
            raise ConfigError(
                f"{key}.contractions: no adposition stands before an article here; needs articles, and head_direction: initial"
            )
        documents = round(world["documents"] * chosen["corpus_size"])
        if code in config["languages"] and documents < (least := math.ceil(1 / config["corpus"]["valid_fraction"])):
            raise ConfigError(
                f"{key}.corpus_size: {documents} documents are too few to hold out every {least}th (corpus.valid_fraction ="
                f" {config['corpus']['valid_fraction']}); raise it, world.documents or corpus.valid_fraction"
            )


def _check_names(config: dict[str, Any]) -> None:
    def named() -> Iterator[tuple[str, str]]:
        yield from ((f"{key}.{n}", code) for key in ("languages", "xnli") for n, code in enumerate(config[key]))
        for name, model in config["models"].items():
            for n, code in enumerate(model.get("pretrain", {}).get("languages") or []):
                if code not in config["languages"]:
                    key = f"models.{name}.pretrain.languages.{n}"
                    raise ConfigError(f"config key {key}: {code!r} is not among the run's languages; add it there")

    known_languages, known_treebanks, known_alignments = languages(config), treebanks(config), alignments(config)
    codes = "those of `world`" if config["world"] else "those of resources/languages.tsv, CC100's"
    tables = {
        key: "config key world.languages" if config["world"] else f"resources/{key}.tsv" for key in ("languages", "treebanks", "alignments")
    }
    for key, code in named():
        if code not in known_languages:
            # XNLI calls some languages otherwise than CC100.
            same = next((known for known in known_languages if key.startswith("xnli.") and inference_name(known) == code), None)
            advice = f"did you mean {same!r}?" if same else suggestion(code, known_languages, tables["languages"])
            raise ConfigError(f"config key {key}: unknown language {code!r} (codes are {codes}); {advice}")
    _check_inference(config)
    _check_corpus_source(config, known_languages)
    for n, name in enumerate(config["treebanks"]):
        if name not in known_treebanks:
            raise ConfigError(
                f"config key treebanks.{n}: unknown treebank {name!r}; {suggestion(name, known_treebanks, tables['treebanks'])}"
            )
        release, wanted = known_treebanks[name].release, config["data"]["ud"]
        if not config["world"] and (release or wanted == OLD_NAMES_RELEASE) and release != wanted:
            raise ConfigError(
                f"config key treebanks.{n}: {name!r} is named as in UD {release or '2.2 and later'}, but data.ud is {wanted}; take the two"
                " from one release (resources/treebanks.tsv)"
            )
    for n, name in enumerate(config["alignments"]):
        if name not in known_alignments:
            swapped = re.sub(r"_([^_]+)_([^_]+)$", r"_\2_\1", name)
            advice = (
                f"did you mean {swapped!r}?" if swapped in known_alignments else suggestion(name, known_alignments, tables["alignments"])
            )
            raise ConfigError(f"config key alignments.{n}: unknown alignment set {name!r}; {advice}")


def _check_inference(config: dict[str, Any]) -> None:
    if config["world"] and config["xnli"] and (without := [split for split in SPLITS if not config["world"]["pairs"][split]]):
        raise ConfigError(f"config key xnli: needs pairs, but world.pairs.{without[0]} is 0; raise it, or leave xnli empty")
    chosen, known = config["datasets"], [inference_name(code) for code in config["xnli"]]
    for key in chosen["nli_files"]:
        split, _, language = key.partition("-")
        if language and language not in known:
            near = suggestion(key, [f"{split}-{name}" for name in known]) if known else "the run has none"
            raise ConfigError(f"config key datasets.nli_files.{key}: is no file of the languages under xnli; {near}")
    for n, code in enumerate(chosen["nli_published"]):
        if code not in config["xnli"]:
            same = next((known for known in config["xnli"] if inference_name(known) == code), None)
            near = f"did you mean {same!r}?" if same else suggestion(code, config["xnli"]) if config["xnli"] else "the run has none"
            raise ConfigError(f"config key datasets.nli_published.{n}: {code!r} is not among the languages under xnli; {near}")
    if chosen["nli_published"] and chosen["nli_text"] == "published":
        raise ConfigError("config key datasets.nli_published: all sets are as published, since datasets.nli_text is; take it out")
    if config["world"] and (key := next((key for key in ("nli_files", "nli_published") if chosen[key]), None)):
        raise ConfigError(f"config key datasets.{key}: a world writes its pairs itself, raw; take it out")
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


def _check_model(key: str, model: dict[str, Any], config: dict[str, Any]) -> None:
    named = [entry for entry in model["steps"] if isinstance(entry, dict)]
    wanted = len(model["steps"]) - len(named) + sum(len(range(entry["from"], entry["to"] + 1, entry["every"])) for entry in named)
    if wanted > MOST_STEPS:
        raise ConfigError(f"config key {key}.steps: asks for {wanted:,} steps, more than {MOST_STEPS:,}; raise `every`, or name fewer")
    schedule = steps(model)
    if not schedule:
        raise ConfigError(f"config key {key}.steps: no step lies in the ranges given")
    section = kind(key, model)
    if section == "huggingface" and (model[section]["repository"] is None) == (model[section]["folder"] is None):
        raise ConfigError(f"config key {key}.huggingface: give one of repository (on the hub) and folder (on this machine)")
    if section == "huggingface" and model[section]["folder"] and model[section]["revision"] != "main":
        raise ConfigError(f"config key {key}.huggingface.revision: folders have none; write {{step}} in folder")
    if section == "huggingface" and not re.fullmatch(r"[^/:]+/[^/:]+", model[section]["repository"] or "a/b"):
        found = model[section]["repository"]
        raise ConfigError(f"config key {key}.huggingface.repository: found {found!r}, expected organisation/name as the hub has it")
    check_places(key, model)
    if section == "pretrain":
        _check_pretraining(key, model[section], schedule[-1], config)


def _check_pretraining(key: str, pretrain: dict[str, Any], last_step: int, config: dict[str, Any]) -> None:
    architecture, training, execution = pretrain["architecture"], pretrain["training"], pretrain["execution"]
    if not config["languages"]:
        raise ConfigError(f"config key languages: is empty, but {key} is to be pretrained; name its corpora")
    if last_step > training["updates"]:
        raise ConfigError(
            f"config key {key}.steps: step {last_step} lies beyond {key}.pretrain.training.updates = {training['updates']};"
            " lower it or lengthen the training"
        )
    model = key.partition(".")[2]
    asked = {"features": config["features"]}
    asked |= {f"sweeps.{n}": sweep for n, sweep in enumerate(config["sweeps"]) if model in (sweep["models"] or [model])}
    for section, settings in asked.items():
        if (highest := max(settings["layers"] or [0])) > architecture["layers"]:
            raise ConfigError(
                f"config key {section}.layers: layer {highest} is asked for, but {key} has layers 0 to {architecture['layers']}"
            )
    if architecture["hidden_size"] % architecture["heads"]:
        raise ConfigError(
            f"config key {key}.pretrain.architecture.heads: {architecture['heads']} heads do not divide"
            f" hidden_size = {architecture['hidden_size']}"
        )
    if training["tokens_per_sample"] > architecture["max_tokens"]:
        raise ConfigError(
            f"config key {key}.pretrain.training.tokens_per_sample: {training['tokens_per_sample']} tokens do not fit"
            f" architecture.max_tokens = {architecture['max_tokens']}"
        )
    if training["batch_size"] % (execution["processes"] * (execution["samples_per_process"] or 1)):
        raise ConfigError(
            f"config key {key}.pretrain.training.batch_size: {training['batch_size']} samples cannot be shared by"
            f" {execution['processes']} processes x samples_per_process = {execution['samples_per_process'] or 1}"
        )
    if training["warmup_updates"] > training["updates"]:
        raise ConfigError(
            f"config key {key}.pretrain.training.warmup_updates: {training['warmup_updates']} is more than"
            f" training.updates = {training['updates']}"
        )
    if training["fp16"] and execution["device"] == "cpu":
        raise ConfigError(f"config key {key}.pretrain.training.fp16: fairseq has no fp16 training on the CPU; set it to false")
