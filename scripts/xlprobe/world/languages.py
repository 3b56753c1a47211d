"""The languages of a world, from their settings: lexicons along the family tree, grammars, and how far apart they are."""

from collections.abc import Mapping
from dataclasses import fields
from random import Random
from typing import Any

from xlprobe.world.grammar import InventedLanguage, Typology
from xlprobe.world.lexicon import Lexicon, proto_lexicon, world_names
from xlprobe.world.meaning import ConceptCounts, Concepts


class World:
    """The concepts and languages of a world.

    Attributes:
        settings: `world` of a completed configuration.
        concepts: what there is to talk about.
        languages: by code, in the order of the settings.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.seed: int = settings["seed"]
        counts = ConceptCounts(**settings["concepts"])
        self.concepts = Concepts(counts, self.seed)
        names = world_names(counts, self.seed)
        self._counts = counts
        self._lexicons: dict[str, Lexicon] = {}
        self.languages = {
            code: InventedLanguage(typology(chosen), self._lexicon(code), names) for code, chosen in settings["languages"].items()
        }

    def syntactic_distance(self, first: str, second: str) -> float:
        """The share of syntactic features in which two languages differ, from 0 to 1."""
        one, other = (syntactic_features(self.languages[code].typology) for code in (first, second))
        return sum(one[name] != other[name] for name in one) / len(one)

    def _lexicon(self, name: str) -> Lexicon:
        if name not in self._lexicons:
            if name in self.settings["languages"]:
                chosen = self.settings["languages"][name]
                random = Random(f"daughter {self.seed} {name}")
                self._lexicons[name] = self._lexicon(chosen["parent"]).daughter(chosen["distance"], chosen["sound_changes"], random)
            else:
                self._lexicons[name] = proto_lexicon(name, self._counts, self.seed)
        return self._lexicons[name]


def typology(settings: Mapping[str, Any]) -> Typology:
    """The part of a language's settings that its grammar follows."""
    chosen = {field.name: settings[field.name] for field in fields(Typology)}
    return Typology(**chosen | {"agreement": tuple(settings["agreement"])})


def syntactic_features(chosen: Typology) -> dict[str, bool]:
    """Yes-or-no features of a grammar, of the kind that URIEL's syntactic vectors hold (Littell et al. 2017)."""
    order = chosen.word_order
    return {
        "subject before verb": order.index("S") < order.index("V"),
        "object before verb": order.index("O") < order.index("V"),
        "subject before object": order.index("S") < order.index("O"),
        "relative clause after noun, adposition before it": chosen.head_direction == "initial",
        "adjective before noun": chosen.adjectives == "before",
        "case": chosen.marking == "case",
        "definite article": chosen.articles in ("definite", "both"),
        "indefinite article": chosen.articles == "both",
        "plural marked on nouns": "noun" in chosen.agreement,
        "plural marked on verbs": "verb" in chosen.agreement,
        "plural marked on adjectives": "adjective" in chosen.agreement,
        "extraposed relative clauses": chosen.extraposed_relatives,
    }
