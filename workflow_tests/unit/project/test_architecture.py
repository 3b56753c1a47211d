"""The house's rules that a reader relies on: floors, sizes, what every rule says of itself."""

import ast
import csv
import importlib.util
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import yaml

from xlprobe.paths import PROJECT
from xlprobe.study import code_identity

LIBRARY = PROJECT / "scripts" / "xlprobe"
SCRIPTS = sorted((PROJECT / "scripts").glob("*.py"))
REACHED = PROJECT / "workflow_tests" / "unit" / "project" / "reached_modules.tsv"
RULE_FILES = sorted((PROJECT / "rules").glob("*.smk"))
# Submodules that are there once their package is imported.
IMPORTED_BY_THEIR_PACKAGE = ["numpy.char", "numpy.linalg", "numpy.random", "os.path", "torch.cuda", "torch.linalg", "torch.nn.functional"]
IMPORTED_BY_THEIR_PACKAGE += ["torch.serialization", "transformers.utils.logging"]
# What the rules share, rules none.
SHARED = ("common.smk", "recording.smk", "targets.smk")


def floors() -> list[list[str]]:
    """The names of packages, and of the ground's modules, by row, from the library's docstring."""
    text = (LIBRARY / "__init__.py").read_text().split('"""')[1]
    lines = re.sub(r"\n {8}", " ", text).splitlines()
    return [row.partition(":")[0].replace(" ", "").split(",") for row in lines if row.startswith("    ")]


def room(file: Path) -> str:
    """A module's package, or the name of a module of the ground."""
    return file.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imports() -> dict[str, set[str]]:
    """What the modules of each room import of other rooms."""
    found: dict[str, set[str]] = {}
    for file in LIBRARY.rglob("*.py"):
        if file.parent != LIBRARY or file.name != "__init__.py":
            reached = {room(other) for files in code_identity._source(file).imports for other in files}
            found.setdefault(room(file), set()).update(reached - {room(file)})
    return found


def test_imports_point_one_way():
    floor = {name: number for number, row in enumerate(floors()) for name in row}
    for name, others in imports().items():
        assert name in floor, f"{name} is missing from the list in xlprobe/__init__.py"
        for other in others:
            assert floor[other] <= floor[name], f"{name} imports {other}, which stands below it in xlprobe/__init__.py"


def test_no_row_holds_a_circle():
    """Nor does any room import itself through others."""
    try:
        list(TopologicalSorter(imports()).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1][::-1]))


def test_each_room_that_is_listed_is_there():
    rooms = {room(path) for path in LIBRARY.rglob("*.py")} - {"__init__"}
    listed = [name for row in floors() for name in row]
    assert sorted(listed) == sorted(rooms)
    ground, *stages = floors()
    assert all((LIBRARY / f"{name}.py").is_file() for name in ground)
    assert all((LIBRARY / name).is_dir() for row in stages for name in row)


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*/__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_holds_a_docstring_alone(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) and len(tree.body) == 1


def test_no_two_public_classes_share_a_name():
    """Who meets a name in a signature knows which class it is."""
    found = (node for path in LIBRARY.rglob("*.py") for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef))
    names = Counter(node.name for node in found if not node.name.startswith("_"))
    assert not {name: count for name, count in names.items() if count > 1}


def test_unit_tests_lie_in_the_folder_of_their_package():
    """By what they test: the module of that name; other files of a folder test several of its package."""
    names: dict[str, set[str]] = {}
    for path in LIBRARY.glob("*/*.py"):
        names.setdefault(path.stem, set()).add(path.parent.name)
    assert not list((PROJECT / "workflow_tests" / "unit").glob("test_*.py")), "pytest would put unit/ on sys.path, and `datasets` with it"
    for path in (PROJECT / "workflow_tests" / "unit").rglob("test_*.py"):
        package = path.parent.name
        assert package in ("ground", "project") or (LIBRARY / package).is_dir(), path
        assert package in names.get(path.stem.removeprefix("test_"), {package}), path


def test_each_script_reaches_what_is_listed():
    """Each module more is one more whose edit makes a script's results again."""
    with REACHED.open(newline="") as stream:
        listed = {row["script"]: row["modules"].split() for row in csv.DictReader(stream, delimiter="\t")}
    assert listed.keys() == {script.stem for script in SCRIPTS}
    for script in SCRIPTS:
        reached = (path.relative_to(LIBRARY).with_suffix("") for path in code_identity.reached_modules(script) if path.parent != LIBRARY)
        assert listed[script.stem] == sorted(".".join(path.parts) for path in reached), f"correct the row {script.stem} of {REACHED.name}"


def test_what_measures_reaches_nothing_that_makes():
    """Results are read through `artifacts`: an edit of what makes them makes nothing again but what it makes."""
    makers = {"sources", "world", "corpus", "pretraining", "datasets", "features"}
    measuring = ("align_words", "draw_figure", "extract_features", "join_tables", "measure_baselines", "measure_bits_per_character",
                 "measure_contamination", "score_baselines", "score_checkpoint", "summarise_probe_training", "train_probes",
                 "transfer_probes")  # fmt: skip
    # What is loaded by name at run time.
    named = [f"xlprobe.{path.parent.name}.{path.stem}" for folder in ("tasks", "figures") for path in (LIBRARY / folder).glob("[a-z]*.py")]
    for name in measuring:
        modules = named if name in ("draw_figure", "measure_baselines", "train_probes", "transfer_probes") else []
        paths = code_identity.reached_modules(PROJECT / "scripts" / f"{name}.py", modules)
        # That makes nothing: it lets fairseq be imported.
        reached = {room(path) for path in paths if path != LIBRARY / "pretraining" / "fairseq_runtime.py"}
        assert not reached & (makers - ({"features"} if name == "extract_features" else set())), name


def test_checkpoints_stay_when_measuring_changes():
    """What trains and publishes reaches nothing that measures, counts or describes datasets."""
    measuring = {"tasks", "datasets", "features", "statistics", "probes", "alignment", "bpc", "metrics", "figures"}
    for name in ("pretrain", "publish_checkpoint", "adopt_checkpoint", "convert_checkpoint"):
        reached = code_identity.reached_modules(PROJECT / "scripts" / f"{name}.py")
        assert not {room(path) for path in reached} & measuring, name
        assert not {path.stem for path in reached} & {"outcome_file", "dataset_folder", "dataset_identity", "feature_file", "tables"}, name


def test_the_library_does_not_know_snakemake():
    for path in LIBRARY.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), flags=re.M), path


def test_compressed_data_is_read_in_one_place():
    """Each package's own reader stops in silence at one damage or another."""
    reading = r"\b(gzip|lzma|bz2|zlib|zstd)\.(open\((?!temporary, \"wb\")|decompress|\w*Decompressor|\w+File\b)|tarfile\.open\(\w+\)|\"r:\w"
    for path in LIBRARY.rglob("*.py"):
        assert path.name == "compression.py" or not re.search(reading, path.read_text()), path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_thin(script):
    assert script.read_text().count("\n") <= 40


def test_the_snakefile_is_short():
    assert (PROJECT / "Snakefile").read_text().count("\n") <= 60


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_every_rule_says_what_it_needs(path):
    text = path.read_text()
    assert text.startswith('"""')
    if path.name in SHARED:
        return
    assert "reads:" in text and "makes:" in text and "\nscript:" not in text
    parts = re.split(r"^ *rule (\w+):$", text, flags=re.M)[1:]
    rules = dict(zip(parts[::2], parts[1::2], strict=True))
    assert rules
    for name, body in rules.items():
        for directive in ("output:", "log:", "benchmark:", "conda:", "resources:", "message:", "shell:", "params:", "mem_mb=", "runtime="):
            assert directive in body, f"rule {name} has no {directive}"
        assert "code=" in body or "training_version=" in body, f"rule {name} does not carry its code's identity"


def test_every_script_is_run_by_a_rule_or_by_make():
    callers = "".join(path.read_text() for path in [*RULE_FILES, PROJECT / "Makefile"])
    for script in SCRIPTS:
        assert f"python scripts/{script.name}" in callers, script.name


def test_functions_of_the_workflow_live_apart_from_rules_and_plan_nothing():
    for path in RULE_FILES:
        has_functions, has_rules = (bool(re.search(rf"^\s*{word} ", path.read_text(), flags=re.M)) for word in ("def", "rule"))
        assert (has_functions, has_rules) == ((True, False) if path.name in SHARED else (False, True)), path
    lengths = {name: (PROJECT / "rules" / name).read_text().count("\n") for name in ("common.smk", "sources.smk")}
    assert lengths["common.smk"] <= 120 and lengths["sources.smk"] <= 130


def test_no_script_reaches_the_study():
    """What is measured is no part of how: the plan changes no target's code."""
    reached = {path for script in SCRIPTS for path in code_identity.reached_modules(script)}
    plan, settings, written = (LIBRARY / name for name in ("study/plan.py", "study/settings.py", "world/publication.py"))
    assert plan.is_file() and settings.is_file() and written in reached and not {plan, settings} & reached


def test_each_rule_that_may_ask_for_a_gpu_is_in_the_slurm_profile():
    """Those of probes as comments: they ask for one where the configuration says so."""
    text = (PROJECT / "slurm" / "config.v8+.yaml").read_text()
    asking: set[str] = set()
    for path in RULE_FILES:
        parts = re.split(r"^ *(?:use )?rule (\w+)(?: as (\w+) with)?:$", path.read_text(), flags=re.M)[1:]
        for rule, own, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            inherits = own and rule in asking and "resources:" not in body
            asking |= {own or rule} if " gpu=" in body or inherits else set()
    signatures = {"covariances", "signatures", "signatures_together", "signatures_over_steps", "signature_checks"}
    assert asking == {"pretrain", "features", "features_together", "bpc", "probes", "probes_together", "probes_at_once"} | signatures
    without_marks = re.sub(r"^  # (?=( *)\w+:( |$))", "  ", text, flags=re.M)
    listed, all_listed = (yaml.safe_load(profile)["set-resources"] for profile in (text, without_marks))
    assert asking - listed.keys() == {"probes", "probes_together", "probes_at_once"} and asking == all_listed.keys()
    assert all(resources == {"slurm_partition": "'gpu'"} for resources in all_listed.values())


def attributes(tree: ast.AST) -> set[str]:
    """The dotted names that code has, each as a whole."""
    return {name for node in ast.walk(tree) if isinstance(node, ast.Attribute) and re.fullmatch(r"\w+(\.\w+)+", name := ast.unparse(node))}


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


@pytest.mark.parametrize("path", [*SCRIPTS, *sorted(LIBRARY.rglob("*.py"))], ids=lambda path: str(path.relative_to(PROJECT / "scripts")))
def test_submodules_are_imported_where_they_are_used(path):
    """Else it depends on what was imported before, as by the tests' warm Python, whether they are there."""
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names if not alias.asname}
    renamed = {alias.asname: alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names if alias.asname}
    packages = {name.partition(".")[0]: name.partition(".")[0] for name in imported} | renamed
    used = {
        f"{packages[name.partition('.')[0]]}.{name.partition('.')[2]}" for name in attributes(tree) if name.partition(".")[0] in packages
    }
    given = {*imported, *renamed.values(), *IMPORTED_BY_THEIR_PACKAGE}
    hidden = {name for name in used if not any(f"{one}.".startswith(f"{name}.") for one in given) and is_module(name)}
    assert not hidden, f"import {min(hidden)}"
