"""What a run reads from upstream: which files, where they lie inside its `sources/`, and where each is published.

`sources/` has the layout of `data.root`, which is upstream's: `cc100/<language>.txt.xz`, `ud/<folder>/<treebank>-ud-<split>.conllu`
(`ud-<release>/` for a release that is not the default), `conll2017/<Language>-annotated-conll17.tar`, `xnli/XNLI-1.0/`,
`xnli/XNLI-MT-1.0/`, `tokenizers/`, and alignment sets where `resources/alignments.tsv` says.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Any
from urllib.parse import unquote, urlsplit

from xlprobe.artifacts.splits import SPLITS, split_file
from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.study import config as configuration
from xlprobe.study import config_schema, inventory, resource_tables
from xlprobe.study.catalogue import Source, nli_name
from xlprobe.study.runs import PLACEHOLDERS, runs


@dataclass(frozen=True)
class Place:
    """Where something is published: as a source of `resources/sources.tsv`, at an address, or as a path on this machine."""

    source: Source | None = None
    address: str = ""
    path: Path | None = None


@dataclass(frozen=True)
class Need:
    """One upstream file that a run reads.

    Attributes:
        path: where it lies inside `sources/`.
        what: what it is, for messages and lists.
        reader: what it is read as, and by which name: ("treebank", "en_ewt").
        place: where it is published; no place at all where no table says.
        fields: what stands for the {fields} of the source's address, member and advice.
        bytes: the size of what is downloaded, where it is known.
    """

    path: str
    what: str
    reader: tuple[str, str]
    place: Place
    fields: Mapping[str, object] = field(default_factory=dict)
    bytes: int | None = None

    @property
    def address(self) -> str:
        """Where it, or the archive that holds it, is downloaded; nothing where it cannot be."""
        return self._filled("address") if self.place.source else self.place.address

    @property
    def member(self) -> str:
        """Its name inside the archive at `address`; nothing where that is no archive."""
        return self._filled("member")

    @property
    def archive(self) -> str:
        """Where the archive that holds it lies inside `sources/`; nothing where there is none."""
        return f"downloads/{_file_name(self.address)}" if self.member and self.address else ""

    @property
    def obtain(self) -> str:
        """How to get it by hand, as far as a table says."""
        return self._filled("obtain")

    def _filled(self, name: str) -> str:
        if not self.place.source:
            return ""
        try:
            return getattr(self.place.source, name).format(**self.fields)
        except KeyError as error:
            raise XlprobeError(
                f"resources/sources.tsv: the {name} of {self.place.source.name!r} holds {{{error.args[0]}}}, which nothing fills in for"
                f" {self.what}; correct it"
            ) from None


@dataclass(frozen=True)
class Repository:
    """A model's checkpoints that lie on the Hugging Face hub.

    Attributes:
        model: its name in the configuration.
        place, revision: as the configuration has them, placeholders and all.
        checkpoints: where each is published in the run: `multiberts/seed_3/20000`.
        source: what the table of sources says of the repository.
    """

    model: str
    place: str
    revision: str
    checkpoints: tuple[str, ...]
    source: Source | None


def repositories(config: dict[str, Any]) -> list[Repository]:
    """The repositories of the Hugging Face hub that a completed configuration reads, by model."""
    known = {source.hub: source for source in resource_tables.sources().values() if source.hub}
    everything = runs(config["models"])
    found = []
    for model, settings in config["models"].items():
        if place := settings.get("huggingface", {}).get("repository"):
            mine = (run for run in everything.values() if run.model == model)
            checkpoints = tuple(f"{run.name}/{step}" for run in mine for step in run.steps)
            found.append(Repository(model, place, settings["huggingface"]["revision"], checkpoints, known.get(place)))
    return found


def locate(value: str, key: str, fields: Iterable[str] = ()) -> Place:
    """Where a value of the configuration leads: a source's name, an http(s) address, or a path.

    Args:
        key: the configuration's, for messages.
        fields: names that stand for a {field} in the source's address; a source with others is a set of files.

    Raises:
        ConfigError: there is no such source or path, the source is a set of files, or the address is not http(s).
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value):
        if not re.match("https?://", value):
            raise ConfigError(f"config key {key}: found {value!r}, expected an http or https address, a source's name or a path")
        return Place(address=value)
    known = resource_tables.sources()
    if value in known:
        if unknown := _fields(known[value]) - {*fields}:
            raise ConfigError(
                f"config key {key}: source {value!r} is a set of files, told apart by {', '.join(sorted(unknown))}; name another"
            )
        return Place(known[value])
    path = Path(value).expanduser()
    if path.exists():
        return Place(path=path)
    near = difflib.get_close_matches(value, known, n=1)
    advice = f"did you mean {near[0]!r}?" if near else "name a source of resources/sources.tsv, an http(s) address or a path that exists"
    raise ConfigError(f"config key {key}: {value!r} is no source and there is no such file; {advice}")


def needs(config: dict[str, Any]) -> list[Need]:
    """Every upstream file that a completed configuration reads, as it is published; a world's own files are none.

    Repositories of the Hugging Face hub are not among them: they are sets of files that the hub tells.

    Raises:
        ConfigError: a place that the configuration names leads nowhere.
    """
    return [*([] if config["world"] else _published(config)), *_tokenizers(config), *_checkpoints(config)]


def _tokenizers(config: dict[str, Any]) -> Iterator[Need]:
    """SentencePiece models, where the configuration names a source or an address; a path is read where it lies."""
    named = {"": ("tokenizer.model", config["tokenizer"]["model"])}
    named |= {
        name: (f"models.{run.model}.fairseq.sentencepiece", run.settings["sentencepiece"])
        for name, run in runs(config["models"]).items()
        if run.kind == "fairseq"
    }
    for reader, (key, value) in named.items():
        place = locate(value, key) if value else Place()
        if not (place.source or place.address):
            continue
        # Two addresses can end in one name; what came from the one is not to be taken for the other.
        name = place.source.name if place.source else f"{configuration.digest({'address': place.address})}.{_file_name(place.address)}"
        size = place.source.bytes if place.source else None
        yield Need(f"tokenizers/{name}", "the SentencePiece model", ("tokenizer", reader), place, {}, size)


def _checkpoints(config: dict[str, Any]) -> Iterator[Need]:
    """fairseq's checkpoints, where a configuration names a source or an address; paths are read where they lie."""
    for name, run in runs(config["models"]).items():
        if run.kind != "fairseq":
            continue
        key, pattern = f"models.{run.model}.fairseq.checkpoints", run.settings["checkpoints"]
        # Named after where they come from: files of another suite are never taken for these.
        source = resource_tables.sources().get(pattern)
        folder = "/".join(["models", source.name if source else configuration.digest({"address": pattern}), *name.split("/")[1:]])
        for step in run.steps:
            place = locate(pattern, key, PLACEHOLDERS) if source else _address(run.place("checkpoints", step), key)
            if place:
                what = f"the checkpoint of {name} at step {step}"
                yield Need(f"{folder}/{step}.pt", what, ("checkpoint", f"{name}/{step}"), place, run.fields(step))


def _address(value: str, key: str) -> Place | None:
    """An address; None for a path."""
    return locate(value, key) if "://" in value else None


def treebank_path(release: str, folder: str, file: str) -> str:
    """Where a file of a Universal Dependencies release lies inside `sources/`."""
    newest = config_schema.schema()["properties"]["data"]["properties"]["ud"]["default"]
    return f"{'ud' if release == newest else f'ud-{release}'}/{folder}/{file}"


def _published(config: dict[str, Any]) -> Iterator[Need]:
    yield from _corpora(config)
    yield from _treebanks(config)
    yield from _alignments(config)
    yield from _nli(config)


def _corpora(config: dict[str, Any]) -> Iterator[Need]:
    origin = config["corpus"]["source"]
    sizes, known = resource_tables.language_facts("cc100_bytes"), inventory.languages(config)
    for code in config["languages"]:
        if origin == "cc100":
            size = int(sizes[code]) if code in sizes else None
            what = f"the CC100 text of language {code!r}"
            yield _need(f"cc100/{code}.txt.xz", what, ("corpus", code), "cc100", size, language=code)
        else:
            name = known[code].conll2017
            path, what = f"conll2017/{name}-annotated-conll17.tar", f"the CoNLL 2017 text of language {code!r}"
            yield _need(path, what, ("corpus", code), "conll2017", language_name=name)


def _treebanks(config: dict[str, Any]) -> Iterator[Need]:
    release, known = config["data"]["ud"], inventory.treebanks(config)
    for name in config["treebanks"]:
        for split in known[name].splits:
            file, folder = split_file(name, split), known[name].folder
            what = f"the {split} set of treebank {name!r}"
            yield _need(treebank_path(release, folder, file), what, ("treebank", name), f"ud_{release}", folder=folder, file=file)


def _alignments(config: dict[str, Any]) -> Iterator[Need]:
    known = inventory.alignments(config)
    for name in config["alignments"]:
        for path in known[name].files:
            yield _need(path, f"a file of the alignment set {name!r}", ("alignment", name), name, file=PurePosixPath(path).name)


def _nli(config: dict[str, Any]) -> Iterator[Need]:
    """XNLI in its official layout: the test sets of all languages in one file, the train sets apart; of others, own files."""
    # Paper 1 takes all of XNLI's.
    of_xnli = [code for code, tasks in resource_tables.language_facts("paper1").items() if "xnli" in tasks.split()]
    for code in config["xnli"]:
        reader = ("xnli", nli_name(code))
        if code not in of_xnli:
            what = f"set of inference pairs in language {code!r}, which XNLI does not have"
            yield from (Need(f"xnli/{split}-{nli_name(code)}.tsv", f"the {split} {what},", reader, Place()) for split in SPLITS)
            continue
        for split in ("dev", "test"):
            file = f"xnli.{split}.tsv"
            yield _need(f"xnli/XNLI-1.0/{file}", f"XNLI's {split} set", reader, "xnli", file=file)
        file = f"multinli.train.{nli_name(code)}.tsv"
        yield _need(f"xnli/XNLI-MT-1.0/multinli/{file}", f"XNLI's train set in language {code!r}", reader, "xnli_mt", file=file)


def _need(path: str, what: str, reader: tuple[str, str], source: str, size: int | None = None, **fields: str) -> Need:
    """A need of the source of that name; of no place at all where the table does not have it."""
    found = resource_tables.sources().get(source)
    return Need(path, what, reader, Place(found), fields, size or (found.bytes if found else None))


def _fields(source: Source) -> set[str]:
    """The {fields} of a source's address, member, repository and advice."""
    parts = (parse for text in (source.address, source.member, source.hub, source.obtain) for parse in Formatter().parse(text))
    return {name for _, name, _, _ in parts if name}


def _file_name(address: str) -> str:
    return PurePosixPath(unquote(urlsplit(address).path)).name
