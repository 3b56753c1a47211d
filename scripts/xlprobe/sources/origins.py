"""Where each upstream file of a run comes from, looked for in this order.

The run's own `sources/`; the data folder (`data.root` or `XLPROBE_DATA`), whose files may be plain or compressed (.xz, .gz,
.zst); a download, of the file itself or of the archive that holds it; else by hand. What is in `sources/` stays: nothing is
made again there, and deleting a file is how to have it made anew.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from xlprobe.artifacts.splits import SPLITS, split_file, split_of_file
from xlprobe.errors import XlprobeError
from xlprobe.paths import RESOURCES
from xlprobe.sources import archives
from xlprobe.sources.downloads import Upstream
from xlprobe.sources.needs import Need, Place, Repository

# Links that many jobs read are made ahead of these: a job that makes one makes again what reads it.
LINKS_FIRST = (
    "and then `make run TARGETS=sources`, with your CONFIG, ahead of all else: what has only moved makes nothing again, and what is"
    " fetched or is another file makes again what was made of the old one"
)
# What files were when they were first fetched: for everyone who works with this copy, so beside the table of sources.
LOCK = RESOURCES / "sources.lock.tsv"
COMPRESSIONS = (".xz", "", ".zst", ".gz")
THERE, FOLDER, DOWNLOAD, ARCHIVE, BY_HAND = "already there", "data folder", "download", "in an archive", "by hand"


@dataclass(frozen=True)
class Origin:
    """Where one needed file comes from.

    Attributes:
        path: inside `sources/`; compressed or not, as it was found.
        way: one of THERE, FOLDER, DOWNLOAD, ARCHIVE, BY_HAND.
        file: what a link has to lead to, where the way is FOLDER.
    """

    need: Need
    path: str
    way: str
    file: Path | None = None


@dataclass
class Plan:
    """What has to be made of a run's `sources/`, by path inside it: nothing that is there."""

    links: dict[str, Path] = field(default_factory=dict)
    members: dict[str, tuple[str, str]] = field(default_factory=dict)  # the archive, and the name in there
    downloads: dict[str, Upstream] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)  # to unpack, with the published sha256
    by_hand: dict[str, str] = field(default_factory=dict)  # what only a person can get, with advice


def data_folder(root: str | None) -> Path | None:
    """The data folder that data.root names, or the environment variable XLPROBE_DATA where it is null.

    Raises:
        XlprobeError: there is no such folder.
    """
    key, value = ("data.root", root) if root else ("XLPROBE_DATA", os.environ.get("XLPROBE_DATA"))
    if not value:
        return None
    folder = Path(value).expanduser().resolve()
    if not folder.is_dir():
        raise XlprobeError(f"{key}: there is no folder {folder}; correct it, or leave it unset to download what is needed")
    return folder


def origins(needs: Iterable[Need], sources: Path, root: Path | None) -> list[Origin]:
    """Where each need of a run comes from.

    Of a treebank and of XNLI, what the data folder holds decides which files there are: splits, compression, XTREME's layout.

    Args:
        sources: the run's own folder.
        root: the data folder.

    Raises:
        XlprobeError: a treebank's train or test set is missing beside its other splits, or links of an earlier run lead nowhere, or to
            other files than the data folder now holds. A copy of the same size and time is the same file.
    """
    found: list[Origin] = []
    for (kind, name), group in groupby(needs, key=lambda need: need.reader):
        wanted = list(group)
        if kind == "treebank":
            found += _treebank(name, wanted, sources, root)
        elif kind == "xnli":
            found += _nli(name, wanted, sources, root)
        else:
            found += [_origin(need, sources, root) for need in wanted]
    _check_no_link_dangles([origin for origin in found if origin.way != THERE], sources)
    if root:
        _check_links([origin for origin in found if origin.way == THERE], sources, root)
    return found


def stamp(file: Path) -> list[int]:
    """A file's size and time, in bytes and nanoseconds: a copy that keeps both is taken for the same file."""
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def refuse_missing(found: Iterable[Origin], sources: Path, repositories: Iterable[Repository]) -> None:
    """Stop at what would have to be fetched, for runs whose `data.download` is false.

    Args:
        sources: the run's own folder.
        repositories: of the Hugging Face hub.

    Raises:
        XlprobeError: something is neither there nor in the data folder, or a checkpoint on the hub is not published yet.
    """

    def published(checkpoint: str) -> bool:
        return (sources.parent / "checkpoints" / checkpoint / "identity.json").exists()

    for repository in repositories:
        for checkpoint in repository.checkpoints:
            if not published(checkpoint):
                raise XlprobeError(
                    f"checkpoint {checkpoint} lies on the Hugging Face hub ({repository.place}), and nothing is fetched while data.download"
                    " is false; set it to true, or name a folder"
                )
    for origin in found:
        kind, name = origin.need.reader
        # What a checkpoint was made of is deleted once it is published.
        if origin.way in (DOWNLOAD, ARCHIVE, BY_HAND) and not (kind == "checkpoint" and published(name)):
            raise XlprobeError(
                f"{origin.need.what} was not found, and nothing is fetched while data.download is false; set data.root or XLPROBE_DATA to"
                f" a folder that holds {origin.path} (plain or .xz, .zst, .gz)"
            )


def advice(origin: Origin, sources: Path) -> str:
    """What to do about a file that is neither there nor in the data folder, and of which no address is known."""
    return (
        f"{origin.need.what} was not found and no address of it is known; {by_hand(origin)} as {sources / origin.path},"
        f" or in a folder that data.root or XLPROBE_DATA names, as {origin.path}"
    )


def by_hand(origin: Origin) -> str:
    """What to do to get a file without an address, up to where to put it."""
    return f"{origin.need.obtain}, and put it there" if origin.need.obtain else "put it there"


def plan(found: Iterable[Origin], sources: Path, root: Path | None) -> Plan:
    """What has to be linked, downloaded and unpacked."""
    result = Plan()
    for origin in found:
        upstream = upstream_of(origin.need)
        if origin.way == BY_HAND:
            result.by_hand[origin.path] = advice(origin, sources)
        elif origin.way == FOLDER and origin.file:
            result.links[origin.path] = origin.file
        elif origin.way == DOWNLOAD:
            result.downloads[origin.path] = upstream
        elif origin.way == ARCHIVE:
            archive = origin.need.archive
            result.members[origin.path] = (archive, origin.need.member)
            if not _is_unpacked(sources / archive):
                result.archives[archive] = upstream.sha256
                if not (sources / archive).exists():
                    if root and (root / archive).is_file():
                        result.links[archive] = root / archive
                    else:
                        result.downloads[archive] = upstream
    return result


def upstream_of(need: Need) -> Upstream:
    """What is downloaded for a need, and what is known of it."""
    source = need.place.source
    return Upstream(need.address, source.sha256 if source else "", source.unverified if source else "", size=need.bytes or 0)


def _origin(need: Need, sources: Path, root: Path | None) -> Origin:
    stem = _stem(need.path)
    if path := _look_up(stem, sources):
        return Origin(need, path, THERE)
    if root and (path := _look_up(stem, root)):
        return Origin(need, path, FOLDER, root / path)
    if need.place.path:
        return Origin(need, need.path, FOLDER, need.place.path.resolve())
    if need.archive:
        # The data folder may be another run's sources/, which has unpacked the archive.
        if root and _is_unpacked(root / need.archive) and (root / archives.folder_of(need.archive) / need.member).is_file():
            return Origin(need, need.path, FOLDER, root / archives.folder_of(need.archive) / need.member)
        return Origin(need, need.path, ARCHIVE)
    return Origin(need, need.path, DOWNLOAD if need.address else BY_HAND)


def _treebank(name: str, wanted: Sequence[Need], sources: Path, root: Path | None) -> list[Origin]:
    """A treebank's files: the splits that the data folder holds, or all that the release has."""
    folder = PurePosixPath(wanted[0].path).parent
    stems = {split: _stem(f"{folder}/{split_file(name, split)}") for split in SPLITS}
    own = {split: sources / path for split, stem in stems.items() if (path := _look_up(stem, sources))}
    given = {split: root / path for split, stem in stems.items() if root and (path := _look_up(stem, root))}
    # What began as a download goes on as one: a treebank is of one release.
    if any(_is_downloaded(file, sources) for file in own.values()):
        return [_origin(need, sources, None) for need in wanted]
    if not (own or given):
        return [_origin(need, sources, root) for need in wanted]
    # The folder that links of an earlier run lead into says which splits there are when the data folder is not named any more.
    old = {split: file for link in own.values() for split, file in _beside(name, link.resolve().parent).items()}
    there = old | given | own
    published = {split_of_file(Path(need.path)) for need in wanted}
    # A dev set can be carved from train.
    if missing := [split for split in ("test", "train") if split in published and split not in there]:
        raise XlprobeError(
            f"the {missing[0]} set of treebank {name!r} is missing beside {next(iter(there.values()))}; add it, move that away, or take the"
            " treebank out of `treebanks`"
        )
    found = []
    for split in [split for split in SPLITS if split in there]:
        file = there[split]
        need = replace(wanted[0], what=f"the {split} set of treebank {name!r}", path=f"{folder}/{file.name}")
        found.append(Origin(need, need.path, THERE) if split in own else Origin(need, need.path, FOLDER, file))
    return found


def _beside(name: str, folder: Path) -> dict[str, Path]:
    return {split: folder / path for split in SPLITS if (path := _look_up(_stem(split_file(name, split)), folder))}


def _nli(name: str, wanted: Sequence[Need], sources: Path, root: Path | None) -> list[Origin]:
    """XNLI in one language: XTREME's layout where a folder has it, else the official one; what began as that goes on as that."""
    official = [_origin(need, sources, root) for need in wanted]
    # Dev and test sets are those of all languages, the train set is this one's.
    if official[-1].way == THERE:
        return official
    needed = [replace(wanted[0], path=f"xnli/{split}-{name}.tsv", place=Place(), what=f"XNLI's {split} set") for split in SPLITS]
    found = [_origin(need, sources, root) for need in needed]
    there = [origin for origin in found if origin.way in (THERE, FOLDER)]
    if there and (missing := [origin for origin in found if origin not in there]):
        beside = there[0].file or sources / there[0].path
        advice = ""
        if "/train-" in missing[0].path:
            advice = f"; XNLI's translated train set may stand in under that name, with datasets.nli_files: {{train-{name}: tokenized}}"
        raise XlprobeError(f"{missing[0].path} is missing beside {beside}; add it, or move that away{advice}")
    return there or official


def _check_links(there: Iterable[Origin], sources: Path, root: Path) -> None:
    """Refuse links of an earlier run that lead to other files than the data folder now holds; downloads stay."""
    moved = {}
    for origin in there:
        link, file = sources / origin.path, root / origin.path
        if link.is_symlink() and file.exists() and not _is_downloaded(link, sources) and stamp(link) != stamp(file):
            moved[link] = file
    if moved:
        (link, file), more = next(iter(moved.items())), f", and {len(moved) - 1} more" if len(moved) > 1 else ""
        raise XlprobeError(
            f"{link} was made from {link.resolve()}, but the data folder now holds another {file}{more}; set data.root or XLPROBE_DATA"
            f" back, or run `find {sources} -type l -delete` to read the new files, {LINKS_FIRST}"
        )


def _check_no_link_dangles(missing: Iterable[Origin], sources: Path) -> None:
    """Refuse links of an earlier run whose files are gone: Snakemake cannot do with them.

    Made anew, a link makes nothing again where the file has the same content (`xlprobe.study.outside_files`).
    """
    gone = {}
    for origin in missing:
        stem = sources / _stem(origin.path)
        for link in (stem.with_name(stem.name + ending) for ending in COMPRESSIONS):
            if link.is_symlink() and not link.exists() and not _is_downloaded(link, sources):
                gone[link] = link.readlink()
    if gone:
        (link, file), more = next(iter(gone.items())), f", and {len(gone) - 1} more links to what is gone" if len(gone) > 1 else ""
        raise XlprobeError(
            f"{link} leads to {file}, which is gone{more}; bring that back, or set data.root or XLPROBE_DATA to where it"
            f" is now and run `find {sources} -xtype l -delete`, {LINKS_FIRST}"
        )


def _is_downloaded(file: Path, sources: Path) -> bool:
    """Whether a file of `sources/` leads into an archive that was unpacked there."""
    return file.resolve().is_relative_to((sources / "downloads").resolve())


def _is_unpacked(archive: Path) -> bool:
    return Path(archives.record_of(str(archive))).exists() and Path(archives.folder_of(str(archive))).is_dir()


def _stem(path: str) -> str:
    return next((path.removesuffix(ending) for ending in COMPRESSIONS if ending and path.endswith(ending)), path)


def _look_up(stem: str, folder: Path) -> str | None:
    return next((stem + ending for ending in COMPRESSIONS if (folder / (stem + ending)).is_file()), None)


def readers(found: Iterable[Origin], kind: str) -> Iterator[tuple[str, list[str]]]:
    """What each reader of a kind reads: its name, and the paths inside `sources/`."""
    chosen = [origin for origin in found if origin.need.reader[0] == kind]
    for (_, name), group in groupby(chosen, key=lambda origin: origin.need.reader):
        yield name, [origin.path for origin in group]
