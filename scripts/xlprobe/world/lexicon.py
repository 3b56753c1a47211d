"""The words of an invented world: sounds, roots, regular sound change along a family tree, and scripts.

Words are built from phonemes, each a small Latin letter. A proto-language draws its phonemes and roots at random; a
daughter keeps most of its parent's roots and affixes, replaces some, and changes the sounds of all by rule, so that
cognates correspond regularly, as in real families.

Words of different tags share forms as in real lexicons: verbs made from nouns, adverbs that are adjectives,
demonstratives that are determiners and pronouns, auxiliaries that are verbs, subordinators that are adpositions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from xlprobe.world.meaning import ADPOSITIONS, DETERMINERS, NUMBER_WORDS, PRONOUNS, SUBORDINATORS, ConceptCounts

ONSETS = "ptkbdgmnlrsfvzhjw"
CLUSTERS = ("pr", "tr", "kr", "pl", "kl", "st", "sk", "sl")
VOWELS = "aeiouy"
CODAS = "nrslktm"
# Each consonant's or vowel's plausible successors.
SOUND_CHANGES = {
    "p": "fb", "t": "dz", "k": "hg", "b": "vp", "d": "tz", "g": "kj", "v": "fw", "z": "sj", "s": "zh", "f": "vh", "w": "v", "h": "j",
    "a": "eo", "e": "ia", "i": "ey", "o": "ua", "u": "oy", "y": "iu",
}  # fmt: skip
INFLECTIONS = ("plural", "verb_plural", "past", "accusative", "dative", "in", "from", "participle")
DERIVATIONS = ("agent", "quality", "diminutive", "like", "manner")
FUNCTION_WORDS = {
    "DET": [concept for concept in DETERMINERS if concept],
    "PRON": [*PRONOUNS, "which"],
    "ADP": list(ADPOSITIONS),
    "CCONJ": ["and", "or", "but"],
    "SCONJ": ["that", *SUBORDINATORS],
    "AUX": ["will", "can", "have", "be"],
    "PART": ["not"],
}

Word = tuple[str, int | str]


@dataclass(frozen=True)
class Phonology:
    """The syllables of a family."""

    onsets: Sequence[str]
    vowels: Sequence[str]
    codas: Sequence[str]
    closed: float

    @classmethod
    def draw(cls, random: Random) -> "Phonology":
        """A proto-language's sounds."""
        onsets = random.sample(ONSETS, 12) + random.sample(CLUSTERS, random.choice([0, 2, 4]))
        return cls(onsets, random.sample(VOWELS, 5), random.sample(CODAS, 4), random.choice([0.15, 0.3, 0.45]))

    def after(self, sound_changes: dict[int, str]) -> "Phonology":
        """The sounds that are left once some have changed (a table for `str.translate`); merged ones count once."""
        onsets, vowels, codas = (
            list(dict.fromkeys(sound.translate(sound_changes) for sound in sounds)) for sounds in (self.onsets, self.vowels, self.codas)
        )
        return Phonology(onsets, vowels, codas, self.closed)

    def syllables(self, count: int, random: Random) -> str:
        """A string of syllables; an inner one is seldom closed."""
        text = ""
        for number in range(count):
            closed = random.random() < (self.closed if number == count - 1 else self.closed / 3)
            text += random.choice(self.onsets) + random.choice(self.vowels) + (random.choice(self.codas) if closed else "")
        return text


@dataclass(frozen=True)
class Lexicon:
    """A language's roots by tag and concept, and its affixes by name, as phonemes."""

    phonology: Phonology
    roots: Mapping[Word, str]
    affixes: Mapping[str, str]

    def daughter(self, distance: float, sound_changes: int, random: Random) -> "Lexicon":
        """A language that comes from this one.

        Args:
            distance: share of the roots and affixes that are replaced by new ones.
            sound_changes: how many sounds change, everywhere.
        """
        changes = {sound: random.choice(SOUND_CHANGES[sound]) for sound in self._changeable(sound_changes, random)}
        fresh = _WordMaker(self.phonology, random, {*self.roots.values()})
        kept = {form: form if random.random() >= distance else fresh.like(form) for form in sorted({*self.roots.values()})}
        affixes = {
            name: form if random.random() >= distance else self.phonology.syllables(1, random)[-2:] for name, form in self.affixes.items()
        }
        table = str.maketrans(changes)
        return Lexicon(
            self.phonology.after(table),
            roots={word: kept[form].translate(table) for word, form in self.roots.items()},
            affixes={name: form.translate(table) for name, form in affixes.items()},
        )

    def _changeable(self, count: int, random: Random) -> list[str]:
        sounds = [sound for sound in (*self.phonology.onsets, *self.phonology.vowels) if sound in SOUND_CHANGES]
        return random.sample(sounds, min(count, len(sounds)))


class _WordMaker:
    """Makes roots that do not exist yet."""

    def __init__(self, phonology: Phonology, random: Random, used: set[str]) -> None:
        self.phonology, self.random, self.used = phonology, random, used

    def __call__(self, syllables: int) -> str:
        tries = 0
        while (word := self.phonology.syllables(syllables, self.random)) in self.used:
            tries += 1
            # A language that has used up its short words makes longer ones.
            if tries % 30 == 0:
                syllables += 1
        self.used.add(word)
        return word

    def like(self, word: str) -> str:
        """A new root about as long as another."""
        return self(max(1, sum(letter in VOWELS for letter in word)))


def proto_lexicon(family: str, counts: ConceptCounts, seed: int) -> Lexicon:
    """The lexicon of a family's proto-language; equal names and seeds give equal lexicons."""
    random = Random(f"lexicon {seed} {family}")
    phonology = Phonology.draw(random)
    new = _WordMaker(phonology, random, set())
    # Function words come first and take the shortest forms.
    roots: dict[Word, str] = {(tag, concept): new(1) for tag, concepts in FUNCTION_WORDS.items() for concept in concepts}
    for noun in range(counts.nouns):
        roots["NOUN", noun] = new(1 if noun < 25 else 2 if noun < 200 else 3)
    for verb in range(counts.verbs):
        # A verb made from a noun of similar frequency.
        near = min(counts.nouns - 1, verb * counts.nouns // counts.verbs + random.randrange(3))
        roots["VERB", verb] = roots["NOUN", near] if random.random() < 0.38 else new(1 if verb < 15 else 2)
    for adjective in range(counts.adjectives):
        roots["ADJ", adjective] = roots["NOUN", random.randrange(min(40, counts.nouns))] if random.random() < 0.12 else new(2)
    for adverb in range(counts.adverbs):
        like_adjective = random.random() < 0.5
        roots["ADV", adverb] = roots["ADJ", random.randrange(min(40, counts.adjectives))] if like_adjective else new(2)
    for number in range(NUMBER_WORDS):
        roots["NUM", number] = new(1 if number < 6 else 2)
    _share_function_words(roots, random)
    affixes = {name: phonology.syllables(1, random) for name in DERIVATIONS}
    affixes |= {name: phonology.syllables(1, random)[-2:] for name in INFLECTIONS}
    if random.random() < 0.5:
        affixes["verb_plural"] = affixes["plural"]
    return Lexicon(phonology, roots, affixes)


def _share_function_words(roots: dict[Word, str], random: Random) -> None:
    """Give function words the forms that they commonly share."""
    for demonstrative in ("this", "that"):
        roots["PRON", demonstrative] = roots["DET", demonstrative]
    roots["PRON", "they"] = roots["DET", random.choice(["the", "that"])]
    roots["DET", "a"] = roots["NUM", 0]
    roots["SCONJ", "that"] = roots["DET", "that"] if random.random() < 0.5 else roots["SCONJ", "that"]
    roots["PRON", "which"] = roots["SCONJ", "that"]
    for subordinator in ("before", "after", "with"):
        roots["SCONJ", subordinator] = roots["ADP", subordinator]
    roots["AUX", "have"], roots["AUX", "can"] = roots["VERB", 0], roots["VERB", 3]
    roots["PART", "not"] = roots["ADP", "from"] if random.random() < 0.5 else roots["PART", "not"]


def world_names(counts: ConceptCounts, seed: int) -> list[str]:
    """Names of people and places, the same in every language but for its script."""
    random = Random(f"names {seed}")
    new = _WordMaker(Phonology("bdfgklmnprstvz", "aeiou", "nrsl", 0.4), random, set())
    return [new(random.choice([2, 2, 3])) for _ in range(counts.names)]


LETTERS = "abcdefghijklmnopqrstuvwxyz"
GREEK = dict(zip(LETTERS, "αβκδεφγχιθκλμνοπκρστυψωξηζ", strict=True))
CYRILLIC = dict(zip(LETTERS, "абцдефгхийклмнопкрстувшжыз", strict=True))
# Places of the parts in a Hangul syllable block (The Unicode Standard, section 3.12).
INITIALS = dict(zip("gwndrlmbfsxzjvktph", (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18), strict=True))
MEDIALS = {"a": 0, "y": 4, "e": 5, "o": 8, "u": 13, "i": 20}
NO_INITIAL, NO_MEDIAL = 11, 18


def write_word(phonemes: str, script: str) -> str:
    """A word in a script: `latin`, `greek`, `cyrillic`, or `syllabic` (open Hangul blocks; no spaces).

    A consonant without a vowel takes a block of its own, as in the kana of borrowed words.

    >>> write_word("bolan", "greek"), write_word("bolan", "cyrillic"), write_word("bolan", "syllabic")
    ('βολαν', 'болан', '보라느')
    """
    if script == "syllabic":
        return _blocks(phonemes)
    table = {"latin": {}, "greek": GREEK, "cyrillic": CYRILLIC}[script]
    return "".join(table.get(phoneme, phoneme) for phoneme in phonemes)


def _blocks(phonemes: str) -> str:
    text, place = "", 0

    def take(parts: Mapping[str, int], otherwise: int) -> int:
        nonlocal place
        if place < len(phonemes) and phonemes[place] in parts:
            place += 1
            return parts[phonemes[place - 1]]
        return otherwise

    while place < len(phonemes):
        initial, medial = take(INITIALS, NO_INITIAL), take(MEDIALS, NO_MEDIAL)
        text += chr(0xAC00 + (initial * 21 + medial) * 28)
    return text
