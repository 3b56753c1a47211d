"""Text variants: texts that are drawn from the cleaned ones for controlled comparisons, and what each is drawn from.

A *text* is named as its folders are: `<language>`, the cleaned text itself, or `<variant>/<language>`. What a variant's settings do
not apply to is the parent's text, not a copy of it; so equal texts have one name, and are made once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xlprobe.artifacts.romanisation_systems import system_of
from xlprobe.study.script_arguments import as_arguments
from xlprobe.study.text_checks import CAPS

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

    def parent_of(self, variant: str, language: str) -> str:
        """The text that a variant's text of a language is drawn from."""
        return self.text_of(self.variants[variant]["from"], language)

    def parent(self, text: str) -> str | None:
        """The text that a text is drawn from; None of a cleaned one."""
        variant, _, language = text.rpartition("/")
        return self.parent_of(variant, language) if variant else None

    def compared(self, variant: str) -> list[str]:
        """The texts whose smallest says how much a variant keeps of each: the parent's, of all the run's languages; else none."""
        if self.variants[variant]["max_sequences"] != SMALLEST:
            return []
        return [self.parent_of(variant, language) for language in sorted(self.config["languages"])]

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

    def lineage(self, text: str) -> list[str]:
        """A text, what it is drawn from, and so on up to a cleaned one."""
        parent = self.parent(text)
        return [text, *(self.lineage(parent) if parent else [])]

    def share(self, text: str) -> float:
        """The share of its parent's sequences that a text has by its settings (`share`); 1 of others, and of cleaned ones."""
        variant = text.rpartition("/")[0]
        return float((variant and self.variants[variant]["share"]) or 1)

    def is_romanised(self, variant: str) -> bool:
        """Whether a variant's own texts are its parent's in Latin letters."""
        return self.variants[variant]["romanise"]

    def arguments(self, variant: str, language: str) -> list[Any]:
        """Of the script that draws a variant's text of a language, but for its files."""
        settings = self.variants[variant]
        corpus = {key: self.config["corpus"][key] for key in ("sequence_tokens", "valid_sequences")}
        caps = {key: settings[key] for key in CAPS if settings[key] != SMALLEST}
        order = {"order": settings["draw"], "seed": settings["seed"] if settings["draw"] == "random" else None}
        return as_arguments(corpus | caps | order | {"romanise_by": system_of(language) if settings["romanise"] else None})
