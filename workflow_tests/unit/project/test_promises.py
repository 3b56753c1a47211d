"""What SECURITY.md promises of the code as a whole, held by reading it."""

import re
from types import NoneType
from typing import get_args, get_type_hints

import pandas as pd
import pytest
from conftest import tiny_configuration

from xlprobe.artifacts.tables import seal
from xlprobe.errors import XlprobeError
from xlprobe.metrics.probe_training_summary import write_summary
from xlprobe.paths import PROJECT
from xlprobe.study import config as configuration
from xlprobe.study import config_schema
from xlprobe.study.settings import Settings, TokenizerSection

CODE = sorted((PROJECT / "scripts").rglob("*.py"))
RULE_FILES = sorted((PROJECT / "rules").glob("*.smk"))
# Each unpickles, runs what a file says, follows links or leaves the shell to take data for commands.
NEVER = (
    r"\bpickle\.(?!UnpicklingError\b)|\bfrom pickle\b|\b(read_pickle|marshal|shelve)\b",
    r"allow_pickle\s*=\s*True",
    r"\byaml\.(load|full_load|unsafe_load|load_all)\b(?!.*SafeLoader)",
    r"trust_remote_code\s*=\s*(?!False)",
    r"weights_only\s*=\s*(?!True)",
    r"(?<![\w.])(eval|exec)\(",
    r"\bos\.(system|popen)\b|shell\s*=\s*True",
    r"(?<!\.str)\.extract(all)?\(|\bunpack_archive\b|\btarfile\.open\b",
    r"\bjoblib\.load\b|\bdill\b|\bcloudpickle\b",
)
# What stands in a command without quotes: numbers, choices that the schema lists (each a word without a blank or a sign of the
# shell's), and options made of these.
PLAIN_PARAMETERS = {
    *("threads", "wildcards.step", "wildcards.task", "wildcards.kind"),
    *(f"params.{name}" for name in ("bits", "blocks", "cap", "clean", "controls", "device", "forms", "intervals", "layers", "previous")),
    *(f"params.{name}" for name in ("schema", "settings", "shared_labels", "spaces", "tasks", "tokens_per_batch", "upstream.size")),
}


def commands(text: str) -> list[str]:
    """The shell commands of a file of rules."""
    return [command for _, command in re.findall(r"^( +)shell:\n((?:\1    .*\n)+)", text, re.MULTILINE)]


def unquoted(command: str) -> set[str]:
    """The placeholders of a command that the shell would split and take for commands."""
    return {name for name in re.findall(r"(?<!\{)\{([^{}]+)\}(?!\})", command) if not name.endswith(":q") and name != "TO_LOG_AND_TERMINAL"}


def test_nothing_is_unpickled_and_no_file_is_run():
    for path in CODE:
        text = "\n".join(line.split("  # ")[0] for line in path.read_text().splitlines())
        for pattern in NEVER:
            assert not re.search(pattern, text), f"{path.name}: {pattern}"


@pytest.mark.parametrize(
    "line",
    [
        *("pickle.load(stream)", "from pickle import loads", "pickle.Unpickler(stream)", "pd.read_pickle(path)", "marshal.loads(data)"),
        *("shelve.open(path)", "np.load(path, allow_pickle=True)", "yaml.load(text)", "trust_remote_code=own", "weights_only=False"),
        *("value = eval(text)", "os.system(command)", "subprocess.run(command, shell=True)", "zipped.extract(entry, output)"),
        *("tar.extractall()", "shutil.unpack_archive(path)", "tarfile.open(path)", "joblib.load(path)"),
    ],
)
def test_what_must_never_be_called_is_seen(line):
    assert any(re.search(pattern, line) for pattern in NEVER)


def test_each_file_of_torchs_is_loaded_for_its_tensors_alone():
    calls = [call for path in CODE for call in re.findall(r"torch\.load\([^\n]*\)", path.read_text())]
    assert calls and all("weights_only=True" in call for call in calls)
    assert [path.name for path in CODE if "torch.load(" in path.read_text()] == ["torch_files.py"]


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_what_may_hold_data_is_quoted_for_the_shell(path):
    found = commands(path.read_text())
    assert len(found) == len(re.findall(r"^ +shell:", path.read_text(), re.MULTILINE))
    for command in found:
        assert unquoted(command) <= PLAIN_PARAMETERS, f"{path.name}: quote with :q"


def test_each_name_that_needs_no_quotes_is_in_a_command():
    """Else a later parameter of that name would pass."""
    found = (unquoted(command) for path in RULE_FILES for command in commands(path.read_text()))
    assert set().union(*found) == PLAIN_PARAMETERS


def choices(schema: object) -> list[str]:
    """The words that a schema lets choose among."""
    if isinstance(schema, list):
        return [word for part in schema for word in choices(part)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("enum", [])
    listed = own if isinstance(own, list) else []
    return [word for word in listed if isinstance(word, str)] + choices(list(schema.values()))


def test_choices_are_plain_words():
    found = choices(config_schema.schema())
    assert len(found) > 20 and not [word for word in found if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", word, re.ASCII)]


def test_text_in_the_settings_of_scripts_is_one_of_the_choices():
    """Else `params.settings`, which stands without quotes, could be a command."""
    schema = config_schema.schema()["properties"]
    # A path, which is not in the arguments; numbers by their names; tasks of `probes.tasks`, as `check_probes` holds them.
    others = {"tokenizer": {"model"}, "probes": {"converged", "control_tasks", "description_lengths"}}
    others["measures"] = {"gate"}
    # A path, too.
    others["signatures"] = {"task_scores"}
    for section, hint in get_type_hints(Settings).items():
        (kind,) = {*(get_args(hint) or (hint,))} - {NoneType}
        keys = schema[section]["properties"] | (schema["arcs"]["properties"] if section == "datasets" else {})
        text = {key for key, value in get_type_hints(kind).items() if str in (value, *get_args(value)) and not choices(keys[key])}
        assert text == others.get(section, set()), section
    assert not any("/" in str(argument) for argument in TokenizerSection("a/b", 1, 0.3, 1, 1.0, 1).arguments())


def test_an_unquoted_placeholder_is_seen():
    assert unquoted('"python x.py --address {params.address} {output:q} {{x}}"') == {"params.address"}


@pytest.mark.parametrize("name", ["a; touch x", "$(touch x)", "`touch x`", "a\ntouch x", "a b", "-x", "../x", "a'b"])
@pytest.mark.parametrize("key", ["experiment", "models", "languages", "treebanks", "alignments", "xnli", "tasks", "control_tasks"])
def test_no_name_in_a_configuration_is_a_command(key, name):
    settings = tiny_configuration()
    if key == "models":
        settings["models"][name] = settings["models"].pop("xlmr")
    elif "tasks" in key:
        settings["probes"][key] = [name]
    else:
        settings[key] = name if key == "experiment" else [name]
    with pytest.raises(XlprobeError):
        configuration.complete(settings)


def test_names_are_escaped_in_the_page_of_the_report(tmp_path):
    row = {"model": "<script>alert(1)</script>", "protocol": "standard", "task": "&", "dataset": '"', "labels": "task", "flag": None}
    row |= {"seed": 1, "epochs": 3, "dev_accuracy": 0.5, "dev_loss": 1.0}
    pd.DataFrame([row]).to_parquet(tmp_path / "training.parquet")
    seal(tmp_path / "training.parquet")
    write_summary(tmp_path / "training.parquet", tmp_path / "a.html", tmp_path / "a.csv")
    page = (tmp_path / "a.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page and "<td>&amp;</td>" in page


def test_each_test_that_the_promises_name_is_there():
    text = (PROJECT / "SECURITY.md").read_text()
    tests = "".join(path.read_text() for path in (PROJECT / "workflow_tests").rglob("test_*.py"))
    files = re.findall(r"`((?:unit|faults)/[\w/]+\.py)", text)
    assert len(files) > 10 and all((PROJECT / "workflow_tests" / file).is_file() for file in files)
    # Some names end in `...`, or begin with it.
    names = re.findall(r"(?:::|`)(test_\w+)|\.\.\._(\w+)", text)
    assert names and all((begun or rest).rstrip("_") in tests for begun, rest in names)
