"""Reading a run's YAML file: faults of its form, and values that YAML reads as something else, by line and column.

Snakemake loads the same file with its own reader, which takes the last of two equal keys and says of most faults that there
is one somewhere. So every file is read here as well, before its values are used.
"""

import codecs
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from xlprobe.errors import ConfigError, shortened

# Far more than any run needs; checking takes seconds.
LARGEST_FILE_BYTES = 2**18
# Aliases counted as often as they are used: a few lines of them can stand for more than any memory holds.
MOST_VALUES = 100_000
# More characters than any number that a key takes.
LONGEST_NUMBER = 100
PREFIX = "tag:yaml.org,2002:"
KINDS = ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge")
# Numbers that YAML 1.1 takes to the base of 8 or 60.
MISREAD_NUMBER = re.compile(r"[-+]?(0[0-7_]*[0-7]|[0-9_]+(:[0-9]+)+(\.[0-9_]*)?)")
ENCODINGS = {"UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}


def read(path: Path) -> dict[str, Any]:
    """The keys and values of a run's YAML file, as they stand there; `xlprobe.study.config.complete` checks what they say.

    Raises:
        ConfigError: there is no such file; it is not UTF-8 or not YAML; it holds a key twice, a name or a number that YAML reads
            as something else, a tag, or an alias of what it stands in. The message says line and column.
    """
    text = _text(path)
    try:
        # The constructor reads, too.
        return _File(path, yaml.SafeLoader(text)).values()
    except ReaderError as error:
        place = _place(text[: error.position])
        raise ConfigError(f"{path}:{place}: found the character U+{error.character:04X}, which YAML does not allow; take it out") from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}:{_syntax(error)}") from None
    except RecursionError:
        raise ConfigError(f"{path}: brackets or indents are nested too deeply to be read; write fewer of them") from None


def misread(value: Any) -> str:
    """What YAML has made of a word that was meant as text, for messages; nothing where it has left it text."""
    if isinstance(value, bool):
        return f"YAML reads {'yes, on and true as true' if value else 'no, off and false as false'}"
    if value is None:
        return "YAML reads ~, null and an empty place as null"
    if isinstance(value, int | float):
        return "YAML reads it as a number"
    return "YAML reads it as a date" if isinstance(value, date) else ""


def shown(value: Any) -> str:
    """A value as YAML writes it, for messages; long ones are cut."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 80 else f"{text[:70]}... ({len(text)} characters)"


def join(key: str, name: str) -> str:
    """The name of a key below another, for messages; of a long one the middle is left out."""
    name = name or "''"
    return shortened(f"{key}.{name}" if key else name, 100)


class _File:
    """A file's tree of nodes, checked on the way to its values."""

    def __init__(self, path: Path, loader: yaml.SafeLoader) -> None:
        self.path, self.loader = path, loader
        self.sizes: dict[int, int] = {}
        self.open: set[int] = set()

    def values(self) -> dict[str, Any]:
        root = self.loader.get_single_node()
        if root is None or root.tag == f"{PREFIX}null":
            raise ConfigError(f"{self.path}: is empty; expected the keys of a run, experiment and models at least")
        if not isinstance(root, yaml.MappingNode):
            found = "a list" if isinstance(root, yaml.SequenceNode) else "a single value"
            raise ConfigError(f"{self.path}:{_mark(root)}: found {found}, expected the keys of a run, such as experiment: and models:")
        self._check(root, "")
        return self.loader.construct_document(root)

    def _check(self, node: yaml.Node, key: str) -> int:
        """Refuse what is wrong in a node and below; how many values it stands for."""
        if id(node) in self.open:
            raise self._fault(node, key, "is an alias of what it stands in itself; write it out")
        if id(node) not in self.sizes:
            self.open.add(id(node))
            self.sizes[id(node)] = 1 + sum(self._children(node, key))
            self.open.remove(id(node))
        if self.sizes[id(node)] > MOST_VALUES:
            raise self._fault(node, key, f"holds more than {MOST_VALUES:,} values, those of aliases counted; write fewer")
        return self.sizes[id(node)]

    def _children(self, node: yaml.Node, key: str) -> Iterable[int]:
        if node.tag.removeprefix(PREFIX) not in KINDS:
            raise self._fault(node, key, f"found the tag {node.tag.replace(PREFIX, '!!')}, which is not read here; take it out")
        if isinstance(node, yaml.SequenceNode):
            return [self._check(child, join(key, str(place))) for place, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return [self._check(child, name) for name, child in self._named(node, key)]
        self._check_scalar(node, key)
        return []

    def _named(self, node: yaml.MappingNode, key: str) -> Iterable[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for name, child in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise self._fault(name, key, "found a list or a group of keys as a name, expected text")
            full = join(key, name.value)
            if name.tag not in (f"{PREFIX}str", f"{PREFIX}merge"):
                self._check_scalar(name, full)
                raise self._fault(name, full, f"{misread(self.loader.construct_object(name))}; put the name in quotes")
            if name.value in seen and name.value != "<<":
                raise self._fault(name, full, "is given twice; keep one of the two")
            seen.add(name.value)
            yield full, child

    def _check_scalar(self, node: yaml.Node, key: str) -> None:
        if node.tag in (f"{PREFIX}int", f"{PREFIX}float") and len(node.value) > LONGEST_NUMBER:
            found = f"found a number of {len(node.value):,} characters, {shown(node.value)}"
            raise self._fault(node, key, f"{found}; write a shorter one, or put it in quotes where it is text")
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):
            kind = node.tag.removeprefix(PREFIX)
            said = f"found {shown(node.value)}, which YAML takes for a value of kind {kind} and cannot read; put it in quotes"
            raise self._fault(node, key, said) from None
        if isinstance(value, int | float) and not isinstance(value, bool) and MISREAD_NUMBER.fullmatch(node.value):
            raise self._fault(node, key, f"YAML reads {node.value} as {value}; write {value}, or put it in quotes where it is text")

    def _fault(self, node: yaml.Node, key: str, said: str) -> ConfigError:
        return ConfigError(f"{self.path}:{_mark(node)}: {f'config key {key}: ' if key else ''}{said}")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration; name a run's YAML file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as a configuration ({error.strerror}); name a run's YAML file") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigError(f"{path}: is larger than {LARGEST_FILE_BYTES:,} bytes, so it is no configuration; name a run's YAML file")
    for encoding, marks in ENCODINGS.items():
        if content.startswith(marks):
            raise ConfigError(f"{path}:1:1: found {encoding}, expected UTF-8; save the file as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before, byte = error.object[: error.start].decode("utf-8"), error.object[error.start]
        raise ConfigError(f"{path}:{_place(before)}: found the byte 0x{byte:02X}, expected UTF-8; save the file as UTF-8") from None


def _place(before: str) -> str:
    """Line and column of what follows a text, counted from 1."""
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _mark(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _syntax(error: yaml.MarkedYAMLError) -> str:
    """What is wrong with the form, from its place on."""
    mark = error.problem_mark or error.context_mark
    place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
    problem = error.problem or error.context or "a fault"
    if "another document" in problem:
        return f"{place}: found a second document, which --- begins; keep one of the two"
    if alias := re.fullmatch("found undefined alias '(.+)'", problem):
        return f"{place}: found *{alias[1]}, but no &{alias[1]} stands above it; write it out, or put it in quotes where it is text"
    if "'\\t'" in problem:
        return f"{place}: found a tab, which YAML does not allow there; indent with spaces"
    begun = f" ({error.context}, line {error.context_mark.line + 1})" if error.context and error.context_mark else ""
    return f"{place}: not YAML: {problem}{begun}; look there and above for a bracket, quote, colon or indent that is wrong or missing"
