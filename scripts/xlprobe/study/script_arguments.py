"""Settings as scripts are told them."""

from collections.abc import Mapping
from typing import Any


def as_arguments(settings: Mapping[str, Any]) -> list[Any]:
    """Settings as a script's arguments, in the order of their names; what is null is left out.

    >>> as_arguments({"max_lines": 60, "cap": None, "layers": [1, 2]})
    ['--layers', 1, 2, '--max-lines', 60]
    """
    return [
        argument
        for key, value in sorted(settings.items())
        if value is not None
        for argument in (f"--{key.replace('_', '-')}", *(value if isinstance(value, list) else [value]))
    ]
