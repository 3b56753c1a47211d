"""A list to read before anything is fetched: what a run needs of each source, from where, how large, on what terms."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from xlprobe.sources.needs import Repository
from xlprobe.sources.origins import ARCHIVE, BY_HAND, DOWNLOAD, FOLDER, THERE, Origin, Plan, by_hand
from xlprobe.study.catalogue import Source

WAYS = (THERE, FOLDER, DOWNLOAD, ARCHIVE, BY_HAND)
UNITS = ("bytes", "KB", "MB", "GB", "TB")


def source_list(found: Iterable[Origin], plan: Plan, sources: Path, repositories: Sequence[Repository] = ()) -> str:
    """The list as text: a paragraph a source, and totals at last.

    Args:
        sources: the run's own folder.
        repositories: of the Hugging Face hub.
    """
    ordered = sorted({origin.path: origin for origin in found}.values(), key=_name)
    paragraphs = [_paragraph(name, list(group), plan, sources) for name, group in groupby(ordered, key=_name)]
    paragraphs += [_repository(repository, sources.parent / "checkpoints") for repository in repositories]
    return "\n\n".join([*paragraphs, _totals(ordered, plan, repositories, sources.parent / "checkpoints")]) + "\n"


def human(size: int) -> str:
    """A size in bytes in a unit that a person reads.

    >>> human(684056893)
    '684 MB'
    >>> human(1500)
    '1.5 KB'
    """
    value, unit = float(size), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit and value < 10 else f"{value:.0f} {UNITS[unit]}"


def _name(origin: Origin) -> str:
    source = origin.need.place.source
    return source.name if source else origin.need.address or "without a known source"


def _paragraph(name: str, group: Sequence[Origin], plan: Plan, sources: Path) -> str:
    source = group[0].need.place.source
    lines = [f"{name}{f', version {source.version}' if source and source.version else ''}: {_files(len(group))}"]
    for way in WAYS:
        if chosen := [origin for origin in group if origin.way == way]:
            lines += _way(way, chosen, plan, sources)
    return "\n".join([*lines, *_terms(source)])


def _terms(source: Source | None) -> list[str]:
    if not source:
        return ["    licence: not known here; look at its page"]
    facts = {"licence": source.licence, "cite": source.citation, "not verified": source.unverified, "known from": source.evidence}
    return [f"    {key}: {fact}" for key, fact in facts.items() if fact]


def _repository(repository: Repository, published: Path) -> str:
    """A model's checkpoints on the hub, and how many of them are published in the run already."""
    count = len(repository.checkpoints)
    there = _published(repository, published)
    lines = [f"{repository.model}: {count} checkpoint{'' if count == 1 else 's'}"]
    if there:
        lines.append(f"    {THERE}: {there}")
    if there < count:
        place = f"{repository.place}, revision {repository.revision}, on the Hugging Face hub"
        lines.append(f"    {DOWNLOAD}: {count - there}, size unknown, from {place}")
    return "\n".join([*lines, *_terms(repository.source)])


def _published(repository: Repository, published: Path) -> int:
    return sum((published / checkpoint / "identity.json").exists() for checkpoint in repository.checkpoints)


def _way(way: str, chosen: Sequence[Origin], plan: Plan, sources: Path) -> list[str]:
    """What comes in one way from one source."""
    if way in (THERE, FOLDER):
        size = sum((origin.file or sources / origin.path).stat().st_size for origin in chosen)
        return [f"    {way}: {_files(len(chosen))}, {human(size)}"]
    if way == BY_HAND:
        lines = [f"    {way}: {by_hand(origin)}: {sources / origin.path}" for origin in chosen]
        # Of many checkpoints, the first ones and the last tell how to get the others.
        more = len(lines) - 4
        return lines if more < 2 else [*lines[:3], f"    {way}: {more} more like these, and", lines[-1]]
    if way == DOWNLOAD:
        return [f"    {way}: {_files(len(chosen))}, {_size([origin.need.bytes for origin in chosen])}, from {_address(chosen)}"]
    archive, size_of_it = chosen[0].need.archive, _size([chosen[0].need.bytes])
    if archive in plan.downloads:
        return [f"    {way}: {_files(len(chosen))} of {chosen[0].need.address}, download of {size_of_it}"]
    return [f"    {way}: {_files(len(chosen))} of {plan.links.get(archive, sources / archive)}, nothing to download"]


def _address(chosen: Sequence[Origin]) -> str:
    source = chosen[0].need.place.source
    return source.address if source else chosen[0].need.address


def _totals(found: Sequence[Origin], plan: Plan, repositories: Sequence[Repository], published: Path) -> str:
    sizes = {origin.need.archive or origin.path: origin.need.bytes for origin in found}
    counts = [f"{count} {way}" for way in WAYS if (count := sum(origin.way == way for origin in found))]
    download = f"; {len(plan.downloads)} to download, {_size([sizes[path] for path in plan.downloads])}" if plan.downloads else ""
    hub = sum(len(repository.checkpoints) - _published(repository, published) for repository in repositories)
    fetched = f"; {hub} checkpoint{'' if hub == 1 else 's'} from the Hugging Face hub, size unknown" if hub else ""
    return f"In all {_files(len(found))}: {', '.join(counts) or 'none'}{download}{fetched}."


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _size(sizes: Sequence[int | None]) -> str:
    """The sum of what is known, and how many are not."""
    known = [size for size in sizes if size is not None]
    unknown = len(sizes) - len(known)
    if not known:
        return "size unknown"
    return human(sum(known)) + (f" and {unknown} of unknown size" if unknown else "")
