"""Where the parts of the project lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
RESOURCES = PROJECT / "resources"
SCHEMAS = PROJECT / "schemas"
