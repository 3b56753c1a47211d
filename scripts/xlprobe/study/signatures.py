"""What signatures a run takes: which multilingual model is compared with which monolingual ones, on which words.

Paper 2 (Zhao et al. 2023) calls the first the experimental model, E, and the others the control models, C_l.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.artifacts.checkpoint_names import run_name
from xlprobe.artifacts.dataset_kinds import MORPHOLOGY
from xlprobe.errors import ConfigError
from xlprobe.study.inventory import treebanks
from xlprobe.study.runs import Run, steps
from xlprobe.study.texts import Texts
from xlprobe.suggestions import suggestion

PREFIX, ROMANISED = "morph_", "_romanised"


@dataclass(frozen=True)
class MorphologySet:
    """The words of a treebank with their morphosyntactic categories: its name (`morph_en_ewt`), the treebank, the language's CC100 code.

    `romanised` tells one whose words are written in Latin letters (`morph_ja_gsd_romanised`).
    """

    kind: ClassVar[str] = MORPHOLOGY
    parallel: ClassVar[None] = None
    test_only: ClassVar[bool] = True
    treebank: str
    language: str
    romanised: bool

    @property
    def name(self) -> str:
        """Its name among datasets."""
        return f"{PREFIX}{self.treebank}{ROMANISED if self.romanised else ''}"

    @property
    def languages(self) -> tuple[str, ...]:
        """The CC100 codes of its languages."""
        return (self.language,)


@dataclass(frozen=True)
class SignatureVariant:
    """A variant of the signatures, of one training of its multilingual model.

    Attributes:
        variant: its name in the configuration.
        seed: the training seed of the multilingual model; None where the configuration names no seeds.
        multilingual: the training run that is compared.
        monolingual: by language, the training runs that it is compared with, at their last step.
        datasets: by language, the words that are compared.
    """

    variant: str
    seed: int | None
    multilingual: str
    monolingual: Mapping[str, str]
    datasets: Mapping[str, MorphologySet]

    @property
    def name(self) -> str:
        """How paths name it: `main`, or `main/seed_3`."""
        return run_name(self.variant, self.seed)

    @property
    def languages(self) -> list[str]:
        """Its languages, sorted: the order of the matrices that are fitted."""
        return sorted(self.monolingual)


def comparisons(config: dict[str, Any], runs: Mapping[str, Run]) -> dict[str, SignatureVariant]:
    """The comparisons of a completed configuration, by the name that paths give them.

    Args:
        runs: its training runs.
    """
    found = {}
    words = compared_treebanks(config)
    for variant, chosen in (config["signatures"] or {"variants": {}})["variants"].items():
        monolingual = {_language(config, model): _first_run(runs, model) for model in chosen["monolingual"]}
        for run in (run for run in runs.values() if run.model == chosen["multilingual"]):
            datasets = {
                code: MorphologySet(words[code], code, is_romanised(config, runs[control].model, code))
                for code, control in monolingual.items()
            }
            found[run_name(variant, run.seed)] = SignatureVariant(variant, run.seed, run.name, monolingual, datasets)
    return found


def compared_treebanks(config: dict[str, Any]) -> dict[str, str]:
    """The treebank whose words are compared, by language."""
    known = treebanks(config)
    chosen = (config["signatures"] or {"treebanks": []})["treebanks"]
    names = [name for name in config["treebanks"] if not known[name].parallel] if chosen is None else chosen
    # Of two of a language the first.
    return {known[name].language: name for name in reversed(names)}


def categories(config: dict[str, Any]) -> list[str]:
    """The categories that signatures are taken of, in the order of paper 2's Table 3."""
    chosen = config["signatures"]["categories"]
    return [name for name in CATEGORIES if chosen is None or name in chosen]


def checked(config: dict[str, Any]) -> list[str]:
    """The variants whose signatures are checked."""
    section = config["signatures"]
    if section is None:
        return []
    chosen = section["checks"]["variants"]
    return [*section["variants"]][:1] if chosen is None else chosen


def check_signatures(config: dict[str, Any]) -> None:
    """That variants name models that can be compared, in languages with a treebank, and nothing is asked that is not there.

    Raises:
        ConfigError: the sentence names the key.
    """
    section = config["signatures"]
    if section is None:
        if control := next((name for name, model in config["models"].items() if model["control"]), None):
            raise ConfigError(
                f"config key models.{control}.control: control models are compared by signatures alone, and there are none; give"
                " signatures, or take it out"
            )
        return
    _check_treebanks(config, section)
    words = compared_treebanks(config)
    used = set[str]()
    for name, variant in section["variants"].items():
        key = f"config key signatures.variants.{name}"
        _check_known(f"{key}.multilingual", variant["multilingual"], config["models"])
        for place, model in enumerate(variant["monolingual"]):
            _check_known(f"{key}.monolingual.{place}", model, config["models"])
            pretrain = config["models"][model].get("pretrain", {"languages": None})
            trained = pretrain["languages"] or config["languages"]
            if "pretrain" not in config["models"][model] or len(trained) != 1:
                raise ConfigError(
                    f"{key}.monolingual.{place}: {model!r} is no model that is pretrained here on one language; name one that is, or one"
                    " with one_for_each"
                )
            if trained[0] not in words:
                raise ConfigError(
                    f"{key}.monolingual.{place}: {model!r} is of {trained[0]}, of which no treebank is compared; name one under treebanks"
                    + (" and signatures.treebanks" if section["treebanks"] else "")
                    + ", or take the model out"
                )
        compared = {_language(config, model): model for model in variant["monolingual"]}
        if len(compared) < 2:
            raise ConfigError(f"{key}.monolingual: names models of one language; signatures compare languages, so name two at least")
        used |= {variant["multilingual"], *compared.values()}
        _check_texts(config, key, variant["multilingual"], compared)
        _check_rank(config, [variant["multilingual"], *compared.values()])
    for name, model in config["models"].items():
        if model["control"] and name not in used:
            raise ConfigError(f"config key models.{name}.control: no variant of signatures compares with it; name it there, or take it out")
        if model["control"] and len(steps(model)) > 1:
            raise ConfigError(f"config key models.{name}.steps: a control model is compared at one step; name one")
    _check_wishes(config, section)
    _check_layers(config, section["checks"]["layers"] or [])


def _check_treebanks(config: dict[str, Any], section: Mapping[str, Any]) -> None:
    known, seen = treebanks(config), dict[str, str]()
    for place, name in enumerate(section["treebanks"] or []):
        key = f"config key signatures.treebanks.{place}"
        if name not in config["treebanks"]:
            raise ConfigError(f"{key}: {name!r} is not among treebanks; {suggestion(name, config['treebanks'])}")
        if other := seen.setdefault(known[name].language, name) * (seen[known[name].language] != name):
            raise ConfigError(f"{key}: {name!r} is a second treebank of {known[name].language} beside {other!r}; keep one of the two")


def _check_known(key: str, name: str, models: Mapping[str, Any]) -> None:
    if name not in models:
        raise ConfigError(f"{key}: {name!r} is not among models; {suggestion(name, models)}")


def _check_texts(config: dict[str, Any], key: str, multilingual: str, compared: Mapping[str, str]) -> None:
    """That a multilingual model that is pretrained here knows each language, from the text that its control model has."""
    texts = Texts(config)
    pretrain = config["models"][multilingual].get("pretrain")
    for code, control in compared.items() if pretrain else ():
        if code not in (pretrain["languages"] or config["languages"]):
            raise ConfigError(
                f"{key}.multilingual: {multilingual!r} is not pretrained on {code}, which {control!r} is of; add it to its languages, or"
                " take that model out"
            )
        of_both = [texts.text_of(config["models"][name]["pretrain"]["text"], code) for name in (multilingual, control)]
        if of_both[0] != of_both[1]:
            raise ConfigError(
                f"{key}: {multilingual!r} is pretrained on the text {of_both[0]} and {control!r} on {of_both[1]}, but what is compared has"
                " to be of the same data; give both the same pretrain.text"
            )


def _check_rank(config: dict[str, Any], names: Sequence[str]) -> None:
    """That models which are pretrained here have as many dimensions as there are to be components."""
    rank = config["signatures"]["rank"]
    pretrained = (name for name in names if "pretrain" in config["models"][name])
    sizes = {name: config["models"][name]["pretrain"]["architecture"]["hidden_size"] for name in pretrained}
    smallest = min(sizes, key=lambda name: sizes[name])
    if rank is not None and rank > sizes[smallest]:
        raise ConfigError(
            f"config key signatures.rank: {rank} components are asked for, but {smallest!r} has {sizes[smallest]} dimensions; ask for"
            f" {sizes[smallest]} at most, or for as many as there are (null)"
        )


def _check_wishes(config: Mapping[str, Any], section: Mapping[str, Any]) -> None:
    checks, chosen = section["checks"], section["categories"]
    for key, known in (("variants", [*section["variants"]]), ("categories", [*CATEGORIES] if chosen is None else chosen)):
        for place, name in enumerate(checks[key] or []):
            # All words are the default, also of a run that has other categories alone.
            if name not in known and (key, checks[key]) != ("categories", [ALL_WORDS]):
                raise ConfigError(
                    f"config key signatures.checks.{key}.{place}: no signatures are taken of {name!r}; {suggestion(name, known)}"
                )
    if section["fits"] == ["over_steps"] and chosen is not None and ALL_WORDS not in chosen:
        raise ConfigError(
            f"config key signatures.fits: fits over steps are of all words, and signatures.categories leaves {ALL_WORDS} out; add it there"
        )
    if section["fits"] == ["over_steps"] and not any(
        len(steps(config["models"][variant["multilingual"]])) > 1 for variant in section["variants"].values()
    ):
        raise ConfigError(
            "config key signatures.fits: fits over steps need a multilingual model that is compared at several, and there is none; give one"
            " more steps, or add per_layer"
        )


def _check_layers(config: dict[str, Any], layers: Sequence[int]) -> None:
    """That layers to check are extracted, and that models which are pretrained here have them."""
    variants = [config["signatures"]["variants"][name] for name in checked(config)]
    names = {name for variant in variants for name in (variant["multilingual"], *variant["monolingual"])}
    there = [config["models"][name]["pretrain"]["architecture"]["layers"] for name in names if "pretrain" in config["models"][name]]
    extracted = config["features"]["layers"]
    for place, layer in enumerate(layers):
        key = f"config key signatures.checks.layers.{place}"
        if extracted is not None and layer not in extracted:
            raise ConfigError(f"{key}: layer {layer} is not among features.layers; name it there, or take it out")
        if layer > min(there, default=layer):
            raise ConfigError(f"{key}: there is no layer {layer}, the models that are compared have {min(there)}; name one that they have")


def is_romanised(config: dict[str, Any], model: str, code: str) -> bool:
    """Whether a model of the configuration is pretrained on a language in Latin letters that are not its own."""
    texts = Texts(config)
    own = texts.text_of(config["models"][model].get("pretrain", {}).get("text"), code)
    variants = {text.rpartition("/")[0] for text in texts.lineage(own)}
    return any(texts.is_romanised(variant) for variant in variants - {""})


def _language(config: Mapping[str, Any], model: str) -> str:
    """The language of a monolingual model."""
    (code,) = config["models"][model]["pretrain"]["languages"] or config["languages"]
    return code


def _first_run(runs: Mapping[str, Run], model: str) -> str:
    """The name of a model's first training run."""
    return next(name for name, run in runs.items() if run.model == model)
