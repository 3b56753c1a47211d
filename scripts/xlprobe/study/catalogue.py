"""What a run can name: languages, treebanks, inference sets, alignment sets, sources.

`resources` lists the real ones, a world adds its own.

No table is read here, so that code that needs only these entries does not change with the tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from xlprobe.artifacts.dataset_kinds import BITEXT, NLI, TREEBANK

# The parallel groups of the sets that UD (and a world, whose sets are named alike) and XNLI publish.
PUD, XNLI = "pud", "xnli"
# The layouts that alignment sets are read in (`xlprobe.datasets.bitexts`), and how many files each has.
ALIGNMENT_FILES = {"awesome": 2, "pharaoh": 2, "wpt": 3, "simalign": 3}


@dataclass(frozen=True)
class Language:
    """One corpus of CC100.

    `romanised_from` names the language that a romanised corpus transliterates, `conll2017` the language as the CoNLL 2017
    raw texts call it (blank where they have none).
    """

    code: str
    name: str
    family: str
    script: str
    romanised_from: str
    conll2017: str = ""


@dataclass(frozen=True)
class Treebank:
    """One UD treebank: its name (`en_ewt`), its language's CC100 code, its folder in a UD release (`UD_English-EWT`), its splits.

    `release` is the UD release whose names these are; blank for 2.2 and all later ones, which share theirs. `parallel` is the name
    of a group of test sets that hold the same sentences (PUD's); None of all other treebanks.
    """

    kind: ClassVar[str] = TREEBANK
    treebank: str
    language: str
    folder: str
    splits: tuple[str, ...]
    release: str = ""
    parallel: str | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The CC100 codes of its languages."""
        return (self.language,)

    @property
    def test_only(self) -> bool:
        """Whether no probe can be trained on it, as on parallel treebanks, which are test sets alone."""
        return "train" not in self.splits


@dataclass(frozen=True)
class NliSet:
    """XNLI in one language: its name (`xnli_zh`), the language's CC100 code (`zh-Hans`), XNLI's name of it (`zh`).

    The test set stands there twice, in the set that probes are trained on, and alone (`xnli_zh_test`), as a target of other
    languages' probes: so the large features of the training pairs are of no more use once these probes are trained.

    `published` tells sets whose text is as the files have it beside those in the run's one form (`xnli_zh_published`).
    """

    kind: ClassVar[str] = NLI
    parallel: ClassVar[str] = XNLI
    name: str
    language: str
    xnli_language: str
    test_only: bool
    published: bool = False

    @property
    def languages(self) -> tuple[str, ...]:
        """The CC100 codes of its languages."""
        return (self.language,)


@dataclass(frozen=True)
class AlignmentSet:
    """One bitext with gold word alignment: its name (`align_en_fr`), the CC100 codes of its languages, its layout and files.

    `files` are paths inside the data folder: the sentences, in one file or in two (source, target), and last the gold.
    """

    kind: ClassVar[str] = BITEXT
    parallel: ClassVar[None] = None
    name: str
    source: str
    target: str
    layout: str
    files: tuple[str, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """The CC100 codes of its languages, the source's first."""
        return (self.source, self.target)


@dataclass(frozen=True)
class Source:
    """One thing that others publish; of a set of alike files, `address`, `member` and `obtain` have {fields}.

    Attributes:
        name: what a configuration calls it.
        address: where it is downloaded; nothing where it has no free and stable address.
        member: which file inside the archive at `address` is meant; nothing where it is no archive.
        hub: its repository on the Hugging Face hub.
        sha256: of what lies at `address`, as somebody published it; the lock file decides where nobody did.
        bytes: its size, as published.
        unverified: what nobody has checked so far.
        evidence: how the rest is known.
        obtain: how to get it by hand.
        text_form: of inference pairs, what their text is: raw, tokenized, or both, first what stands in the plain columns.
    """

    name: str
    version: str
    address: str
    member: str
    hub: str
    sha256: str
    bytes: int | None
    licence: str
    citation: str
    unverified: str
    evidence: str
    obtain: str
    text_form: str = ""


def nli_sets(codes: Iterable[str], published: Iterable[str] = ()) -> dict[str, NliSet]:
    """XNLI's sets of some languages, given by CC100's codes, by name: of each language the whole one, and its test set alone.

    Args:
        published: languages of which the same two stand there as published, too.
    """
    found = {}
    for code, as_published in (*((code, False) for code in codes), *((code, True) for code in published)):
        language = nli_name(code)
        whole = f"xnli_{language}_published" if as_published else f"xnli_{language}"
        for name, test_only in ((whole, False), (f"{whole}_test", True)):
            found[name] = NliSet(name, code, language, test_only, as_published)
    return found


def are_comparable(source: Treebank | NliSet, target: Treebank | NliSet) -> bool:
    """Whether probes of a dataset are transferred to another: between XNLI's sets, where the text of both is in one form."""
    return getattr(source, "published", False) == getattr(target, "published", False)


def nli_name(code: str) -> str:
    """XNLI's name of a language, from CC100's code: `zh` for `zh-Hans`."""
    return code.removesuffix("-Hans")


def world_family(languages: Mapping[str, Mapping[str, Any]], code: str) -> str:
    """The proto-language that a language of a world comes from in the end; `languages` are those of its settings."""
    parent = languages[code]["parent"]
    return world_family(languages, parent) if parent in languages else parent


def world_treebanks(code: str, name: str) -> tuple[Treebank, Treebank]:
    """The treebank and the parallel test set that a world publishes of a language."""
    return (
        Treebank(f"{code}_world", code, f"UD_{name}-World", ("train", "dev", "test")),
        Treebank(f"{code}_pud", code, f"UD_{name}-PUD", ("test",), parallel=PUD),
    )


def world_alignment(source: str, target: str, layout: str) -> AlignmentSet:
    """The gold alignment that a world publishes of two languages' parallel test sets, in one of the layouts."""
    endings = ("source", "target", "gold") if ALIGNMENT_FILES[layout] == 3 else ("src-tgt", "gold")
    name = f"{source}_{target}"
    return AlignmentSet(f"align_{name}", source, target, layout, tuple(f"alignments/{name}/{name}.{ending}" for ending in endings))
