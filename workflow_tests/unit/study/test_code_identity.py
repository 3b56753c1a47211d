import ast
import re
import shutil
import sys
from pathlib import Path

import pytest

from xlprobe.paths import PROJECT
from xlprobe.study import code_identity as identity

FIRST = '''
import numpy
from xlprobe import second
from xlprobe.errors import XlprobeError
from xlprobe.parts import third as also, fourth
from xlprobe.progress import progress
import logging

logger = logging.getLogger(__name__)
LIMIT = 3


class OwnError(XlprobeError):
    pass


def go(x):
    """Go."""
    if x > LIMIT:
        raise XlprobeError(f"{x} is too much; take less")
    if x < 0:
        raise OwnError("below zero")
    if x == 0:
        raise ValueError("nothing")
    logger.warning("%d is much", x)
    for item in progress([x], "going", "step"):
        print(f"at {item}", end="", file=sys.stderr)
    print(go("the way"), file=output)
    print(go("a way"))
    return second.table, numpy, also.x, fourth.x
'''
FILES = {
    "scripts/run.py": '"""Run."""\nfrom xlprobe.first import go\n\nparser.add_argument("--x", default="x", help="how far")\ngo(1)\n',
    "scripts/xlprobe/__init__.py": "version = 1\n",
    "scripts/xlprobe/first.py": FIRST,
    "scripts/xlprobe/second.py": 'table = "facts.tsv"\n',
    "scripts/xlprobe/errors.py": "class XlprobeError(Exception):\n    pass\n",
    "scripts/xlprobe/progress.py": "def progress(items, what, unit):\n    return items\n",
    "scripts/xlprobe/parts/__init__.py": '"""Parts."""\n',
    "scripts/xlprobe/parts/third.py": 'x = f"{y}.schema.yaml"\n',
    "scripts/xlprobe/parts/fourth.py": "from xlprobe.deep import z\n\nx = z\n",
    "scripts/xlprobe/parts/other.py": "x = 5\n",
    "scripts/xlprobe/deep.py": "def z():\n    from .parts import other as late\n    from xlprobe import first\n\n    return late, first\n",
    "scripts/xlprobe/unreached.py": "x = 1\n",
    "scripts/xlprobe/tasks/__init__.py": "",
    "scripts/xlprobe/tasks/a.py": "task = 1\n",
    "scripts/xlprobe/tasks/b.py": "task = 2\n",
    "resources/facts.tsv": "a\tb\n",
    "schemas/a.schema.yaml": "# Columns.\ntitle: a\nproperties:\n  x: {type: integer, description: so many}\n",
    "schemas/b.schema.yaml": "$ref: c.schema.yaml\ntitle: b\nproperties:\n  y: {type: integer}\n",
    "schemas/c.schema.yaml": "title: c\nproperties:\n  z: {type: integer}\n",
    "envs/requirements.txt": "numpy==1.0\ntorch-like==2\n",
    "envs/torch.txt": "torch==1\n",
    "envs/fairseq.txt": "fairseq==1\n",
}
CACHES = [function for function in vars(identity).values() if hasattr(function, "cache_clear")]


def place(monkeypatch, project) -> None:
    for name, folder in {"PROJECT": "", "LIBRARY": "scripts", "RESOURCES": "resources", "SCHEMAS": "schemas"}.items():
        monkeypatch.setattr(identity, name, project / folder)


def forget() -> None:
    for function in CACHES:
        function.cache_clear()


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A project of one script and its modules; returns a function that gives its identity anew."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    place(monkeypatch, tmp_path)

    def compute(*modules: str) -> str:
        forget()
        return identity.code_identity(tmp_path / "scripts" / "run.py", modules)

    compute.folder = tmp_path
    yield compute
    forget()


def edit(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("scripts/run.py", "go(1)", "go(2)", True),
        ("scripts/run.py", "go(1)", "go( 1 )  # a comment", False),
        ("scripts/run.py", '"""Run."""', '"""Run it."""', False),
        ("scripts/xlprobe/first.py", "    return", "\n    # why\n    return", False),
        ("scripts/xlprobe/first.py", '"""Go."""', '"""Go\n\n    on."""', False),
        ("scripts/xlprobe/second.py", "table", "chair", True),
        ("scripts/xlprobe/unreached.py", "1", "2", False),
        ("scripts/xlprobe/__init__.py", "1", "2", False),
        ("envs/requirements.txt", "numpy==1.0", "numpy==1.1", True),
        ("envs/requirements.txt", "torch-like==2", "torch-like==3", False),
        # Wording; and what is none.
        ("scripts/run.py", "how far", "how far it goes", False),
        ("scripts/run.py", 'default="x"', 'default="y"', True),
        ("scripts/xlprobe/first.py", "is too much; take less", "is more than can be; take less", False),
        ("scripts/xlprobe/first.py", "below zero", "less than nothing", False),
        ("scripts/xlprobe/first.py", "x > LIMIT", "x > LIMIT + 1", True),
        ("scripts/xlprobe/first.py", "raise OwnError", "raise XlprobeError", True),
        ("scripts/xlprobe/first.py", '"nothing"', '"none"', True),
        ("scripts/xlprobe/first.py", "is much", "is a lot", False),
        ("scripts/xlprobe/first.py", '"going", "step"', '"walking", "pace"', False),
        ("scripts/xlprobe/first.py", "progress([x]", "progress([x, x]", True),
        ("scripts/xlprobe/first.py", "at {item}", "now at {item}", False),
        ("scripts/xlprobe/first.py", "at {item}", "{item}", False),
        # What is said on the way to a result, or works one out.
        ("scripts/xlprobe/first.py", 'at {item}"', 'at {item[0]}"', True),
        ("scripts/xlprobe/first.py", "a way", "another way", True),
        ("scripts/xlprobe/first.py", "the way", "another way", True),
        ("scripts/xlprobe/first.py", 'print(go("the way")', 'print("going"', True),
        # Imports: their order, relative ones, those inside a function and in a circle.
        ("scripts/xlprobe/first.py", "import numpy\nfrom xlprobe import second\n", "from xlprobe import second\nimport numpy\n", False),
        ("scripts/xlprobe/first.py", "third as also, fourth", "fourth, third as also", False),
        ("scripts/xlprobe/first.py", "third as also, fourth", "fourth as also, third as fourth", True),
        ("scripts/xlprobe/first.py", "import third", "import other", True),
        ("scripts/xlprobe/first.py", "from xlprobe import second", "from . import second", False),
        ("scripts/xlprobe/first.py", "from xlprobe import second", "import xlprobe.second as second", True),
        ("scripts/xlprobe/parts/other.py", "5", "6", True),
        ("scripts/xlprobe/parts/fourth.py", "xlprobe.deep", "..deep", False),
        # An empty package is nothing; one with code is.
        ("scripts/xlprobe/parts/__init__.py", "Parts.", "All parts.", False),
        ("scripts/xlprobe/parts/__init__.py", '"""Parts."""', "import sys\n\nsys.path = []", True),
        # Tables that are named in full, or by a pattern.
        ("resources/facts.tsv", "a", "c", True),
        ("schemas/a.schema.yaml", "integer", "number", True),
        ("schemas/a.schema.yaml", "x:", "y:", True),
        ("schemas/a.schema.yaml", "so many", "how many", False),
        # A schema whose columns another one has, too.
        ("schemas/c.schema.yaml", "integer", "number", True),
        ("schemas/a.schema.yaml", "# Columns.", "# The columns.", False),
    ],
)
def test_what_changes_the_identity(code, file, old, new, changes):
    before = code()
    edit(code.folder / file, old, new)
    assert (code() != before) == changes


def swap(folder, one, other):
    texts = [(folder / name).read_text() for name in (one, other)]
    (folder / one).write_text(texts[1])
    (folder / other).write_text(texts[0])


def test_two_modules_that_change_places_are_seen(code):
    library = code.folder / "scripts" / "xlprobe"
    before = code()
    swap(library, "parts/third.py", "parts/other.py")
    assert code() != before
    # Those that are loaded by name have no import that says which is which.
    before = code("xlprobe.tasks.a", "xlprobe.tasks.b")
    assert code("xlprobe.tasks.b", "xlprobe.tasks.a") == before
    swap(library, "tasks/a.py", "tasks/b.py")
    assert code("xlprobe.tasks.a", "xlprobe.tasks.b") != before


def test_two_modules_that_differ_in_what_they_import_alone_are_told_apart(code):
    library, run = code.folder / "scripts" / "xlprobe", code.folder / "scripts" / "run.py"
    for name, imported in (("one", "tasks.a"), ("two", "tasks.b")):
        (library / f"{name}.py").write_text(f"from xlprobe.{imported} import task\n")
    run.write_text("from xlprobe.one import task as x\nfrom xlprobe.two import task as y\nx - y\n")
    before = code()
    run.write_text("from xlprobe.two import task as x\nfrom xlprobe.one import task as y\nx - y\n")
    assert code() != before


def test_modules_that_are_moved_or_renamed_change_no_identity(tmp_path, monkeypatch):
    """On the project itself: all modules but those that are loaded by name go into one package, under other names."""
    for folder in ("scripts", "resources", "schemas", "envs"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    place(monkeypatch, tmp_path)
    scripts, library = sorted((tmp_path / "scripts").glob("*.py")), tmp_path / "scripts" / "xlprobe"

    def identities() -> dict[str, str]:
        forget()
        return {script.stem: identity.code_identity(script, ["xlprobe.tasks.pos", "xlprobe.figures.layer_curves"]) for script in scripts}

    before = identities()
    modules = [path for path in library.glob("*/*.py") if path.name != "__init__.py" and path.parent.name not in ("tasks", "figures")]
    packages = "|".join(sorted({path.parent.name for path in modules}))
    (library / "one").mkdir()
    (library / "one" / "__init__.py").write_text('"""All."""\n')
    for path in modules:
        path.rename(library / "one" / f"{path.parent.name}_{path.name}")

    def moved(match: re.Match) -> str:
        names = (name.strip() for name in match[2].split(","))
        parts = (f"{match[1]}_{name} as {name.rpartition(' ')[2]}" for name in names)
        return f"from xlprobe.one import {', '.join(part.replace(f' as {part.split()[-1]} as ', ' as ') for part in parts)}\n"

    for path in (tmp_path / "scripts").rglob("*.py"):
        text = re.sub(rf"from xlprobe\.({packages}) import (.+)\n", moved, path.read_text())
        path.write_text(re.sub(rf"\bxlprobe\.({packages})\.(?=\w)", r"xlprobe.one.\1_", text))
    assert identities() == before and len(before) >= 27 and len(modules) > 70
    edit(library / "one" / "artifacts_feature_file.py", 'attrs["layers"]', 'attrs["level"]')
    changed = {script for script, digest in identities().items() if digest != before[script]}
    assert "train_probes" in changed and "binarize" not in changed
    forget()


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("import numpy\nimport {}\nimport zlib\n", True),
        ('import sys\n\nsubprocess.run([sys.executable, "-m", "{}"])\n', True),
        # Here the name itself is code.
        ("import {}\n\nprint({}.table, file=output)\n", False),
    ],
)
def test_a_module_that_is_imported_or_run_by_its_full_name_may_move(code, text, moves):
    library, run = code.folder / "scripts" / "xlprobe", code.folder / "scripts" / "run.py"
    run.write_text(text.replace("{}", "xlprobe.second"))
    before = code()
    (library / "second.py").rename(library / "parts" / "zeroth.py")
    run.write_text(text.replace("{}", "xlprobe.parts.zeroth"))
    assert (code() == before) == moves
    edit(library / "parts" / "zeroth.py", "table", "chair")
    assert code() != before


def test_imports_are_followed_to_their_end():
    """What lies deeper than STEPS would not be seen; and no module of the project stands in a circle."""
    for script in (PROJECT / "scripts").glob("*.py"):
        assert identity._digest(script, identity.STEPS // 2) == identity._digest(script)


def nodes(kind):
    """All nodes of a kind in the project's own code, with the place of each."""
    for file in (PROJECT / "scripts").rglob("*.py"):
        yield from ((node, f"{file}:{node.lineno}") for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kind))


def files_behind_results():
    """The scripts that rules run, and the modules that these reach: no result is made by another (`make check` only reads them)."""
    rules = "".join(path.read_text() for path in (PROJECT / "rules").glob("*.smk"))
    scripts = {PROJECT / name for name in re.findall(r"scripts/\w+\.py", rules)}
    by_name = (path for name in ("tasks", "figures") for path in (PROJECT / "scripts" / "xlprobe" / name).glob("*.py"))
    return scripts.union(by_name, *map(identity.reached_modules, scripts))


def test_no_words_of_an_own_error_land_in_a_result():
    """Since they do not count: who catches one by a name raises or ends."""
    behind = files_behind_results()
    assert len(behind) > 100
    for handler, place in nodes(ast.ExceptHandler):
        if handler.name and handler.type and "XlprobeError" in ast.unparse(handler.type) and Path(place.partition(":")[0]) in behind:
            last = handler.body[-1]
            assert isinstance(last, ast.Raise) or "sys.exit" in ast.unparse(last), place


def test_an_error_that_modules_import_from_each_other_is_an_own_error():
    """Their words are left out by these names."""
    imported = {alias.name for node, _ in nodes(ast.ImportFrom) if str(node.module).startswith("xlprobe.") for alias in node.names}
    for node, place in nodes(ast.ClassDef):
        if node.name.endswith("Error") and node.name in imported:
            assert node.name == "XlprobeError" or [ast.unparse(base) for base in node.bases] == ["XlprobeError"], place


def test_a_change_to_one_task_does_not_touch_another(code):
    before = code("xlprobe.tasks.a"), code("xlprobe.tasks.b")
    (code.folder / "scripts/xlprobe/tasks/a.py").write_text("task = 3\n")
    after = code("xlprobe.tasks.a"), code("xlprobe.tasks.b")
    assert after[0] != before[0] and after[1] == before[1]


def test_every_third_party_import_is_pinned():
    pins = identity.pins()
    for file in [*(PROJECT / "scripts").glob("*.py"), *(PROJECT / "scripts" / "xlprobe").rglob("*.py")]:
        for package in identity._source(file).packages:
            if package != "fairseq_cli":  # a part of fairseq
                assert package.lower() in pins, f"{file}: {package} has no pin"


def test_pins_are_exact_and_those_of_conda_agree():
    lines = [line for name in identity.PIN_FILES for line in (PROJECT / "envs" / name).read_text().splitlines()]
    assert len(lines) > 50
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", line), f"{line!r} is no exact pin that every registry has"
    conda = (PROJECT / "envs" / "xlprobe.yaml").read_text()
    post_deploy = (PROJECT / "envs" / "xlprobe.post-deploy.sh").read_text()
    listed = set(re.findall(r"^      - (\S+)$", conda, flags=re.M)) | set(re.findall(r"fairseq==\S+", post_deploy))
    assert listed == set(lines)
    assert f"python={sys.version_info.major}.{sys.version_info.minor}" in conda


def test_what_is_named_must_be_there():
    """Else its edits would count for nothing."""
    script = PROJECT / "scripts" / "join_tables.py"
    assert identity.code_identity(script, ["xlprobe.tasks.pos"], ["scores.schema.yaml"])
    for named in ((["xlprobe.nothing.pos"], []), ([], ["no.schema.yaml"])):
        with pytest.raises(ValueError, match=r"^(xlprobe\.nothing\.pos|no\.schema\.yaml): there is no such module or table"):
            identity.code_identity(script, *named)
