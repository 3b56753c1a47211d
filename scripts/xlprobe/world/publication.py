"""Writing a world as its data would be published: text, treebanks, parallel sets, inference pairs, alignments, factors.

cc100/<language>.txt.xz                                       CC100: a sentence a line, a blank line between documents
ud/UD_<Name>-World/<code>_world-ud-{train,dev,test}.conllu    Universal Dependencies v2
ud/UD_<Name>-PUD/<code>_pud-ud-test.conllu                    the same sentences in every language, joined by sent_id
xnli/{train,dev,test}-<code>.tsv                              premise, hypothesis, label; the same pairs in every language
alignments/<code>_<code>/                                     gold word alignments of the parallel sentences
factors/languages.tsv, factors/syntactic_distance.tsv         family, script, corpus size; distances between grammars
"""

import lzma
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any

from xlprobe.artifacts.splits import SPLITS, split_file
from xlprobe.files import atomic_path, write_json
from xlprobe.progress import progress
from xlprobe.study.catalogue import world_alignment, world_family, world_treebanks
from xlprobe.world.grammar import Utterance
from xlprobe.world.languages import World
from xlprobe.world.meaning import MeaningGrammar, Node
from xlprobe.world.nli import MeaningPair, nli_pairs

Settings = dict[str, Any]

SENTENCES_PER_DOCUMENT = (6, 14)
FACTOR_FILES = ("factors/languages.tsv", "factors/syntactic_distance.tsv")


def published_files(settings: Settings) -> list[str]:
    """The files that a world publishes, inside its folder."""
    languages = settings["languages"]
    return [
        *(f"cc100/{code}.txt.xz" for code in languages),
        *(path for code in languages for path in _treebank_files(settings, code)),
        *(f"xnli/{split}-{code}.tsv" for split in SPLITS if settings["pairs"][split] for code in languages),
        *(path for pair in combinations(languages, 2) for path in _alignment_files(settings, pair)),
        *FACTOR_FILES,
    ]


def write_world(settings: Settings, folder: Path, record: Path, processes: int) -> None:
    """Write everything that a world publishes, in upstream's layouts; equal settings give equal bytes.

    Args:
        settings: `world` of a completed configuration.
        record: where the settings are written down at last; records of other settings beside it are removed.
    """
    languages = settings["languages"]
    with ProcessPoolExecutor(processes) as pool:
        corpora = {code: pool.submit(_write_language, settings, code, folder) for code in languages}
        others: list[Future[Any]] = [pool.submit(_write_nli, settings, split, folder) for split in SPLITS if settings["pairs"][split]]
        others += [pool.submit(_write_alignment, settings, pair, folder) for pair in combinations(languages, 2)]
        for part in progress([*others, *corpora.values()], "world", "parts"):
            part.result()
    _write_factors(World(settings), {code: corpus.result() for code, corpus in corpora.items()}, folder)
    for other in record.parent.glob("world.*.json"):
        other.unlink()
    write_json(record, settings)


def corpus_documents(world: World, code: str) -> Iterator[list[str]]:
    """The documents of a language's corpus, each a list of sentences."""
    random = Random(f"corpus {world.seed} {code}")
    grammar, language = MeaningGrammar(world.concepts, random), world.languages[code]
    for _ in range(round(world.settings["documents"] * world.settings["languages"][code]["corpus_size"])):
        yield [language.say(meaning).text for meaning in grammar.document(random.randint(*SENTENCES_PER_DOCUMENT))]


def treebank_meanings(world: World, code: str, split: str) -> list[Node]:
    """The meanings of a split of a language's treebank; of no other language's."""
    return _meanings(world, Random(f"treebank {world.seed} {code} {split}"), world.settings["sentences"][split])


def parallel_meanings(world: World) -> list[Node]:
    """The meanings of the parallel test set, the same for every language."""
    return _meanings(world, Random(f"parallel {world.seed}"), world.settings["sentences"]["parallel"])


def pair_meanings(world: World, split: str) -> list[MeaningPair]:
    """The inference pairs of a split, the same for every language."""
    return nli_pairs(world.concepts, world.settings["pairs"][split], Random(f"pairs {world.seed} {split}"))


def gold_links(source: Utterance, target: Utterance) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Sure and possible links between the words of two translations, counted from 0.

    Two words that say the same concept are a sure link. A word whose concept the other language says within another
    word (an article or adposition that is no word there) is a possible link to that word.
    """
    places = [{token.key: place for place, token in enumerate(utterance.tokens)} for utterance in (source, target)]
    sure = {(places[0][key], places[1][key]) for key in places[0].keys() & places[1].keys()}
    possible = {(place, places[1][target.absorbed[key]]) for key, place in places[0].items() if key in target.absorbed}
    possible |= {(places[0][source.absorbed[key]], place) for key, place in places[1].items() if key in source.absorbed}
    return sure, possible - sure


def conllu(utterance: Utterance, sent_id: str) -> str:
    """A sentence as CoNLL-U."""
    lines = [f"# sent_id = {sent_id}", f"# text = {utterance.text}"]
    ends = {start: (end, form) for (start, end), form in utterance.contractions.items()}
    inside = 0
    for place, token in enumerate(utterance.tokens, 1):
        if place in ends:
            inside, form = ends[place]
            lines.append("\t".join((f"{place}-{inside}", form, *"_" * 7, _misc(utterance.tokens[inside - 1].space_after))))
        misc = "_" if place <= inside else _misc(token.space_after)
        columns = (place, token.form, token.lemma, token.tag, "_", token.features, token.head, token.relation, "_", misc)
        lines.append("\t".join(map(str, columns)))
    return "\n".join(lines) + "\n\n"


def alignment_lines(
    layout: str, links: Iterable[tuple[set[tuple[int, int]], set[tuple[int, int]]]], source: list[Utterance], target: list[Utterance]
) -> list[list[str]]:
    """Gold alignments in one of the published layouts; the words are the syntactic ones, contractions apart.

    Args:
        layout: pharaoh (`0-0 1p2`), awesome (the same from 1), wpt (`number source target S|P`, from 1) or simalign
            (`number<TAB>0-0 1p2`).

    Returns:
        The lines of each file: the sentences, in one file or in two, and last the links.
    """
    sides = [[" ".join(token.form for token in utterance.tokens) for utterance in side] for side in (source, target)]
    marked = [sorted([*((s, t, "S") for s, t in sure), *((s, t, "P") for s, t in possible)]) for sure, possible in links]
    if layout == "wpt":
        numbered = [[f"<s snum={number}>{text}</s>" for number, text in enumerate(side, 1)] for side in sides]
        gold = [f"{number} {s + 1} {t + 1} {mark}" for number, row in enumerate(marked, 1) for s, t, mark in row]
        return [*numbered, gold]
    first = 1 if layout == "awesome" else 0
    gold = [" ".join(f"{s + first}{'-' if mark == 'S' else 'p'}{t + first}" for s, t, mark in row) for row in marked]
    if layout == "simalign":
        return [[f"{number}\t{text}" for number, text in enumerate(lines)] for lines in (*sides, gold)]
    return [[f"{one} ||| {other}" for one, other in zip(*sides, strict=True)], gold]


def _misc(space_after: bool) -> str:
    return "_" if space_after else "SpaceAfter=No"


def _meanings(world: World, random: Random, count: int) -> list[Node]:
    grammar = MeaningGrammar(world.concepts, random)
    meanings: list[Node] = []
    while len(meanings) < count:
        meanings += grammar.document(4)
    return meanings[:count]


def _write_language(settings: Settings, code: str, folder: Path) -> int:
    """Write a language's corpus and treebanks; returns the corpus's size in bytes."""
    world = World(settings)
    language = world.languages[code]
    corpus = "\n\n".join("\n".join(document) for document in corpus_documents(world, code)) + "\n"
    _write(folder / "cc100" / f"{code}.txt.xz", corpus)
    meanings = [(f"{code}-{split}", treebank_meanings(world, code, split)) for split in SPLITS]
    meanings.append(("parallel", parallel_meanings(world)))
    for path, (name, sentences) in zip(_treebank_files(settings, code), meanings, strict=True):
        _write(folder / path, "".join(conllu(language.say(meaning), f"{name}-{n}") for n, meaning in enumerate(sentences, 1)))
    return len(corpus.encode())


def _write_nli(settings: Settings, split: str, folder: Path) -> None:
    world = World(settings)
    pairs = pair_meanings(world, split)
    for code, language in world.languages.items():
        rows = (f"{language.say(pair.premise).text}\t{language.say(pair.hypothesis).text}\t{pair.label}\n" for pair in pairs)
        _write(folder / "xnli" / f"{split}-{code}.tsv", "".join(rows))


def _write_alignment(settings: Settings, pair: tuple[str, str], folder: Path) -> None:
    world = World(settings)
    source, target = ([world.languages[code].say(meaning) for meaning in parallel_meanings(world)] for code in pair)
    links = [gold_links(*sentences) for sentences in zip(source, target, strict=True)]
    contents = alignment_lines(settings["alignment_layout"], links, source, target)
    for path, lines in zip(_alignment_files(settings, pair), contents, strict=True):
        _write(folder / path, "".join(f"{line}\n" for line in lines))


def _write_factors(world: World, corpus_bytes: dict[str, int], folder: Path) -> None:
    rows = ["code\tname\tfamily\tscript\tcorpus_bytes"]
    for code, chosen in world.settings["languages"].items():
        rows.append(
            f"{code}\t{chosen['name']}\t{world_family(world.settings['languages'], code)}\t{chosen['script']}\t{corpus_bytes[code]}"
        )
    _write(folder / FACTOR_FILES[0], "\n".join(rows) + "\n")
    rows = ["lang1\tlang2\tsyntactic_distance"]
    rows += [f"{one}\t{other}\t{world.syntactic_distance(one, other):.4f}" for one, other in product(world.languages, repeat=2)]
    _write(folder / FACTOR_FILES[1], "\n".join(rows) + "\n")


def _treebank_files(settings: Settings, code: str) -> list[str]:
    """A language's train, dev, test and parallel test set."""
    treebank, parallel = world_treebanks(code, settings["languages"][code]["name"])
    files = [f"ud/{treebank.folder}/{split_file(treebank.treebank, split)}" for split in SPLITS]
    return [*files, f"ud/{parallel.folder}/{split_file(parallel.treebank, 'test')}"]


def _alignment_files(settings: Settings, pair: tuple[str, str]) -> tuple[str, ...]:
    return world_alignment(*pair, settings["alignment_layout"]).files


def _write(path: Path, content: str) -> None:
    data = content.encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(lzma.compress(data) if path.suffix == ".xz" else data)
