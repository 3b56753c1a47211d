import re

import yaml

from xlprobe.paths import PROJECT, SCHEMAS
from xlprobe.study.choices import ANNOTATION, choices, document
from xlprobe.study.config_schema import schema

FILE = SCHEMAS / "config.schema.yaml"


def test_the_page_is_what_the_schema_says():
    assert (PROJECT / "docs" / "choices.md").read_text(encoding="utf-8") == document(FILE), "run `make docs`"


def test_every_annotation_is_found_and_whole():
    found = list(choices(schema()))
    text = FILE.read_text(encoding="utf-8")
    assert len({choice.key for choice in found}) == len(re.findall(rf"^ +{ANNOTATION}:", text, flags=re.M)) > 50
    assert all(choice.what and choice.ours and choice.after for choice in found)
    assert not [choice.key for choice in found if choice.what.count("(") != choice.what.count(")")], "cut at a semicolon in brackets"


def test_what_paper_1_says_is_quoted_with_its_section():
    told = re.compile(r'does not say\b|.*"[^"]+".*\(([2-8](\.[0-9])?|A\.[0-9])[,)]')
    assert not [choice.key for choice in choices(schema()) if not told.match(choice.says)]


def test_what_the_page_has_of_a_schema():
    def told(says: str, **what: str) -> dict:
        return {"says": says, "ours": "o", "after": "w"} | what

    rule = {
        "properties": {
            "a": {"default": [1], "description": "An a.", ANNOTATION: [told("x | <y>"), told("z", what="Another")]},
            "b": {"default": {}, "properties": {"c": {"default": None, "description": "A c; rare.", ANNOTATION: told("s")}}},
            "d": {
                "patternProperties": {"^[a-z]$": {"properties": {"e": {"default": 0.5, "description": "An e. F.", ANNOTATION: told("1")}}}}
            },
            "f": {"default": [], ANNOTATION: told("t", what="An f")},
            "g": {"default": False, ANNOTATION: told("u", what="A g")},
        }
    }
    assert [(choice.key, choice.what, choice.says, choice.default) for choice in choices(rule)] == [
        ("a", "An a", "x | <y>", None),
        ("a", "Another", "z", None),
        ("b.c", "A c", "s", None),
        ("d.*.e", "An e", "1", "0.5"),
        ("f", "An f", "t", None),
        ("g", "A g", "u", "false"),
    ]


def test_sections_have_tables_and_their_text_is_escaped(tmp_path):
    choice = {"what": "A <b>", "says": "a | <s>", "ours": "b & c", "after": "d"}
    model = {"steps": {ANNOTATION: choice}, "pretrain": {"properties": {"e": {ANNOTATION: choice}}}, "folder": {ANNOTATION: choice}}
    rule = {"properties": {"a": {"default": 1, ANNOTATION: choice}, "models": {"patternProperties": {"": {"properties": model}}}}}
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(rule, sort_keys=False))
    lines = document(tmp_path / "schema.yaml").splitlines()
    told = [line.split(" | ")[0] for line in lines if line.startswith(("##", "| `"))]
    of_models = ["## `models`", "| `models.*.steps`", "| `models.*.folder`", "## `models.*.pretrain`", "| `models.*.pretrain.e`"]
    assert told == ["## `a`", "| `a`", *of_models]
    assert r"| `a` | A &lt;b> | a \| &lt;s> | `1`: b &amp; c | d |" in lines


def test_what_is_silent_in_paper_1_is_there():
    keys = {choice.key for choice in choices(schema())}
    assert keys >= {
        "arcs.negatives",
        "alignments",
        "bpc.languages",
        "bpc.max_lines",
        "datasets.clean_forms",
        "datasets.dev_fraction",
        "features",
        "models.*.pretrain.training.learning_rate",
        "models.*.pretrain.training.warmup_updates",
        "probes.patience",
        "probes.tasks",
        "treebanks",
    }
