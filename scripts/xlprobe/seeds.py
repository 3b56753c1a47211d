"""Random seeds from a target's identity, so that a result does not depend on the order of jobs."""

import hashlib


def derive_seed(*identity: str | int) -> int:
    """A 63-bit seed from the parts that name what is computed, e.g. model, step, task, dataset, layer, seed number."""
    digest = hashlib.blake2b("\x1f".join(map(str, identity)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
