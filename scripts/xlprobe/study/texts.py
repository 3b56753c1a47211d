"""Text variants: texts that are drawn from the cleaned ones for controlled comparisons, and what each is drawn from.

A *text* is named as its folders are: `<language>`, the cleaned text itself, or `<variant>/<language>`. What a variant's settings do
not apply to is the parent's text, not a copy of it; so equal texts have one name, and are made once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xlprobe.artifacts.romanisation_systems import system_of
from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.study.settings import as_arguments
from xlprobe.suggestions import suggestion

# Of a variant, what says how much is kept; at most one of them.
CAPS = ("max_sequences", "max_documents", "max_bytes", "share")
SMALLEST = "smallest"


@dataclass(frozen=True)
class Texts:
    """The texts of a run.

    Args:
        config: its completed configuration.
    """

    config: Mapping[str, Any]

    @property
    def variants(self) -> dict[str, dict[str, Any]]:
        """Its variants by name."""
        return self.config["corpus"]["variants"]

    @property
    def names(self) -> list[str]:
        """All texts, whether anything is trained on them or not: the cleaned ones, and of each variant those of its own."""
        own = [f"{variant}/{language}" for variant in self.variants for language in self.drawn_languages(variant)]
        return [*self.config["languages"], *own]

    def drawn_languages(self, variant: str) -> list[str]:
        """The languages of which a variant has a text of its own; none if there is no such variant."""
        if variant not in self.variants:
            return []
        return [*(self.variants[variant]["languages"] or self.config["languages"])]

    def text_of(self, variant: str | None, language: str) -> str:
        """The text that a variant has of a language: its own, or that of the nearest parent which has one; of None the cleaned one."""
        while variant is not None and language not in self.drawn_languages(variant):
            variant = self.variants[variant]["from"]
        return language if variant is None else f"{variant}/{language}"

    def parent(self, text: str) -> str | None:
        """The text that a text is drawn from; None of a cleaned one."""
        variant, _, language = text.rpartition("/")
        return self.text_of(self.variants[variant]["from"], language) if variant else None

    def compared(self, variant: str) -> list[str]:
        """The texts whose smallest says how much a variant keeps of each: the parent's, of all the run's languages; else none."""
        if self.variants[variant]["max_sequences"] != SMALLEST:
            return []
        return [self.text_of(self.variants[variant]["from"], language) for language in sorted(self.config["languages"])]

    def ancestry(self, texts: Iterable[str]) -> list[str]:
        """These texts and all that are needed to draw them, sorted."""
        found: set[str] = set()
        waiting = [*texts]
        while waiting:
            if (text := waiting.pop()) not in found:
                found.add(text)
                if parent := self.parent(text):
                    waiting += [parent, *self.compared(text.rpartition("/")[0])]
        return sorted(found)

    def is_romanised(self, variant: str) -> bool:
        """Whether a variant's own texts are its parent's in Latin letters."""
        return self.variants[variant]["romanise"]

    def arguments(self, variant: str, language: str) -> list[Any]:
        """Of the script that draws a variant's text of a language, but for its files."""
        settings = self.variants[variant]
        corpus = {key: self.config["corpus"][key] for key in ("sequence_tokens", "valid_sequences")}
        caps = {key: settings[key] for key in CAPS if settings[key] != SMALLEST}
        romanise_by = system_of(language) if settings["romanise"] else None
        return as_arguments(corpus | caps | {"order": settings["draw"], "seed": settings["seed"], "romanise_by": romanise_by})


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
                    f"config key corpus.variants.{name}.from: {parent!r} is drawn from itself; set one of its ancestors' to null"
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
