"""What an invented world talks about: concepts, and a probabilistic dependency grammar of meanings over them.

A sentence's meaning is a tree of concepts with the relations of Universal Dependencies and no order. Every language
realises the same trees in its own way, so parallel data are parallel by construction.

Concepts are Zipfian. A noun belongs to a class, whose most frequent noun is its hypernym. A verb has a frame and prefers
some classes, and some single nouns, as its arguments. A document keeps to its topics.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

NOUN_CLASSES = 10
ADPOSITIONS = ("in", "on", "from", "with", "before", "after")
# Frames: intransitive, transitive, ditransitive, taking a clause.
FRAMES, FRAME_WEIGHTS = ("intransitive", "transitive", "ditransitive", "clausal"), (30, 48, 10, 12)
DETERMINERS, DETERMINER_WEIGHTS = ("the", "a", "this", "that", "every", ""), (38, 24, 9, 8, 4, 17)
PRONOUNS, PRONOUN_WEIGHTS = ("i", "you", "it", "we", "they", "this", "that"), (4, 3, 7, 3, 4, 3, 3)
SUBORDINATORS = ("if", "because", "before", "after", "with")
TENSES, TENSE_WEIGHTS = ("Pres", "Past", "Fut"), (5, 4, 1)
NUMBER_WORDS = 12
MOST_CONCEPTS = 18


@dataclass(eq=False)
class Node:
    """A concept in its place in a meaning.

    Attributes:
        tag: its universal part of speech.
        concept: which of the concepts of that tag; for a derived word, which of those of its base.
        relation: its dependency relation to the node above.
        plural: whether it is plural; of a predicate, whether its subject is.
        tense: of a predicate or auxiliary, one of `TENSES`; `Inf` of a predicate that has an auxiliary.
        derivation: how the word is derived (`agent` of a verb, ...), empty for a simple word.
        gap: of a relative clause, the role in it that the noun above plays.
        key: its number in the meaning, from 1; equal keys are translations of each other.
    """

    tag: str
    concept: int | str
    relation: str
    plural: bool = False
    tense: str = ""
    derivation: str = ""
    gap: str = ""
    key: int = 0
    children: list["Node"] = field(default_factory=list)

    def add(self, child: "Node") -> "Node":
        """Put a node below this one, and return it."""
        self.children.append(child)
        return child

    def walk(self) -> Iterator["Node"]:
        """The node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def child(self, relation: str) -> "Node | None":
        """The first child of a relation."""
        return next((child for child in self.children if child.relation == relation), None)

    @property
    def is_clause(self) -> bool:
        """Whether it is the predicate of a clause."""
        return self.tag == "VERB" or self.child("cop") is not None


def number_keys(root: Node) -> Node:
    """Give every node of a meaning its key, and return the meaning."""
    for key, node in enumerate(root.walk(), 1):
        node.key = key
    return root


@dataclass(frozen=True)
class ConceptCounts:
    """How many concepts of each open class a world has."""

    nouns: int
    verbs: int
    adjectives: int
    adverbs: int
    names: int


@dataclass(frozen=True)
class Verb:
    """A verb's frame and what it prefers: classes of subject, object and oblique, single objects, adposition, adverbs."""

    frame: str
    subjects: list[int]
    objects: list[int]
    favourites: list[int]
    adposition: str
    obliques: list[int]
    adverbs: list[int]


def zipf(count: int, exponent: float = 1.1) -> list[float]:
    """Cumulative weights of ranks 1 to `count` under the Zipf-Mandelbrot law with offset 1."""
    return list(accumulate((rank + 2.0) ** -exponent for rank in range(count)))


class Concepts:
    """The concepts of a world and what goes with what; equal seeds and counts give equal concepts."""

    def __init__(self, counts: ConceptCounts, seed: int) -> None:
        random = Random(f"concepts {seed}")
        self.counts = counts
        self.classes = [list(range(number, counts.nouns, NOUN_CLASSES)) for number in range(NOUN_CLASSES)]
        self.class_weights = [zipf(len(members)) for members in self.classes]
        self.verb_weights, self.adjective_weights = zipf(counts.verbs), zipf(counts.adjectives)
        # Names are open: many, and none of them frequent.
        self.name_weights = zipf(counts.names, 0.6)
        self.verbs = [self._verb(random, most_frequent=verb == 0) for verb in range(counts.verbs)]
        self.adjectives = [
            [adjective for adjective in range(counts.adjectives) if random.random() < 0.3] or [0] for _ in range(NOUN_CLASSES)
        ]

    def _verb(self, random: Random, most_frequent: bool) -> Verb:
        def classes() -> list[int]:
            return random.sample(range(NOUN_CLASSES), 2)

        frame = random.choices(FRAMES, FRAME_WEIGHTS)[0]
        return Verb(
            # The most frequent verb takes an object, so that there is one that does.
            frame="transitive" if most_frequent else frame,
            subjects=classes(),
            objects=classes(),
            favourites=[random.randrange(self.counts.nouns) for _ in range(4)],
            adposition=random.choice(ADPOSITIONS),
            obliques=classes(),
            adverbs=random.sample(range(self.counts.adverbs), min(6, self.counts.adverbs)),
        )

    def hypernym(self, noun: int) -> int:
        """The noun that names the class of a noun."""
        return self.classes[noun % NOUN_CLASSES][0]


class MeaningGrammar:
    """Draws meanings, document by document."""

    def __init__(self, concepts: Concepts, random: Random) -> None:
        self.concepts = concepts
        self.random = random
        self.topics: dict[int, list[int]] = {}

    def document(self, sentences: int) -> Iterator[Node]:
        """The meanings of a document's sentences, which share topics."""
        self.choose_topics()
        for _ in range(sentences):
            yield self.sentence()

    def sentence(self) -> Node:
        """One sentence's meaning, keys numbered; long ones are drawn again, since small models learn from short samples."""
        while True:
            root = self.clause("root")
            root.add(Node("PUNCT", self.random.choices([".", "?"], [9, 1])[0], "punct"))
            if sum(1 for _ in root.walk()) <= MOST_CONCEPTS:
                return number_keys(root)

    def clause(self, relation: str, depth: int = 0, gap: str = "", noun_class: int | None = None, plural: bool = False) -> Node:
        """A clause.

        Args:
            depth: clauses around it; deep ones are short.
            gap: of a relative clause, the role that the noun above plays.
            noun_class, plural: of that noun.
        """
        copular = not gap and self._chance(0.16)
        predicate = self._copular(relation, depth) if copular else self._verbal(relation, depth, gap, plural)
        if predicate.tense == "Fut" or self._chance(0.12):
            auxiliary = "will" if predicate.tense == "Fut" else self.random.choice(["can", "have"])
            predicate.add(Node("AUX", auxiliary, "aux", plural=predicate.plural, tense=predicate.tense))
            # The auxiliary is finite in the predicate's place.
            for node in (predicate, predicate.child("cop")):
                if node:
                    node.tense = "Inf"
        if self._chance(0.12):
            predicate.add(Node("PART", "not", "advmod"))
        if depth == 0:
            self._add_further_clauses(predicate)
        return predicate

    def noun_phrase(
        self, relation: str, classes: Sequence[int], favourites: Sequence[int] = (), depth: int = 0, pronoun: float = 0.0
    ) -> Node:
        """A noun with what belongs to it, a name, or (with probability `pronoun`) a pronoun.

        Args:
            classes: what the place prefers.
            favourites: single nouns that it prefers still more.
        """
        random = self.random
        if self._chance(pronoun):
            pronoun_concept = random.choices(PRONOUNS, PRONOUN_WEIGHTS)[0]
            return Node("PRON", pronoun_concept, relation, plural=pronoun_concept in ("we", "they"))
        if self._chance(0.11):
            return Node("PROPN", random.choices(range(self.concepts.counts.names), cum_weights=self.concepts.name_weights)[0], relation)
        noun_class = random.choice(classes)
        concept, derivation, noun_class = self._noun(noun_class, favourites)
        noun = Node("NOUN", concept, relation, plural=self._chance(0.3), derivation=derivation)
        determiner = random.choices(DETERMINERS, DETERMINER_WEIGHTS)[0]
        if determiner:
            noun.add(Node("DET", determiner, "det"))
        if determiner in ("a", "every"):
            noun.plural = False
        elif self._chance(0.10):
            # Small numbers are words, others are written in digits; the first word is one.
            number = random.choices(range(NUMBER_WORDS), cum_weights=zipf(NUMBER_WORDS))[0]
            if self._chance(0.5):
                number = random.randint(NUMBER_WORDS + 1, 999)
            noun.plural = number != 0
            noun.add(Node("NUM", number, "nummod"))
        if self._chance(0.30):
            noun.add(self._adjective("amod", noun_class, noun.plural))
        if depth < 2 and self._chance(0.08):
            gap = random.choice(["nsubj", "obj"])
            noun.add(self.clause("acl:relcl", depth + 1, gap, noun_class, noun.plural))
        if depth < 2 and self._chance(0.07):
            other = noun.add(self.noun_phrase("conj", [noun_class], depth=depth + 2))
            other.children.insert(0, Node("CCONJ", random.choice(["and", "and", "or"]), "cc"))
        return noun

    def _noun(self, noun_class: int, favourites: Sequence[int]) -> tuple[int, str, int]:
        """A noun's concept, derivation and class: a favourite, a topic of the document, or any of the class given."""
        random, concepts = self.random, self.concepts
        kind = random.random()
        if kind < 0.05:
            return random.choices(range(concepts.counts.verbs), cum_weights=concepts.verb_weights)[0], "agent", noun_class
        if kind < 0.09:
            return random.choices(range(concepts.counts.adjectives), cum_weights=concepts.adjective_weights)[0], "quality", noun_class
        chosen = random.random()
        if favourites and chosen < 0.5:
            concept = random.choice(favourites)
        elif self.topics.get(noun_class) and chosen < 0.55:
            concept = random.choice(self.topics[noun_class])
        else:
            concept = random.choices(concepts.classes[noun_class], cum_weights=concepts.class_weights[noun_class])[0]
        return concept, "diminutive" if kind < 0.14 else "", concept % NOUN_CLASSES

    def _adjective(self, relation: str, noun_class: int, plural: bool) -> Node:
        random = self.random
        if self._chance(0.15):
            adjective = Node("ADJ", random.randrange(self.concepts.counts.nouns), relation, plural=plural, derivation="like")
        else:
            adjective = Node("ADJ", random.choice(self.concepts.adjectives[noun_class]), relation, plural=plural)
        if self._chance(0.12):
            adjective.add(Node("ADV", random.randrange(min(4, self.concepts.counts.adverbs)), "advmod"))
        return adjective

    def _copular(self, relation: str, depth: int) -> Node:
        """Something is so, or is such a thing."""
        random = self.random
        noun_class = random.randrange(NOUN_CLASSES)
        subject = self.noun_phrase("nsubj", [noun_class], depth=depth, pronoun=0.3)
        if self._chance(0.65):
            predicate = self._adjective(relation, noun_class, subject.plural)
        else:
            predicate = Node("NOUN", random.choice(self.concepts.classes[noun_class]), relation, plural=subject.plural)
            if not subject.plural:
                predicate.add(Node("DET", "a", "det"))
        predicate.tense = random.choices(TENSES, TENSE_WEIGHTS)[0]
        predicate.add(subject)
        predicate.add(Node("AUX", "be", "cop", plural=subject.plural, tense=predicate.tense))
        return predicate

    def _verbal(self, relation: str, depth: int, gap: str, plural: bool) -> Node:
        random, concepts = self.random, self.concepts
        while True:
            concept = random.choices(range(concepts.counts.verbs), cum_weights=concepts.verb_weights)[0]
            verb = concepts.verbs[concept]
            takes_object = verb.frame in ("transitive", "ditransitive")
            if (takes_object or gap != "obj") and (verb.frame != "clausal" or depth < 2):
                break
        predicate = Node("VERB", concept, relation, plural=plural, tense=random.choices(TENSES, TENSE_WEIGHTS)[0], gap=gap)
        if gap != "nsubj":
            subject = predicate.add(self.noun_phrase("nsubj", verb.subjects, depth=depth, pronoun=0.35))
            predicate.plural = subject.plural
        if gap:
            predicate.add(Node("PRON", "which", gap))
        if takes_object and gap != "obj":
            predicate.add(self.noun_phrase("obj", verb.objects, verb.favourites, depth, pronoun=0.12))
        if verb.frame == "ditransitive":
            predicate.add(self.noun_phrase("iobj", verb.subjects[:1], depth=depth, pronoun=0.3))
        if verb.frame == "clausal":
            complement = predicate.add(self.clause("ccomp", depth + 1))
            complement.children.insert(0, Node("SCONJ", "that", "mark"))
        if self._chance(0.4 if depth == 0 else 0.2):
            oblique = predicate.add(self.noun_phrase("obl", verb.obliques, depth=depth, pronoun=0.05))
            adposition = verb.adposition if self._chance(0.6) else random.choice(ADPOSITIONS)
            oblique.children.insert(0, Node("ADP", adposition, "case"))
        if self._chance(0.2):
            predicate.add(self._adverb(verb))
        return predicate

    def _adverb(self, verb: Verb) -> Node:
        if self._chance(0.35):
            adjective = self.random.choices(range(self.concepts.counts.adjectives), cum_weights=self.concepts.adjective_weights)[0]
            return Node("ADV", adjective, "advmod", derivation="manner")
        return Node("ADV", self.random.choice(verb.adverbs), "advmod")

    def _add_further_clauses(self, predicate: Node) -> None:
        if self._chance(0.16):
            adverbial = predicate.add(self.clause("advcl", 1))
            adverbial.children.insert(0, Node("SCONJ", self.random.choice(SUBORDINATORS), "mark"))
            adverbial.add(Node("PUNCT", ",", "punct"))
        if self._chance(0.14):
            other = predicate.add(self.clause("conj", 1))
            other.children.insert(0, Node("CCONJ", self.random.choice(["and", "but"]), "cc"))
            other.add(Node("PUNCT", ",", "punct"))

    def choose_topics(self) -> None:
        """Begin a new document: some nouns of some classes become its topics."""
        self.topics = {}
        for _ in range(8):
            noun_class = self.random.randrange(NOUN_CLASSES)
            self.topics.setdefault(noun_class, []).append(self.random.choice(self.concepts.classes[noun_class]))

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability
