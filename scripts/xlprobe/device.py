"""Which device to compute on; nothing else in the code asks."""

import torch

from xlprobe.errors import ConfigError

# Bytes; half of what a core of a server has to itself.
CACHE = 2**19
# Bytes of what is computed on at once where the whole is too large; on a GPU, launching many small operations takes longer.
CHUNK = {"cpu": 2**22, "cuda": 2**28}


def choose_device(name: str) -> torch.device:
    """The device for `auto` (a GPU where there is one), `cpu` or `cuda`.

    Raises:
        ConfigError: `cuda` was asked for where PyTorch sees no GPU.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError("device: 'cuda' was asked for, but PyTorch sees no GPU here; use 'auto' or 'cpu'")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def problems_at_once(device: torch.device, problems: int, bytes_each: int) -> int:
    """How many of some small problems to compute in one operation: on a CPU so many that what they read stays in its cache."""
    return problems if device.type != "cpu" else min(problems, max(1, CACHE // bytes_each))


def examples_at_once(device: torch.device, bytes_each: int) -> int:
    """How many of many examples to compute on in one operation."""
    return max(1, CHUNK[device.type] // bytes_each)


def padding_worth_a_batch(device: torch.device) -> int:
    """How many subwords of padding cost as much as one more batch: on a GPU as long as launching it takes (an estimate)."""
    return 16 if device.type == "cpu" else 4096
