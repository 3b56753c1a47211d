"""Opening safetensors files: the library holds every shape to the file's size; how many tensors it may name is bounded here."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

# The library would take 8 seconds and 1 GiB for the names in its largest header, of 100 MB; 16 MiB name 200,000 tensors.
MOST_HEADER_BYTES = 2**24


def open_tensors(path: Path, framework: str) -> safe_open:
    """A file of tensors, to be used in a `with` block.

    Args:
        framework: whose tensors are read, pt or numpy.

    Raises:
        SafetensorError: it is damaged, cut short, or its header is too long.
    """
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > MOST_HEADER_BYTES:
        raise SafetensorError(f"a header of {length} bytes, and no more than {MOST_HEADER_BYTES} are read")
    return safe_open(path, framework)
