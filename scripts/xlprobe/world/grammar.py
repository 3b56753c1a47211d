"""How an invented language says a meaning: order, function words, inflection, spelling.

A clause's parts stand in an order that follows from the language's settings (`clause_order`, `phrase_order`); what a
language has no word for (an article, an adposition that is a case ending) is left out or becomes an ending. Trees come
out projective, unless relative clauses are extraposed.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from xlprobe.world.lexicon import Lexicon, Word, write_word
from xlprobe.world.meaning import Node

# Relations whose words stand in the clause and not in the phrase around its predicate.
CLAUSE_RELATIONS = frozenset(("nsubj", "obj", "iobj", "obl", "aux", "cop", "mark", "cc", "ccomp", "advcl", "punct"))
CASES = {"accusative": "Acc", "dative": "Dat", "in": "Loc", "from": "Abl"}
BASE_TAGS = {"agent": "VERB", "quality": "ADJ", "diminutive": "NOUN", "like": "NOUN", "manner": "ADJ"}
PERSONS = {"i": "1", "you": "2", "we": "1", "they": "3", "it": "3"}


@dataclass(frozen=True)
class Typology:
    """What the grammar of a language is like; the keys of `world.languages` in the configuration."""

    word_order: str
    head_direction: str
    adjectives: str
    marking: str
    agreement: tuple[str, ...]
    articles: str
    contractions: str
    extraposed_relatives: bool
    script: str

    @property
    def spaced(self) -> bool:
        """Whether words are written apart."""
        return self.script != "syllabic"


@dataclass
class Token:
    """A word of a sentence; `head` is the place of its head from 1, 0 for the root, and `key` its concept's in the meaning."""

    form: str
    lemma: str
    tag: str
    features: str
    relation: str
    key: int
    head: int = 0
    space_after: bool = True


@dataclass
class Utterance:
    """A sentence: its words, and the words (from and to, counted from 1) that are written as one, by what is written.

    Attributes:
        absorbed: keys of concepts without a word of their own, and the key of the word that says them.
    """

    tokens: list[Token]
    contractions: dict[tuple[int, int], str] = field(default_factory=dict)
    absorbed: dict[int, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence as it is written."""
        text = ""
        for form, space_after in self.written():
            text += form + " " * space_after
        return text.rstrip(" ")

    def written(self) -> Iterator[tuple[str, bool]]:
        """Each written word and whether a space follows it."""
        ends = {start: (end, form) for (start, end), form in self.contractions.items()}
        place = 1
        while place <= len(self.tokens):
            end, form = ends.get(place, (place, self.tokens[place - 1].form))
            yield form, self.tokens[end - 1].space_after
            place = end + 1


def clause_order(word_order: str, head_direction: str) -> list[str]:
    """The places of a clause, by relation, with `predicate` and `relative` (the relative pronoun).

    >>> clause_order("SOV", "final")
    ['cc', 'advcl', 'nsubj', 'obl', 'advmod', 'iobj', 'obj', 'ccomp', 'predicate', 'cop', 'aux', 'PART', 'relative', 'mark', 'conj']
    """
    initial = head_direction == "initial"
    verb_last = word_order.endswith("V")
    core = {
        "S": ["nsubj"],
        "O": ["iobj", "obj"] if initial or verb_last else ["obj", "iobj"],
        "V": ["PART", "aux", "cop", "predicate"] if not verb_last else ["predicate", "cop", "aux", "PART"],
    }
    middle = [slot for letter in word_order for slot in core[letter]]
    if initial:
        return ["cc", "mark", "relative", *middle, "advmod", "obl", "ccomp", "advcl", "conj"]
    # Obliques and adverbs follow the subject; a complement clause stands where the object would.
    after_subject = middle.index("nsubj") + 1
    middle[after_subject:after_subject] = ["obl", "advmod"]
    place = middle.index("obj") + 1
    middle[place:place] = ["ccomp"]
    clause_end = ["relative", "mark", "conj"] if verb_last else ["relative", "conj"]
    return ["cc", "advcl", *([] if verb_last else ["mark"]), *middle, *clause_end]


def phrase_order(head_direction: str, adjectives: str) -> list[str]:
    """The places of a phrase, by relation, with `head`.

    >>> phrase_order("initial", "before")
    ['cc', 'case', 'det', 'nummod', 'amod', 'advmod', 'head', 'acl:relcl', 'conj']
    """
    around = ["amod", "advmod", "head"] if adjectives == "before" else ["advmod", "head", "amod"]
    if head_direction == "initial":
        return ["cc", "case", "det", "nummod", *around, "acl:relcl", "conj"]
    return ["cc", "acl:relcl", "det", "nummod", *around, "case", "conj"]


class InventedLanguage:
    """A language that can say meanings."""

    def __init__(self, typology: Typology, lexicon: Lexicon, names: list[str]) -> None:
        self.typology = typology
        self.lexicon = lexicon
        self.names = names
        self._clause_order = clause_order(typology.word_order, typology.head_direction)
        self._phrase_order = phrase_order(typology.head_direction, typology.adjectives)
        self._forms: dict[tuple[Any, ...], tuple[str, str, str]] = {}

    def say(self, meaning: Node) -> Utterance:
        """The sentence that says a meaning whose keys are numbered."""
        utterance = Utterance([])
        self._say(meaning, None, utterance)
        places = {token.key: place for place, token in enumerate(utterance.tokens, 1)}
        for token in utterance.tokens:
            token.head = places.get(token.head, 0)
        self._set_spaces(utterance.tokens)
        self._contract(utterance)
        return utterance

    def _say(self, node: Node, head: Node | None, utterance: Utterance, postponed: Collection[Node] = ()) -> None:
        """Append the words of a node and all below it but for what is `postponed`; heads as keys for now."""
        in_clause: list[Node] = []
        in_phrase: list[Node] = []
        for child in node.children:
            if not self._has_word(child, node):
                utterance.absorbed[child.key] = node.key
            elif child not in postponed:
                (in_clause if node.is_clause and _belongs_to_clause(child, node) else in_phrase).append(child)

        def phrase() -> None:
            for slot in self._phrase_order:
                if slot == "head":
                    utterance.tokens.append(self._word(node, head))
                self._say_all(slot, in_phrase, node, utterance)

        if not node.is_clause:
            phrase()
            return
        extraposed = self._extraposed(in_clause)
        comma_first = node.relation == "conj" or (node.relation == "advcl" and self.typology.head_direction == "initial")
        if comma_first:
            self._say_all("punct", in_clause, node, utterance)
        for slot in self._clause_order:
            if slot == "predicate":
                phrase()
            self._say_all(slot, in_clause, node, utterance, [clause for clause, _ in extraposed])
        for clause, noun in extraposed:
            self._say(clause, noun, utterance)
        if not comma_first:
            self._say_all("punct", in_clause, node, utterance)

    def _say_all(self, slot: str, nodes: Sequence[Node], head: Node, utterance: Utterance, postponed: Collection[Node] = ()) -> None:
        for node in nodes:
            if _slot(node) == slot:
                self._say(node, head, utterance, postponed)

    def _extraposed(self, in_clause: Sequence[Node]) -> list[tuple[Node, Node]]:
        """The relative clauses that move to the end of the clause, each with the object that it belongs to."""
        if not self.typology.extraposed_relatives:
            return []
        objects = [child for child in in_clause if child.relation == "obj"]
        return [(clause, noun) for noun in objects for clause in noun.children if clause.relation == "acl:relcl"]

    def _has_word(self, node: Node, head: Node) -> bool:
        """Whether the language has a word for a concept here."""
        if node.tag == "DET" and node.concept in ("the", "a"):
            return self.typology.articles == "both" or (self.typology.articles == "definite" and node.concept == "the")
        if node.concept == "which":
            return not self._has_participles
        return not (node.tag == "ADP" and self._case(head))

    @property
    def _has_participles(self) -> bool:
        """Whether relative clauses are made with a participle in place of a pronoun."""
        return self.typology.word_order.endswith("V")

    def _case(self, node: Node, head: Node | None = None) -> str:
        """The case ending of a noun phrase's head, as a key of `CASES`, or nothing; a conjunct has the case of the first."""
        if self.typology.marking != "case" or node.tag not in ("NOUN", "PROPN", "PRON") or node.concept == "which":
            return ""
        if node.relation == "conj" and head and not node.is_clause:
            return self._case(head)
        if node.relation in ("obj", "iobj"):
            return "accusative" if node.relation == "obj" else "dative"
        adposition = node.child("case")
        return str(adposition.concept) if adposition and adposition.concept in CASES else ""

    def _word(self, node: Node, head: Node | None) -> Token:
        case = self._case(node, head)
        identity = (node.tag, node.concept, node.plural, node.tense, node.derivation, node.gap, case)
        if identity not in self._forms:
            self._forms[identity] = self._inflect(node, case)
        form, lemma, features = self._forms[identity]
        return Token(form, lemma, node.tag, features, node.relation, node.key, head.key if head else 0)

    def _inflect(self, node: Node, case: str) -> tuple[str, str, str]:
        """Form, lemma and features of a word."""
        affixes, typology = self.lexicon.affixes, self.typology
        if node.tag == "PUNCT":
            mark = {".": "。", ",": "、"}.get(str(node.concept), str(node.concept)) if not typology.spaced else str(node.concept)
            return mark, mark, "_"
        if node.tag == "NUM" and isinstance(node.concept, int) and ("NUM", node.concept) not in self.lexicon.roots:
            return str(node.concept), str(node.concept), "NumForm=Digit|NumType=Card"
        stem = self._stem(node)
        form, features = stem, {}
        if node.tag in ("NOUN", "PRON", "PROPN"):
            if node.tag == "NOUN":
                form += affixes["plural"] if node.plural and "noun" in typology.agreement else ""
            if node.concept in PERSONS or (node.tag != "PRON" and "noun" in typology.agreement):
                features["Number"] = "Plur" if node.plural else "Sing"
            if typology.marking == "case" and node.concept != "which":
                features["Case"] = CASES.get(case, "Nom")
            form += affixes[case] if case else ""
        if node.tag == "PRON":
            features |= {"Person": PERSONS[str(node.concept)]} if node.concept in PERSONS else {}
            features["PronType"] = {"which": "Rel", "this": "Dem", "that": "Dem"}.get(str(node.concept), "Prs")
        if node.tag == "DET":
            features |= {"the": {"Definite": "Def", "PronType": "Art"}, "a": {"Definite": "Ind", "PronType": "Art"}}.get(
                str(node.concept), {"PronType": "Tot" if node.concept == "every" else "Dem"}
            )
        if node.tag == "NUM":
            features |= {"NumForm": "Word", "NumType": "Card"}
        if node.tag == "PART":
            features["Polarity"] = "Neg"
        if node.tag == "ADJ" and "adjective" in typology.agreement:
            features["Number"] = "Plur" if node.plural else "Sing"
            form += affixes["plural"] if node.plural else ""
        if node.tag in ("VERB", "AUX"):
            form, features = self._conjugate(node, stem)
        if node.tag == "PROPN" and typology.spaced:
            form, stem = form.capitalize(), stem.capitalize()
        written = "|".join(f"{name}={value}" for name, value in sorted(features.items())) or "_"
        return _write_cased(form, typology.script), _write_cased(stem, typology.script), written

    def _stem(self, node: Node) -> str:
        if node.tag == "PROPN":
            return self.names[int(node.concept)]
        base: Word = (BASE_TAGS.get(node.derivation, node.tag), node.concept)
        return self.lexicon.roots[base] + (self.lexicon.affixes[node.derivation] if node.derivation else "")

    def _conjugate(self, node: Node, stem: str) -> tuple[str, dict[str, str]]:
        affixes = self.lexicon.affixes
        if node.gap and self._has_participles:
            return stem + affixes["participle"], {"VerbForm": "Part"}
        if node.tense == "Inf":
            return stem, {"VerbForm": "Inf"}
        # The future has an auxiliary and no ending.
        features = {"VerbForm": "Fin", "Tense": "Past" if node.tense == "Past" else "Pres"}
        form = stem + (affixes["past"] if node.tense == "Past" else "")
        if "verb" in self.typology.agreement:
            features["Number"] = "Plur" if node.plural else "Sing"
            form += affixes["verb_plural"] if node.plural else ""
        return form, features

    def _set_spaces(self, tokens: list[Token]) -> None:
        for token, following in pairwise(tokens):
            token.space_after = self.typology.spaced and following.tag != "PUNCT"

    def _contract(self, utterance: Utterance) -> None:
        """Write pairs of words as one: an adposition and its noun's article, or a negation and the verb or auxiliary beside it."""
        for place, (first, second) in enumerate(pairwise(utterance.tokens), 1):
            together = first.head == second.head or first.head == place + 1 or second.head == place
            if not together or (place - 1, place) in utterance.contractions:
                continue
            article = "PronType=Art" in second.features and first.tag == "ADP"
            negation = "PART" in (first.tag, second.tag) and {"VERB", "AUX"} & {first.tag, second.tag}
            if (self.typology.contractions == "articles" and article) or (self.typology.contractions == "negation" and negation):
                utterance.contractions[place, place + 1] = _merge(first.form, second.form)


def _belongs_to_clause(child: Node, predicate: Node) -> bool:
    """Whether a child stands in its predicate's clause and not in the phrase around the predicate."""
    if child.relation == "advmod":
        return predicate.tag == "VERB" or child.tag == "PART"
    return child.relation in CLAUSE_RELATIONS or (child.relation == "conj" and child.is_clause)


def _slot(child: Node) -> str:
    if child.tag == "PART":
        return "PART"
    return "relative" if child.concept == "which" else child.relation


def _merge(first: str, second: str) -> str:
    """Two words written as one; of two equal letters that meet, one stays."""
    return first + (second[1:] if first[-1] == second[0] and len(second) > 1 else second)


def _write_cased(phonemes: str, script: str) -> str:
    """A word in a script, with a capital where the phonemes have one."""
    written = write_word(phonemes.lower(), script)
    return written[0].upper() + written[1:] if phonemes[:1].isupper() else written
