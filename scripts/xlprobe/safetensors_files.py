"""Opening safetensors files: the library holds every shape to the file's size; how many tensors it may name is bounded here."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

# The library would take 8 seconds and 1 GiB for the names in its largest header, of 100 MB. Models have fewer than 100,000 tensors,
# which take 130 bytes each.
MOST_HEADER_BYTES = 2**24


def open_tensors(path: Path, framework: str) -> safe_open:
    """A file of tensors, to be used in a `with` block.

    Args:
        framework: whose tensors are read, pt or numpy.

    Raises:
        SafetensorError: it is damaged, or its list of tensors is longer than any model's: all of it is held in memory.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > size - 8:
        raise SafetensorError(f"a header of {length:,} bytes in a file of {size:,}")
    if length > MOST_HEADER_BYTES:
        raise SafetensorError(f"a header of {length:,} bytes, and no more than {MOST_HEADER_BYTES:,} are believed")
    return safe_open(path, framework)
