"""What each change makes again, by what Snakemake would record of each job before and after it; staleness.py has the table."""

import ast
import random
import re
import subprocess
import sys
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import SHORT, amount, count
from finished import rule_names
from projects import Project
from recorded_jobs import Job, jobs, jobs_of_copy
from staleness import (
    ANALYSES,
    CHANGES,
    DRAWN,
    KEPT,
    PAPERS2,
    PUBLISHED,
    SIGNED,
    SIGNED_THRICE,
    SIGNED_TOGETHER,
    TOGETHER,
    WITHOUT_CODE,
    WORLD,
    Change,
    changed,
    key_paths,
)

from xlprobe.study import config as configuration

SCHEMA = dict(key_paths())
TRIED = random.Random(1).sample(CHANGES, amount(len(CHANGES)))


class Judge:
    """Says which rules' targets a configuration makes again where another one's have been made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("20", "other"):
            checkpoint = folder / "suites" / name
            checkpoint.mkdir(parents=True)
            for file in ("config.json", "model.safetensors", "tokenizer.json"):
                (checkpoint / file).write_text(name)
        for file in ("20.pt", "xlmr.model", "other.model"):
            (folder / "suites" / file).write_text(file)
        for name in ("data", "moved"):
            (folder / name / "xnli").mkdir(parents=True)
            for split in ("train", "dev", "test"):
                (folder / name / "xnli" / f"{split}-en.tsv").touch()

    def jobs(self, text: str) -> list[Job]:
        path = self.folder / "run.yaml"
        path.write_text(text)
        return jobs(path, self.folder)

    @cache  # noqa: B019
    def made(self, base: str) -> dict[str, Job]:
        """The jobs of a finished run by what they have made."""
        return {path: job for job in self.jobs(base) for path in job.output}

    def again(self, base: str, after: str) -> set[str]:
        """The rules of jobs that have been made and are made again: for themselves, not for what they follow from."""
        made = self.made(base)
        return {
            job.rule
            for job in self.jobs(after)
            if (before := [made.get(path) for path in job.output]) != [None] * len(before)
            and any(old is None or old.recorded != job.recorded for old in before)
        }


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("XLPROBE_DATA", raising=False)
        yield Judge(tmp_path_factory.mktemp("judged"))


def test_every_key_of_the_configuration_stands_in_the_table():
    assert {change.key for change in CHANGES} == set(SCHEMA)


@pytest.mark.parametrize("change", TRIED, ids=lambda change: change.key)
def test_a_key_makes_again_what_reads_it_and_nothing_else(judge, change: Change):
    after = changed(change, SCHEMA[change.key])
    # The configuration's copy has every key; of another experiment nothing has been made.
    copied = set() if change.key == "experiment" else {"run_description"}
    assert judge.again(change.base, yaml.safe_dump(after, sort_keys=False)) == {*change.again.split()} | copied
    count("changes judged")


@pytest.mark.parametrize(
    ("base", "after", "again"),
    [
        # What is measured of more models, or on more words of a model, is in the tables of these.
        (WORLD, SIGNED, "checkpoint_audit audit checkpoint_table dataset_table findings"),
        (SIGNED, SIGNED_THRICE, f"signature_table {ANALYSES} {PAPERS2} findings"),
    ],
)
def test_signatures_in_addition_make_nothing_else_again(judge, base, after, again):
    assert judge.again(base, after) == {*again.split()} | {"run_description"}
    count("changes judged")


def upside_down(value, leave: Collection[str] = ("world", "variants")):
    """The same value, its keys in the opposite order, but for what is to be left as it is: of variants, the first is the main one."""
    if isinstance(value, dict):
        return {key: inner if key in leave else upside_down(inner, leave) for key, inner in reversed(value.items())}
    return value


@pytest.mark.parametrize("base", [WORLD, TOGETHER, SIGNED])
def test_how_a_configuration_is_written_makes_nothing_again(judge, base):
    written = yaml.safe_load(base)
    for same in (upside_down(written), configuration.complete(written), upside_down(configuration.complete(written))):
        assert judge.again(base, yaml.safe_dump(same, sort_keys=False)) == set()
        count("changes judged")
    assert judge.again(base, "# A comment.\n" + base.replace("\n", "\n\n")) == set()
    count("changes judged")


@pytest.mark.xfail(strict=True, reason="the order of a world's languages names its alignment sets, and stands in its settings as written")
def test_the_order_of_a_worlds_languages_makes_nothing_again(judge):
    assert judge.again(WORLD, yaml.safe_dump(upside_down(yaml.safe_load(WORLD), leave=()), sort_keys=False)) == set()


class Edited:
    """A copy of the project whose code is edited; says which rules' targets that makes again."""

    def __init__(self, judge: Judge, folder: Path) -> None:
        self.judge, self.project = judge, Project(folder / "project")
        self.files = sorted((self.project.folder / "scripts").rglob("*.py"))
        self.before = self.all_jobs()
        # Every file that a rule makes names its script first.
        self.scripts = {job.rule: re.findall(r"scripts/(\w+\.py)", job.code)[0] for job in self.before.values()}

    def all_jobs(self) -> dict[str, Job]:
        """Jobs by configuration and output."""
        paths = []
        for number, text in enumerate((WORLD, TOGETHER, KEPT, PUBLISHED, DRAWN, SIGNED, SIGNED_TOGETHER)):
            paths.append(self.judge.folder / f"edited_{number}.yaml")
            paths[-1].write_text(text)
        runs = jobs_of_copy(self.project.folder, paths, self.judge.folder)
        return {f"{number} {job.output[0]}": job for number, run in enumerate(runs) for job in run}

    def again(self, edits: dict[Path, str]) -> set[str]:
        """The rules whose targets are made again after files of the project have other contents."""
        contents = {path: path.read_text() for path in edits}
        try:
            for path, text in edits.items():
                path.write_text(text)
            after = self.all_jobs()
        finally:
            for path, text in contents.items():
                path.write_text(text)
        count("changes judged", len(edits))
        return {job.rule for name, job in after.items() if name in self.before and job.recorded != self.before[name].recorded}


@pytest.fixture(scope="module")
def edited(judge, tmp_path_factory) -> Edited:
    return Edited(judge, tmp_path_factory.mktemp("edited"))


def test_every_rule_is_judged(edited):
    assert edited.scripts.keys() == rule_names()


def test_an_edit_of_a_script_makes_its_rules_again_and_no_others(edited):
    """Each script is edited in those of the trials that the bits of its number name, so that a few tell all of them apart."""
    scripts = sorted(set(edited.scripts.values()))
    bits = range(1 if SHORT else len(scripts).bit_length())
    again = []
    for bit in bits:
        chosen = [edited.project.folder / "scripts" / name for number, name in enumerate(scripts, 1) if number >> bit & 1]
        again.append(edited.again({path: path.read_text() + "\nEDITED = 1\n" for path in chosen}))
    for rule, script in edited.scripts.items():
        number = scripts.index(script) + 1
        for bit, rules in enumerate(again):
            assert (rule in rules) == (rule not in WITHOUT_CODE and bool(number >> bit & 1)), (rule, script)


# Starts scripts, each in a process of its own that has what all load of others; prints what of the library they have loaded.
START = """
import os, runpy, sys
import pandas, sklearn, torch, transformers
sys.path.insert(0, "scripts")
for script in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    sys.argv[:] = [script, "--help"]
    try:
        runpy.run_path(f"scripts/{script}", run_name="__main__")
    except SystemExit:
        print("loaded", script, *(m.__file__ for n, m in sys.modules.items() if n.startswith("xlprobe.")), flush=True)
    os._exit(0)
"""


def loaded_modules(project: Path, scripts: Iterable[str]) -> dict[str, set[str]]:
    """The files of the library that each script has loaded when it has started."""
    command = [sys.executable, "-c", START, *scripts]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("loaded ")]
    return {script: {*files} for _, script, *files in lines}


def test_an_edit_of_a_module_makes_all_again_that_loads_it(edited):
    """Held to what Python itself loads; which more may count, those that are loaded later or by name, test_code_identity.py says."""
    random_ = random.Random(1)
    library = [path for path in edited.files if path.parent.name != "scripts" and ast.parse(path.read_text()).body[1:]]
    loads = loaded_modules(edited.project.folder, set(edited.scripts.values()))
    assert all({*map(str, library)} & files for files in loads.values())
    for path in random_.sample(library, amount(12)):
        again = edited.again({path: path.read_text() + "\nEDITED = 1\n"})
        expected = {rule for rule, script in edited.scripts.items() if str(path) in loads[script]} - WITHOUT_CODE
        assert expected <= again and not again & WITHOUT_CODE, path


class Reworded(ast.NodeTransformer):
    """Other words in the project's errors where they are raised, and in the help of arguments."""

    ERRORS = ("XlprobeError", "ConfigError", "FormatError", "ResumeError")

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        if isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", "") in self.ERRORS:
            node.exc.args = [self.other(argument) for argument in node.exc.args]
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if getattr(node.func, "attr", "") == "add_argument":
            for keyword in node.keywords:
                if keyword.arg == "help":
                    keyword.value = self.other(keyword.value)
        return node

    def other(self, value: ast.expr) -> ast.expr:
        return ast.Constant(value.value + "!") if isinstance(value, ast.Constant) and isinstance(value.value, str) else value


def test_how_code_is_written_makes_nothing_again(edited):
    def commented(text: str) -> str:
        tree = ast.parse(text)
        lines = text.splitlines()
        if ast.get_docstring(tree) is not None:
            lines[tree.body[0].end_lineno - 1] += "  # A comment."
        return "# A comment.\n" + "\n".join(lines) + "\n\n\n# Another.\n"

    assert edited.again({path: commented(path.read_text()) for path in edited.files}) == set()


def test_the_wording_of_errors_and_help_makes_nothing_again(edited):
    ours = [path for path in edited.files if path.name != "errors.py"]
    assert edited.again({path: ast.unparse(Reworded().visit(ast.parse(path.read_text()))) for path in ours}) == set()


# Tables in resources/: where their rows begin that the configurations use, or do not, and what another value of them makes again.
UNUSED = {
    "languages.tsv": "fr\tFrench",
    "treebanks.tsv": "fr_gsd\tfr\tUD_French-GSD",
    "alignments.tsv": "align_en_cs\ten\tcs\tawesome\talignments/encs",
}
ROWS = [
    (UNUSED, ""),
    # `make check` says where what was fetched is not what the table says now.
    ({"sources.tsv": "xnli\t1.0"}, ""),
    ({"languages.tsv": "en\tEnglish"}, "figure findings"),
    ({"syntactic_distances.tsv": "af\tam"}, "factors"),
    ({"treebanks.tsv": "en_ewt\ten\tUD_English-EWT"}, "treebank"),
    ({"unimorph.tsv": "Animacy=Anim\tANIM"}, "morphology"),
    ({"canary.tsv": "en\tA"}, "adopt_checkpoint convert_checkpoint checkpoint"),
]


@pytest.mark.parametrize(("rows", "again"), random.Random(1).sample(ROWS, amount(len(ROWS))))
def test_a_tables_row_makes_again_what_uses_it(edited, rows, again):
    edits = {}
    for name, row in rows.items():
        path = edited.project.folder / "resources" / name
        text = path.read_text()
        assert text.count(f"\n{row}") == 1
        edits[path] = text.replace(f"\n{row}", f"\n{row}x")
    assert edited.again(edits) == set(again.split())
