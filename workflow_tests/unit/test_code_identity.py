import re
import sys

import pytest

from xlprobe import code_identity as identity
from xlprobe.paths import PROJECT

FIRST = '''import numpy
from xlprobe import second


def go(x):
    """Go."""
    return second.table, numpy
'''
SCRIPT = PROJECT / "scripts" / "train_probes.py"


def forget() -> None:
    for name in ("_tree", "_normalised", "_imported_files", "_tables", "_third_party", "_pins"):
        getattr(identity, name).cache_clear()


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A project of one script and three modules; returns a function that gives its identity anew."""
    library = tmp_path / "scripts" / "xlprobe"
    (library / "tasks").mkdir(parents=True)
    for folder in ("resources", "schemas", "envs"):
        (tmp_path / folder).mkdir()
    files = {
        "scripts/run.py": '"""Run."""\nfrom xlprobe.first import go\n\ngo(1)\n',
        "scripts/xlprobe/__init__.py": "version = 1\n",
        "scripts/xlprobe/first.py": FIRST,
        "scripts/xlprobe/second.py": 'table = "facts.tsv"\n',
        "scripts/xlprobe/unreached.py": "x = 1\n",
        "scripts/xlprobe/tasks/__init__.py": "",
        "scripts/xlprobe/tasks/a.py": "task = 1\n",
        "scripts/xlprobe/tasks/b.py": "task = 2\n",
        "resources/facts.tsv": "a\tb\n",
        "envs/requirements.txt": "numpy==1.0\ntorch-like==2\n",
        "envs/torch.txt": "torch==1\n",
        "envs/fairseq.txt": "fairseq==1\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for name, value in {"PROJECT": tmp_path, "LIBRARY": tmp_path / "scripts", "RESOURCES": tmp_path / "resources"}.items():
        monkeypatch.setattr(identity, name, value)
    monkeypatch.setattr(identity, "SCHEMAS", tmp_path / "schemas")

    def compute(*modules: str) -> str:
        for function in (
            identity._tree,
            identity._normalised,
            identity._imported_files,
            identity._tables,
            identity._third_party,
            identity._pins,
        ):
            function.cache_clear()
        return identity.code_identity(tmp_path / "scripts" / "run.py", modules)

    compute.folder = tmp_path
    yield compute
    monkeypatch.undo()
    forget()


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
        ("resources/facts.tsv", "a", "c", True),
        ("envs/requirements.txt", "numpy==1.0", "numpy==1.1", True),
        ("envs/requirements.txt", "torch-like==2", "torch-like==3", False),
    ],
)
def test_what_changes_the_identity(code, file, old, new, changes):
    before = code()
    path = code.folder / file
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    assert (code() != before) == changes


def test_a_change_to_one_task_does_not_touch_another(code):
    before = code("xlprobe.tasks.a"), code("xlprobe.tasks.b")
    (code.folder / "scripts/xlprobe/tasks/a.py").write_text("task = 3\n")
    after = code("xlprobe.tasks.a"), code("xlprobe.tasks.b")
    assert after[0] != before[0] and after[1] == before[1]


def test_the_probes_do_not_depend_on_the_code_of_earlier_stages():
    reached = {path.stem for path in identity.reached_modules(SCRIPT)}
    assert {"probes", "linear_probe", "feature_file", "datasets"} <= reached
    assert not reached & {"features", "pretraining", "checkpoints", "corpus", "tokenization", "figures"}


def test_every_third_party_import_is_pinned():
    pins = identity._pins()
    for file in [*(PROJECT / "scripts").glob("*.py"), *(PROJECT / "scripts" / "xlprobe").rglob("*.py")]:
        for package in identity._third_party(file):
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
