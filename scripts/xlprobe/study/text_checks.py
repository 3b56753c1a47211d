"""What the schema cannot say of a configuration's text variants (`corpus.variants`, `models.*.pretrain.text`)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xlprobe.artifacts.romanisation_systems import system_of
from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.suggestions import suggestion

# Of a variant, what says how much is kept; at most one of them.
CAPS = ("max_sequences", "max_documents", "max_bytes", "share")


def check_texts(config: dict[str, Any]) -> None:
    """That variants are drawn from others without a circle, each says one thing, and models name those that there are.

    Raises:
        ConfigError: the sentence names the key.
    """
    variants = config["corpus"]["variants"]
    for name, settings in variants.items():
        key = f"config key corpus.variants.{name}"
        if name in config["languages"]:
            raise ConfigError(f"{key}: is also the code of a language of the run, and texts' folders bear both; choose another name")
        if settings["from"] is not None and settings["from"] not in variants:
            raise ConfigError(f"{key}.from: there is no variant {settings['from']!r}; {suggestion(settings['from'], variants)}")
        for n, language in enumerate(settings["languages"] or []):
            if language not in config["languages"]:
                raise ConfigError(
                    f"{key}.languages.{n}: {language!r} is not among the run's languages; {suggestion(language, config['languages'])}"
                )
        _check_what_is_done(key, settings, settings["languages"] or config["languages"])
    for name in variants:
        chain = [name]
        while (parent := variants[chain[-1]]["from"]) is not None:
            if parent in chain:
                raise ConfigError(
                    f"config key corpus.variants.{name}.from: {parent!r} is drawn from itself; set this key to null in one of them"
                )
            chain.append(parent)
    for name, text in _named(config):
        if text not in variants:
            advice = suggestion(text, variants) if variants else "the run has none"
            raise ConfigError(f"config key models.{name}.pretrain.text: there is no variant {text!r} under corpus.variants; {advice}")


def _check_what_is_done(key: str, settings: Mapping[str, Any], languages: Iterable[str]) -> None:
    """That a variant caps or romanises, one of them in one way."""
    caps = [cap for cap in CAPS if settings[cap] is not None]
    if len(caps) > 1:
        raise ConfigError(f"{key}: says both {caps[0]} and {caps[1]}; give one of {', '.join(CAPS)}")
    if caps and settings["romanise"]:
        raise ConfigError(f"{key}: says both {caps[0]} and romanise; draw the text as a variant of its own, and name it here under from")
    if not caps and not settings["romanise"]:
        raise ConfigError(f"{key}: leaves the text as it is; give one of {', '.join(CAPS)} or romanise, or take it out")
    if settings["romanise"]:
        for language in languages:
            try:
                system_of(language)
            except XlprobeError as error:
                raise ConfigError(f"{key}.romanise: {error}") from None


def _named(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The models that are pretrained on a variant, each with its name."""
    for name, model in config["models"].items():
        if (text := model.get("pretrain", {}).get("text")) is not None:
            yield name, text
