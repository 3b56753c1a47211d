"""Pairs for natural language inference, built from meaning so that the label is known.

A hypothesis is its premise made more general (a part left out, a noun replaced by its hypernym) or more specific (the
reverse), and either may be denied. Read with existence, what follows is (`label_of`):

    hypothesis       both affirmed    both denied     premise affirmed,      premise denied,
                                                      hypothesis denied      hypothesis affirmed
    more general     entailment       neutral         contradiction          neutral
    more specific    neutral          entailment      neutral                contradiction

Neither lengths, nor the overlap of words, nor the hypothesis's negation tells the label: the pairs are drawn so that each
label is as frequent as the others among pairs alike in these (`balanced`). That exactly one of the two is denied rules out
entailment, that both or none are rules out contradiction, as logic has it; which of the remaining two it is, only the
meaning tells.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from xlprobe.world.meaning import Concepts, MeaningGrammar, Node, number_keys

LABELS = ("entailment", "neutral", "contradiction")
# Parts that a sentence can lose, and still be one that the whole entails.
DROPPED = frozenset(("amod", "obl", "advmod", "nummod", "conj", "acl:relcl"))


@dataclass(frozen=True)
class MeaningPair:
    """Two meanings and how the second stands to the first."""

    premise: Node
    hypothesis: Node
    label: str

    @property
    def shape(self) -> tuple[int, int, int, bool]:
        """What must not tell the label: lengths of both, concepts in the hypothesis alone, whether that is denied."""
        premise, hypothesis = ([_identity(node) for node in meaning.walk()] for meaning in (self.premise, self.hypothesis))
        new = len(set(hypothesis) - set(premise))
        return len(premise), len(hypothesis), new, _is_denied(self.hypothesis)


def label_of(more_general: bool, premise_denied: bool, hypothesis_denied: bool) -> str:
    """The label of a pair, by the table above."""
    if premise_denied == hypothesis_denied:
        return "entailment" if more_general != premise_denied else "neutral"
    return "contradiction" if more_general == hypothesis_denied else "neutral"


def draw_pair(grammar: MeaningGrammar, concepts: Concepts, random: Random) -> MeaningPair | None:
    """A pair, or nothing where the sentence drawn has nothing to generalise."""
    grammar.choose_topics()
    specific = grammar.sentence()
    stop = specific.child("punct")
    # Where there are several clauses, what is denied would be open.
    several = any(child.relation in ("advcl", "conj") and child.is_clause for child in specific.children)
    if several or _is_denied(specific) or (stop and stop.concept == "?"):
        return None
    general = _generalised(specific, concepts, random)
    if general is None:
        return None
    more_general = random.random() < 0.5
    premise, hypothesis = (specific, general) if more_general else (general, specific)
    premise_denied, hypothesis_denied = random.random() < 0.5, random.random() < 0.5
    for meaning, denied in ((premise, premise_denied), (hypothesis, hypothesis_denied)):
        if denied:
            meaning.add(Node("PART", "not", "advmod"))
        number_keys(meaning)
    return MeaningPair(premise, hypothesis, label_of(more_general, premise_denied, hypothesis_denied))


def balanced(pairs: Iterable[MeaningPair], per_label: int) -> Iterator[MeaningPair]:
    """Pairs until each label has `per_label`, taken three of a shape at a time, one of each label."""
    waiting: defaultdict[tuple[Any, ...], dict[str, list[MeaningPair]]] = defaultdict(lambda: {label: [] for label in LABELS})
    found = 0
    for pair in pairs:
        alike = waiting[pair.shape]
        alike[pair.label].append(pair)
        if all(alike.values()):
            yield from (alike[label].pop() for label in LABELS)
            found += 1
            if found == per_label:
                return


def nli_pairs(concepts: Concepts, count: int, random: Random) -> list[MeaningPair]:
    """At least `count` pairs, each label equally often, in random order."""
    grammar = MeaningGrammar(concepts, random)

    def candidates() -> Iterator[MeaningPair]:
        while True:
            pair = draw_pair(grammar, concepts, random)
            if pair:
                yield pair

    pairs = list(balanced(candidates(), -(-count // len(LABELS))))
    random.shuffle(pairs)
    return pairs


def _generalised(meaning: Node, concepts: Concepts, random: Random) -> Node | None:
    """A meaning that this one entails: one or two times, a part dropped or a noun replaced by its hypernym."""
    general = deepcopy(meaning)
    changed = False
    for _ in range(random.randint(1, 2)):
        places = list(_upward(general))
        droppable = [(node, child) for node in places for child in node.children if _can_go(child)]
        nouns = [
            node for node in places if node.tag == "NOUN" and not node.derivation and concepts.hypernym(int(node.concept)) != node.concept
        ]
        if droppable and (random.random() < 0.5 or not nouns):
            node, child = random.choice(droppable)
            node.children.remove(child)
            changed = True
        elif nouns:
            noun = random.choice(nouns)
            noun.concept = concepts.hypernym(int(noun.concept))
            changed = True
    return general if changed else None


def _upward(node: Node) -> Iterator[Node]:
    """The nodes where more general is entailed: not what is reported, denied, or said of every one."""
    determiner = node.child("det")
    if not (node.relation == "ccomp" or _is_denied(node) or (determiner and determiner.concept == "every")):
        yield node
        for child in node.children:
            yield from _upward(child)


def _can_go(child: Node) -> bool:
    """Whether a sentence entails itself without this part."""
    conjunction = child.child("cc")
    return child.relation in DROPPED and not (conjunction and conjunction.concept == "or")


def _is_denied(meaning: Node) -> bool:
    return any(child.tag == "PART" for child in meaning.children)


def _identity(node: Node) -> tuple[str, str, str]:
    return node.tag, str(node.concept), node.derivation
