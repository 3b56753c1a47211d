"""The invented world: same seed, same bytes; published formats; known answers; as ambiguous and as open as promised."""

import copy
import unicodedata
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from random import Random

import conllu
import numpy as np
import pytest
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from xlprobe.artifacts.tokenizer_folder import load_sentencepiece
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.corpus.tokenization import CleanedCorpus, train_sentencepiece
from xlprobe.datasets.bitexts import read_bitext
from xlprobe.datasets.conllu import read_treebank
from xlprobe.paths import PROJECT
from xlprobe.study import config as configuration
from xlprobe.study import config_schema, inventory
from xlprobe.study.catalogue import world_family
from xlprobe.world.grammar import InventedLanguage, Utterance
from xlprobe.world.languages import World, typology
from xlprobe.world.lexicon import proto_lexicon, write_word
from xlprobe.world.meaning import ConceptCounts, Concepts, MeaningGrammar, Node, number_keys
from xlprobe.world.nli import MeaningPair, label_of
from xlprobe.world.publication import (
    alignment_lines,
    gold_links,
    pair_meanings,
    parallel_meanings,
    published_files,
    treebank_meanings,
    write_world,
)
from xlprobe.world.publication import conllu as as_conllu

COUNTS = ConceptCounts(nouns=60, verbs=30, adjectives=20, adverbs=10, names=40)


@pytest.fixture(scope="module")
def settings() -> dict:
    """The demo's world."""
    return configuration.complete(yaml.safe_load((PROJECT / "config.yaml").read_text()))["world"]


@pytest.fixture(scope="module")
def world(settings) -> World:
    return World(settings)


@pytest.fixture(scope="module")
def small(settings) -> dict:
    """The same with fewer documents and pairs."""
    return settings | {"documents": 40, "pairs": {"train": 60, "dev": 30, "test": 30}}


@pytest.fixture(scope="module")
def published(small, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(small, folder, folder / "world.x.json", 2)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trees(path: Path) -> list[conllu.TokenList]:
    return conllu.parse(path.read_text(encoding="utf-8"))


def words(sentence: conllu.TokenList) -> list[conllu.Token]:
    return [token for token in sentence if isinstance(token["id"], int)]


def is_projective(heads: list[int]) -> bool:
    """Whether no two arcs cross, the arc from the root at place 0 among them."""
    arcs = [tuple(sorted((place, head))) for place, head in enumerate(heads, 1)]
    return not any(a < c < b < d for a, b in arcs for c, d in arcs)


def test_the_same_seed_gives_the_same_bytes_and_another_another_world(small, published, tmp_path):
    write_world(small, tmp_path / "again", tmp_path / "again" / "world.x.json", 1)
    again = files(tmp_path / "again")
    assert again == files(published) and sorted(again) == sorted([*published_files(small), "world.x.json"])
    write_world(small | {"seed": small["seed"] + 1}, tmp_path / "other", tmp_path / "other" / "world.x.json", 2)
    other = files(tmp_path / "other")
    assert other.keys() == again.keys()
    assert [path for path in other if other[path] == again[path]] == ["factors/syntactic_distance.tsv"]


def test_a_seventh_language_leaves_the_others_as_they_are(small, published, tmp_path):
    larger = copy.deepcopy(small)
    larger["languages"]["qcb"] = larger["languages"]["qca"] | {
        "name": "Mirel",
        "parent": "qca",
        "script": "latin",
        "distance": 0.1,
        "sound_changes": 2,
    }
    write_world(larger, tmp_path, tmp_path / "world.x.json", 2)
    before, after = files(published), files(tmp_path)
    changed = {"factors/languages.tsv", "factors/syntactic_distance.tsv", "world.x.json"}
    assert {path for path in before if after[path] != before[path]} == changed
    assert {
        "cc100/qcb.txt.xz",
        "ud/UD_Mirel-PUD/qcb_pud-ud-test.conllu",
        "xnli/test-qcb.tsv",
        "alignments/qca_qcb/qca_qcb.gold",
    } <= after.keys()


def test_treebanks_are_sound(settings, published):
    for code, chosen in settings["languages"].items():
        sentences = [tree for path in sorted(published.glob(f"ud/*/{code}_*.conllu")) for tree in trees(path)]
        multiword, crossing = 0, 0
        for sentence in sentences:
            inner = words(sentence)
            assert [word["id"] for word in inner] == list(range(1, len(inner) + 1))
            assert [word["head"] for word in inner].count(0) == 1 == [word["deprel"] for word in inner].count("root")
            assert all(0 <= word["head"] <= len(inner) and word["head"] != word["id"] for word in inner)
            assert all(list(word["feats"] or {}) == sorted(word["feats"] or {}) for word in inner)
            crossing += not is_projective([word["head"] for word in inner])
            text, hidden = "", 0
            for token in sentence:
                if isinstance(token["id"], tuple):
                    multiword, hidden = multiword + 1, token["id"][2]
                elif token["id"] <= hidden:
                    continue
                text += token["form"] + ("" if (token["misc"] or {}).get("SpaceAfter") == "No" else " ")
            assert text.rstrip() == sentence.metadata["text"]
            assert chosen["script"] != "syllabic" or " " not in text.rstrip()
        assert (multiword > 0) == (chosen["contractions"] != "none"), code
        assert (crossing > 0) == chosen["extraposed_relatives"], code


def test_our_reader_reads_what_was_meant(world, published):
    """Tags, heads and relations that come out are those that went in."""
    for code, language in world.languages.items():
        (path,) = published.glob(f"ud/*/{code}_world-ud-dev.conllu")
        for sentence, meaning in zip(read_treebank(path), treebank_meanings(world, code, "dev"), strict=True):
            tokens = language.say(meaning).tokens
            assert [(w.form, w.upos, w.head, w.deprel) for w in sentence.words] == [(t.form, t.tag, t.head, t.relation) for t in tokens]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_words_are_ambiguous_and_open_as_in_real_text(settings, seed):
    world = World(settings | {"seed": seed})
    for code, language_here in world.languages.items():
        tags: defaultdict[str, set[str]] = defaultdict(set)
        forms: dict[str, list[str]] = {}
        for split in ("train", "dev", "test"):
            tokens = [token for said in treebank_meanings(world, code, split) for token in language_here.say(said).tokens]
            forms[split] = [token.form for token in tokens]
            for token in tokens:
                tags[token.form].add(token.tag)
        ambiguous = np.mean([len(tags[form]) > 1 for form in forms["test"]])
        unseen = np.mean([form not in set(forms["train"]) for form in forms["test"]])
        assert ambiguous >= 0.15 and unseen >= 0.10, (code, ambiguous, unseen)


def test_parallel_sentences_join_by_sent_id(settings, published):
    ids = {code: [tree.metadata["sent_id"] for tree in trees(next(published.glob(f"ud/*/{code}_pud*")))] for code in settings["languages"]}
    assert len({tuple(names) for names in ids.values()}) == 1 and len(next(iter(ids.values()))) == settings["sentences"]["parallel"]


def test_relatives_share_more_of_their_words_and_grammar(world, settings):
    def likeness(one: str, other: str) -> float:
        """Share of concepts whose roots begin with the same two sounds."""
        pairs = [(root, world.languages[other].lexicon.roots[word]) for word, root in world.languages[one].lexicon.roots.items()]
        return float(np.mean([a[:2] == b[:2] for a, b in pairs]))

    related: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for one, other in combinations(settings["languages"], 2):
        same = world_family(settings["languages"], one) == world_family(settings["languages"], other)
        related[same].append((likeness(one, other), world.syntactic_distance(one, other)))
    assert min(related[True])[0] > max(related[False])[0]
    assert np.mean([distance for _, distance in related[True]]) < np.mean([distance for _, distance in related[False]])


def language(family: str = "f", **chosen: object) -> InventedLanguage:
    """A language with the schema's defaults but for what is chosen."""
    rule = config_schema.schema()["properties"]["world"]["properties"]["languages"]["patternProperties"][r"^q[a-t][a-z]\Z"]
    defaults = {key: value["default"] for key, value in rule["properties"].items() if "default" in value}
    return InventedLanguage(typology(defaults | chosen), proto_lexicon(family, COUNTS, 1), ["Anna"])


def meaning() -> Node:
    """`Anna sees a dog in the house.`"""
    root = Node("VERB", 5, "root", tense="Past")
    root.add(Node("PROPN", 0, "nsubj"))
    root.add(Node("NOUN", 1, "obj")).add(Node("DET", "a", "det"))
    place = root.add(Node("NOUN", 2, "obl"))
    place.add(Node("ADP", "in", "case"))
    place.add(Node("DET", "the", "det"))
    root.add(Node("PUNCT", ".", "punct"))
    return number_keys(root)


def skeleton(utterance: Utterance) -> list[tuple[str, int, str]]:
    return [(token.tag, token.head, token.relation) for token in utterance.tokens]


def test_a_known_sentence_comes_out_as_its_grammar_says():
    english_like = language(articles="both").say(meaning())
    assert skeleton(english_like) == [
        ("PROPN", 2, "nsubj"),
        ("VERB", 0, "root"),
        ("DET", 4, "det"),
        ("NOUN", 2, "obj"),
        ("ADP", 7, "case"),
        ("DET", 7, "det"),
        ("NOUN", 2, "obl"),
        ("PUNCT", 2, "punct"),
    ]
    assert english_like.tokens[0].form == "Anna" and english_like.tokens[1].features == "Number=Sing|Tense=Past|VerbForm=Fin"
    turkish_like = language(word_order="SOV", head_direction="final", marking="case", script="cyrillic").say(meaning())
    assert skeleton(turkish_like) == [
        ("PROPN", 4, "nsubj"),
        ("NOUN", 4, "obl"),
        ("NOUN", 4, "obj"),
        ("VERB", 0, "root"),
        ("PUNCT", 4, "punct"),
    ]
    assert [token.features for token in turkish_like.tokens[:3]] == [f"Case={case}|Number=Sing" for case in ("Nom", "Loc", "Acc")]
    assert (
        turkish_like.tokens[1].form.startswith(turkish_like.tokens[1].lemma) and turkish_like.tokens[1].form != turkish_like.tokens[1].lemma
    )
    chinese_like = language(head_direction="final", script="syllabic").say(meaning())
    assert [token.tag for token in chinese_like.tokens] == ["PROPN", "NOUN", "ADP", "VERB", "NOUN", "PUNCT"]
    assert chinese_like.text == "".join(token.form for token in chinese_like.tokens)


@pytest.mark.parametrize("word_order", ["SVO", "SOV", "VSO", "VOS", "OVS", "OSV"])
@pytest.mark.parametrize("head_direction", ["initial", "final"])
@pytest.mark.parametrize("contractions", ["articles", "negation"])
def test_every_order_says_everything_once(world, word_order, head_direction, contractions):
    orders = {"word_order": word_order, "head_direction": head_direction, "contractions": contractions}
    chosen = world.settings["languages"]["qaa"] | orders
    speaker = InventedLanguage(typology(chosen), world.languages["qaa"].lexicon, world.languages["qaa"].names)
    for said in parallel_meanings(world)[:100]:
        utterance = speaker.say(said)
        keys = [token.key for token in utterance.tokens]
        assert len(set(keys)) == len(keys) and sorted([*keys, *utterance.absorbed]) == [node.key for node in said.walk()]
        assert is_projective([token.head for token in utterance.tokens])
        for first, second in utterance.contractions:
            heads = utterance.tokens[first - 1].head, utterance.tokens[second - 1].head
            assert heads[0] == heads[1] or heads[0] == second or heads[1] == first, "what is written as one belongs together"
    order = "".join({"nsubj": "S", "obj": "O", "root": "V"}.get(token.relation, "") for token in speaker.say(meaning()).tokens)
    assert order == word_order


def test_conjuncts_share_their_case_and_one_is_singular():
    root = Node("VERB", 5, "root", tense="Pres")
    root.add(Node("PROPN", 0, "nsubj"))
    thing = root.add(Node("NOUN", 1, "obj"))
    other = thing.add(Node("NOUN", 2, "conj"))
    other.add(Node("CCONJ", "and", "cc"))
    tokens = language(word_order="SOV", head_direction="final", marking="case").say(number_keys(root)).tokens
    assert [token.features for token in tokens if token.tag == "NOUN"] == ["Case=Acc|Number=Sing"] * 2
    grammar = MeaningGrammar(Concepts(COUNTS, 1), Random(1))
    counted = [node for _ in range(300) for node in grammar.sentence().walk() if node.child("nummod")]
    assert all(node.plural == (node.child("nummod").concept != 0) for node in counted) and len({node.plural for node in counted}) == 2


def test_auxiliaries_are_finite_in_the_verbs_place():
    root = Node("VERB", 5, "root", tense="Inf", plural=True)
    root.add(Node("PRON", "they", "nsubj", plural=True))
    root.add(Node("AUX", "can", "aux", plural=True, tense="Past"))
    features = {token.tag: token.features for token in language().say(number_keys(root)).tokens}
    assert features["AUX"] == "Number=Plur|Tense=Past|VerbForm=Fin" and features["VERB"] == "VerbForm=Inf"


def test_a_daughter_has_the_sounds_that_are_left():
    proto = proto_lexicon("f", COUNTS, 1)
    for number in range(20):
        daughter = proto.daughter(0.3, 5, Random(number))
        sounds = set("".join([*daughter.phonology.onsets, *daughter.phonology.vowels, *daughter.phonology.codas]))
        assert set("".join(daughter.roots.values())) <= sounds and daughter.roots != proto.roots


def test_gold_alignment_of_a_known_sentence_in_every_layout():
    source = language(articles="both").say(meaning())  # Anna sees a dog in the house .
    target = language("g", word_order="SOV", head_direction="final", marking="case").say(meaning())  # Anna house-in dog-acc sees .
    sure, possible = gold_links(source, target)
    assert sure == {(0, 0), (1, 3), (3, 2), (6, 1), (7, 4)}
    assert possible == {(2, 2), (4, 1), (5, 1)}
    assert gold_links(target, source) == ({(t, s) for s, t in sure}, {(t, s) for s, t in possible})

    def gold(layout: str) -> list[str]:
        return alignment_lines(layout, [(sure, possible)], [source], [target])[-1]

    assert gold("pharaoh") == ["0-0 1-3 2p2 3-2 4p1 5p1 6-1 7-4"]
    assert gold("awesome") == ["1-1 2-4 3p3 4-3 5p2 6p2 7-2 8-5"]
    assert gold("simalign") == ["0\t0-0 1-3 2p2 3-2 4p1 5p1 6-1 7-4"]
    assert gold("wpt") == ["1 1 1 S", "1 2 4 S", "1 3 3 P", "1 4 3 S", "1 5 2 P", "1 6 2 P", "1 7 2 S", "1 8 5 S"]


@pytest.mark.parametrize("layout", ["pharaoh", "awesome", "wpt", "simalign"])
def test_published_alignments_are_read_back_as_they_were_meant(settings, tmp_path, layout):
    few = {"documents": 10, "pairs": dict.fromkeys(settings["pairs"], 0), "sentences": dict.fromkeys(settings["sentences"], 60)}
    chosen = settings | few | {"alignment_layout": layout}
    write_world(chosen, tmp_path, tmp_path / "world.x.json", 2)
    world = World(chosen)
    for bitext in inventory.alignments({"world": chosen}).values():
        read = read_bitext(bitext.layout, [tmp_path / path for path in bitext.files])
        said = [[world.languages[code].say(meaning) for meaning in parallel_meanings(world)] for code in (bitext.source, bitext.target)]
        for pair, source, target in zip(read, *said, strict=True):
            sure, possible = gold_links(source, target)
            assert pair.source == [token.form for token in source.tokens] and pair.target == [token.form for token in target.tokens]
            assert (pair.sure, pair.possible, pair.left_out) == (sure, sure | possible, 0)


def test_contracted_words_stand_as_multiword_tokens():
    contracting = language(articles="both", contractions="articles")
    utterance = contracting.say(meaning())
    block = as_conllu(utterance, "s-1")
    (line,) = [line for line in block.splitlines() if line.startswith("5-6\t")]
    form = line.split("\t")[1]
    assert f" {form} " in utterance.text and form.startswith(utterance.tokens[4].form)
    apart = language(articles="both").say(meaning())
    assert [token.form for token in utterance.tokens] == [token.form for token in apart.tokens]


def test_extraposed_relative_clauses_cross_arcs():
    def heads(extraposed: bool) -> list[int]:
        root = Node("VERB", 5, "root", tense="Past")
        root.add(Node("PROPN", 0, "nsubj"))
        clause = root.add(Node("NOUN", 1, "obj")).add(Node("VERB", 6, "acl:relcl", tense="Pres", gap="nsubj"))
        clause.add(Node("PRON", "which", "nsubj"))
        root.add(Node("ADV", 1, "advmod"))
        return [token.head for token in language(extraposed_relatives=extraposed).say(number_keys(root)).tokens]

    assert is_projective(heads(False)) and not is_projective(heads(True))


@pytest.mark.parametrize("script", ["latin", "greek", "cyrillic", "syllabic"])
def test_scripts_are_what_they_say(script):
    written = write_word("bolkantri", script)
    name = {"syllabic": "hangul"}.get(script, script).upper()
    assert all(unicodedata.name(letter).startswith(name) for letter in written)
    assert unicodedata.normalize("NFKC", written) == written


def test_labels_of_inference_pairs():
    """The table in the module, checked against all models of a dog, an animal, and what they do."""
    for more_general in (True, False):
        for premise_denied in (True, False):
            for hypothesis_denied in (True, False):
                outcomes = set()
                for dogs, others in ((0, 0), (0, 1), (1, 0), (1, 1)):  # are there a dog, and another animal, that bark
                    truth = {"specific": dogs > 0, "general": dogs + others > 0}
                    premise = truth["specific" if more_general else "general"] != premise_denied
                    hypothesis = truth["general" if more_general else "specific"] != hypothesis_denied
                    if premise:
                        outcomes.add(hypothesis)
                expected = {frozenset([True]): "entailment", frozenset([False]): "contradiction"}.get(frozenset(outcomes), "neutral")
                assert label_of(more_general, premise_denied, hypothesis_denied) == expected


def test_length_overlap_and_negation_do_not_tell_the_label(world):
    pairs = pair_meanings(world, "train")
    assert len(set(Counter(pair.label for pair in pairs).values())) == 1
    for pair in pairs:
        denied = [[node.tag for node in side.children].count("PART") for side in (pair.premise, pair.hypothesis)]
        # Logic alone: equal polarity never contradicts, unequal never entails. There is one clause to deny.
        assert pair.label != ("contradiction" if denied[0] == denied[1] else "entailment")
        assert not any(child.is_clause and child.relation in ("conj", "advcl") for child in pair.premise.children)
    for code in ("qaa", "qba", "qca"):
        language_here = world.languages[code]

        def clues(pair: MeaningPair, language_here: InventedLanguage = language_here) -> list[float]:
            premise, hypothesis = ([token.form for token in language_here.say(side).tokens] for side in (pair.premise, pair.hypothesis))
            shared = len(set(premise) & set(hypothesis))
            denied = any(node.tag == "PART" for node in pair.hypothesis.walk())
            return [len(premise), len(hypothesis), len(premise) - len(hypothesis), shared, shared / len(set(hypothesis)), denied]

        forest = RandomForestClassifier(50, min_samples_leaf=5, random_state=0)
        accuracy = cross_val_score(forest, [clues(pair) for pair in pairs], [pair.label for pair in pairs], cv=5).mean()
        assert accuracy < 0.40, (code, accuracy)


def straddling(corpora: dict[str, Path], treebanks: dict[str, list[Path]], vocabulary: int, folder: Path) -> dict[str, float]:
    """Share of words that share a subword with a neighbour, by treebank, under a tokenizer trained on some corpora."""
    cleaned = []
    for code, source in corpora.items():
        train, counts = folder / f"{code}.zst", folder / f"{code}.json"
        clean_corpus(source, train, folder / f"{code}.valid.zst", counts, code, 0.02, 10, 1_000_000)
        cleaned.append(CleanedCorpus(train, counts))
    train_sentencepiece(cleaned, folder / "model", vocabulary, 0.3, 30_000, 0.9995, 1)
    processor = load_sentencepiece(folder / "model")
    shares = {}
    for name, paths in treebanks.items():
        shared = total = 0
        for sentence in (sentence for path in paths for sentence in read_treebank(path)):
            text = "".join(word.form for word in sentence.words)
            subwords = [subword.replace("▁", "") for subword in processor.encode(text, out_type=str)]
            if "".join(subwords) == text:  # normalisation changed nothing, so that places can be compared
                inside = set(np.cumsum([len(word.form) for word in sentence.words])[:-1]) - set(
                    np.cumsum([len(subword) for subword in subwords])
                )
                ends = np.cumsum([len(word.form) for word in sentence.words])
                shared += sum(end in inside or end - len(word.form) in inside for end, word in zip(ends, sentence.words, strict=True))
                total += len(sentence.words)
        shares[name] = shared / total
    return shares


def test_unspaced_words_share_subwords_no_more_than_real_ones(settings, real_data, tmp_path):
    """XLM-R's tokenizer is no part of the data; one trained on less text joins fewer words, so the bound is a strict one."""
    real = straddling(
        {code: real_data / "cc100" / f"{code}.txt.xz" for code in ("en", "th", "zh")},
        {"zh_gsd": sorted(real_data.glob("ud/*/zh_gsd-ud-test*")), "th_pud": sorted(real_data.glob("ud/*/th_pud-ud-test*"))},
        12_000,
        tmp_path,
    )
    write_world(
        settings | {"documents": 500, "pairs": dict.fromkeys(settings["pairs"], 0)},
        tmp_path / "world",
        tmp_path / "world" / "world.x.json",
        2,
    )
    invented = straddling(
        {code: tmp_path / "world" / "cc100" / f"{code}.txt.xz" for code in settings["languages"]},
        {"qca_world": sorted((tmp_path / "world").glob("ud/*/qca_world-ud-test*"))},
        yaml.safe_load((PROJECT / "config.yaml").read_text())["tokenizer"]["vocabulary_size"],
        tmp_path,
    )
    assert invented["qca_world"] <= min(real.values())
