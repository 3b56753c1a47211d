import re

import yaml

from xlprobe.choices import ANNOTATION, choices, document
from xlprobe.config import schema
from xlprobe.paths import PROJECT, SCHEMAS

FILE = SCHEMAS / "config.schema.yaml"


def test_the_page_is_what_the_schema_says():
    assert (PROJECT / "docs" / "choices.md").read_text(encoding="utf-8") == document(FILE), "run `make docs`"


def test_every_annotation_is_found_and_whole():
    found = list(choices(schema()))
    text = FILE.read_text(encoding="utf-8")
    assert len({choice.key for choice in found}) == len(re.findall(rf"^ +{ANNOTATION}:", text, flags=re.M)) > 50
    assert all(choice.says and choice.ours and choice.after for choice in found)
    # What it says is said of a section, or not at all.
    assert all("not" in choice.says or re.search(r"\((Table )?[0-9A][^)]*\)", choice.says) for choice in found)


def test_what_the_page_has_of_a_schema():
    rule = {
        "properties": {
            "a": {"default": [1], ANNOTATION: [{"says": "x | <y>", "ours": "o", "after": "w"}, {"says": "z", "ours": "p", "after": "v"}]},
            "b": {"default": {}, "properties": {"c": {"default": None, ANNOTATION: {"says": "s", "ours": "t", "after": "u"}}}},
            "d": {"patternProperties": {"^[a-z]$": {"properties": {"e": {ANNOTATION: {"says": "1", "ours": "2", "after": "3"}}}}}},
        }
    }
    found = [(choice.key, choice.says, choice.default) for choice in choices(rule)]
    assert found == [("a", "x | <y>", "[1]"), ("a", "z", None), ("b.c", "s", "null"), ("d.*.e", "1", None)]


def test_html_and_columns_are_escaped(tmp_path):
    rule = {"properties": {"a": {"default": 1, ANNOTATION: {"says": "a | <s>", "ours": "b & c", "after": "d"}}}}
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(rule))
    assert document(tmp_path / "schema.yaml").splitlines()[-1] == r"| `a` | a \| &lt;s> | `1`: b &amp; c | d |"


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
