"""Small faults to plant in a module: which there are, and the module with one of them.

A fault changes one node of the syntax tree. Left alone is what cannot change a number or is seen at once: annotations,
messages, logging, joined text and paths.
"""

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
NAMES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "argmin": "argmax", "argmax": "argmin",
    "mean": "sum", "sum": "mean", "median": "mean", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor",
    "zeros": "ones", "ones": "zeros", "float32": "float16", "float64": "float16", "isna": "notna", "notna": "isna",
    "removesuffix": "removeprefix", "union": "intersection", "startswith": "endswith", "log2": "log",
}  # fmt: skip
WORDS = {"left": "right", "right": "left", "mean": "sum", "sum": "mean", "first": "last", "float32": "float16", "inner": "left"}
# What these say is read by people, or decides the order of equals, the speed or the memory alone.
CALLS = {
    "debug", "info", "warning", "error", "progress", "isinstance", "cast", "lru_cache", "field", "library_errors", "problems_at_once",
    "examples_at_once",
}  # fmt: skip
# Both ways round the same, or an error at once.
UNORDERED = {"min", "max", "minimum", "maximum", "zip", "getattr", "logaddexp", "union", "log1p", "array_equal", "transpose", "intersect1d"}
KEYWORDS = {"strict", "kind", "copy", "ignore_index", "maxsize", "as_index", "exist_ok", "parents", "desc", "verbose"}
SPEED = {
    "POSITIONS_AT_ONCE", "SUBWORDS_AT_ONCE", "EXAMPLES_AT_ONCE", "EXAMPLES_PER_PRODUCT", "UNITS_PER_WRITE", "CHARACTERS_PER_WRITE",
    "BLOCK_BYTES", "BLOCK_LETTERS", "SENTENCES_PER_BLOCK", "LINES_PER_BATCH", "HISTORY", "EXAMPLES_A_DIMENSION", "PASSES_SAVED",
    "KEPT_EXAMPLES", "STATE",
}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """A fault.

    Attributes:
        scope: the outermost function that it lies in, `Class.method` with its class; empty outside of functions.
        node: the changed node's place in a walk over the module's tree.
        choice: which of the node's changes.
        occurrence: counts the same change in the same scope.
    """

    module: str
    path: Path
    line: int
    scope: str
    before: str
    after: str
    node: int
    choice: int
    occurrence: int = 0

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What it is, wherever in its scope."""
        return self.module, self.scope, self.before, self.after

    def rank(self, seed: int) -> bytes:
        """Its place in a drawing, whatever else stands in the module."""
        return hashlib.blake2b("\x1f".join(map(str, [seed, *self.name, self.occurrence])).encode()).digest()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_plain(node: ast.AST) -> bool:
    """Whether arithmetic with this fails at once."""
    return _is_text(node) or isinstance(node, ast.Dict | ast.DictComp | ast.List | ast.ListComp | ast.Set)


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may become; a statement that is dropped becomes `pass`."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=right) if type(operator) in COMPARISONS:
            yield ast.Compare(left, [COMPARISONS[type(operator)]()], right)
        case ast.Compare(left=left, ops=[first, *others], comparators=right) if type(first) in COMPARISONS:
            yield ast.Compare(left, [COMPARISONS[type(first)](), *others], right)
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS and not (_is_plain(left) or _is_plain(right)):
            yield ast.BinOp(left, OPERATORS[type(operator)](), right)
        case ast.AugAssign(target=target, op=operator, value=value):
            if type(operator) in OPERATORS and not _is_plain(value):
                yield ast.AugAssign(target, OPERATORS[type(operator)](), value)
            yield ast.Pass()
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
            if value > 1:
                yield ast.Constant(value - 1)
        case ast.Constant(value=float() as value):
            yield ast.Constant(value * 2 if value else 1.0)
        case ast.Constant(value=str() as value) if value in WORDS:
            yield ast.Constant(WORDS[value])
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield ast.Name(NAMES[name], ast.Load())
        case ast.Attribute(value=value, attr=name, ctx=ast.Load()) if name in NAMES:
            yield ast.Attribute(value, NAMES[name], ast.Load())
        case ast.Call(func=function, args=[first, second, *others], keywords=keywords) if not isinstance(first, ast.Starred):
            same = _called(node) in UNORDERED or ast.dump(first) == ast.dump(second)
            if not (_is_text(first) or _is_text(second) or isinstance(second, ast.Starred) or same):
                yield ast.Call(function, [second, first, *others], keywords)
        case ast.If(test=ast.Name() | ast.Call() | ast.Attribute() | ast.NamedExpr() as test, body=body, orelse=orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test=ast.Name() | ast.Call() | ast.Attribute() | ast.NamedExpr() as test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Slice(lower=lower, upper=upper, step=step):
            if lower is not None and not isinstance(lower, ast.Constant | ast.UnaryOp):
                yield ast.Slice(ast.BinOp(lower, ast.Add(), ast.Constant(1)), upper, step)
            if upper is not None and not isinstance(upper, ast.Constant | ast.UnaryOp):
                yield ast.Slice(lower, ast.BinOp(upper, ast.Sub(), ast.Constant(1)), step)
        case ast.comprehension(target=target, iter=iterated, ifs=[_, *others], is_async=is_async):
            yield ast.comprehension(target, iterated, others, is_async)
        case ast.Expr(value=ast.Call() | ast.Yield()):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", getattr(function, "id", ""))


def _points(node: ast.AST, scope: tuple[str, ...] = (), inside: bool = False) -> Iterator[tuple[ast.AST, str]]:
    """The nodes that faults may be planted in, with their scope."""
    yield node, ".".join(scope)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        for child in value if isinstance(value, list) else [value]:
            match child:
                case ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
                    continue
                case ast.Call() | ast.Expr(value=ast.Call()) if _called(getattr(child, "value", child)) in CALLS:
                    continue
                case ast.keyword(arg=keyword) if keyword in KEYWORDS:
                    continue
                case ast.Call(func=ast.Attribute(attr="zeros"), args=[ast.Constant(value=0), *_]):
                    continue  # nothing is in it
                case ast.Assign() | ast.Compare() if SPEED & {part.id for part in ast.walk(child) if isinstance(part, ast.Name)}:
                    continue
                case ast.FunctionDef(name=function) if not inside:
                    yield from _points(child, (*scope, function), True)
                case ast.ClassDef(name=function) if not inside:
                    yield from _points(child, (*scope, function))
                case ast.AST():
                    yield from _points(child, scope, inside)


def _shown(node: ast.AST) -> str:
    """A node as one line of code."""
    match node:
        case ast.If(test=test):
            return f"if {ast.unparse(test)}:"
        case ast.comprehension():
            return ast.unparse(node).strip()
    return " ".join(ast.unparse(node).split())


def mutations(module: str, path: Path) -> list[Mutation]:
    """All faults that may be planted in a module, in order."""
    tree = ast.parse(path.read_text())
    places = {id(node): place for place, node in enumerate(ast.walk(tree))}
    line, seen, found = 1, Counter[tuple[str, str, str, str]](), []
    for node, scope in _points(tree):
        line = getattr(node, "lineno", line)
        # Only a whole scope's name tells tests: of a class's body it is the module.
        for choice, change in enumerate(changes(node)):
            mutation = Mutation(module, path, line, scope, _shown(node), _shown(change), places[id(node)], choice)
            found.append(replace(mutation, occurrence=seen[mutation.name]))
            seen[mutation.name] += 1
    return found


def mutated(mutation: Mutation) -> ast.Module:
    """The module's tree with a fault in it."""
    tree = ast.parse(mutation.path.read_text())
    target = next(node for place, node in enumerate(ast.walk(tree)) if place == mutation.node)
    change = list(changes(copy.copy(target)))[mutation.choice]

    class Planting(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return ast.copy_location(change, node) if node is target else self.generic_visit(node)

    return ast.fix_missing_locations(Planting().visit(tree))
