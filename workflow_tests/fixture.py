"""A stand-in for the data: invented sentences in upstream layouts, so that a complete run needs nothing from outside.

Writes `cc100/<language>.txt.xz` and `ud/<folder>/<treebank>-ud-{train,dev,test}.conllu` into a folder. The sentences are
built from a small random lexicon by one template grammar, under the codes of real languages; they say nothing about
those languages.

    python workflow_tests/fixture.py --output FOLDER --languages en tr --treebanks en_ewt:en:UD_English-EWT
"""

import argparse
import lzma
import random
from pathlib import Path

LEXICON = {"NOUN": 120, "VERB": 60, "ADJ": 40, "ADV": 15, "PROPN": 30, "DET": 3, "ADP": 6, "CCONJ": 2, "PRON": 5}
TEMPLATES = [
    "DET NOUN VERB",
    "PRON VERB DET NOUN",
    "DET ADJ NOUN VERB ADP DET NOUN",
    "PROPN VERB ADV",
    "PROPN CCONJ PROPN VERB DET NOUN",
    "DET NOUN ADP PROPN VERB DET ADJ NOUN ADV",
]
SUFFIXES = {"NOUN": 2, "VERB": 2, "ADJ": 1, "ADV": 1}
DOCUMENTS, SENTENCES = 300, {"train": 160, "dev": 60, "test": 60}


class Language:
    """A random lexicon: stems by tag, Zipfian, and endings that tell some tags apart."""

    def __init__(self, code: str) -> None:
        self.random = random.Random(f"fixture {code}")
        consonants, vowels = self.random.sample("bcdfghjklmnprstvz", 11), self.random.sample("aeiou", 4)
        self.syllables = [c + v for c in consonants for v in vowels]
        self.endings = {tag: [self._make(1) + self.random.choice(consonants) for _ in range(n)] for tag, n in SUFFIXES.items()}
        self.stems = {tag: [self._make(1 + (size > 10)) for _ in range(size)] for tag, size in LEXICON.items()}

    def _make(self, syllables: int) -> str:
        return "".join(self.random.choice(self.syllables) for _ in range(syllables))

    def word(self, tag: str) -> str:
        """A word of that tag; the first stems are the most frequent."""
        stems = self.stems[tag]
        stem = self.random.choices(stems, [1 / (rank + 1) for rank in range(len(stems))])[0]
        form = stem + self.random.choice(self.endings.get(tag, [""]))
        return form.capitalize() if tag == "PROPN" else form

    def sentence(self) -> list[tuple[str, str]]:
        """Words with their tags, a full stop at the end."""
        return [(self.word(tag), tag) for tag in self.random.choice(TEMPLATES).split()] + [(".", "PUNCT")]


def text(sentence: list[tuple[str, str]]) -> str:
    """A sentence as it is written."""
    return " ".join(form for form, _ in sentence[:-1]) + "."


def conllu(sentence: list[tuple[str, str]], sent_id: str) -> str:
    """A sentence as CoNLL-U, every word hung on the first verb."""
    root = next(place for place, (_, tag) in enumerate(sentence, 1) if tag == "VERB")
    lines = [f"# sent_id = {sent_id}", f"# text = {text(sentence)}"]
    for place, (form, tag) in enumerate(sentence, 1):
        head, relation = (0, "root") if place == root else (root, "punct" if tag == "PUNCT" else "dep")
        misc = "SpaceAfter=No" if place == len(sentence) - 1 else "_"
        lines.append("\t".join(map(str, (place, form, form, tag, "_", "_", head, relation, "_", misc))))
    return "\n".join(lines) + "\n\n"


def write(path: Path, content: str) -> None:
    """Write text, xz-compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode()
    path.write_bytes(lzma.compress(data) if path.suffix == ".xz" else data)


def main() -> None:
    """Write the corpora and treebanks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--languages", nargs="+", required=True)
    parser.add_argument("--treebanks", nargs="*", default=[], help="NAME:LANGUAGE:FOLDER")
    arguments = parser.parse_args()
    for code in arguments.languages:
        language = Language(code)
        documents = ("\n".join(text(language.sentence()) for _ in range(8)) for _ in range(DOCUMENTS))
        write(arguments.output / "cc100" / f"{code}.txt.xz", "\n\n".join(documents) + "\n")
    for treebank in arguments.treebanks:
        name, code, folder = treebank.split(":")
        language = Language(code)
        language.random.seed(f"fixture {name}")
        for split, count in SENTENCES.items():
            sentences = (conllu(language.sentence(), f"{split}-{number}") for number in range(count))
            write(arguments.output / "ud" / folder / f"{name}-ud-{split}.conllu", "".join(sentences))


if __name__ == "__main__":
    main()
