"""What is wrong with a run's YAML file is said by line and column, and never by Snakemake's or YAML's own traceback."""

import codecs
import subprocess
import sys

import pytest

from xlprobe.errors import ConfigError
from xlprobe.paths import PROJECT
from xlprobe.study.config_file import read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # The form.
        (b"a: 1\nmodels: {m: [1\nfoo: 1\n", r":3:4: not YAML: expected ',' or '\]', but got ':' \(while parsing a flow sequence, line 2\)"),
        (b"a: 'b\n", r":2:1: not YAML: found unexpected end of stream \(while scanning a quoted scalar, line 1\)"),
        (b"a: b: c\n", r":1:5: not YAML: mapping values are not allowed here"),
        (b"a: 1\n  b: 2\n", r":2:4: not YAML: mapping values are not allowed here"),
        (b"a: %b\n", r":1:4: not YAML: found character '%' that cannot start any token"),
        (b"models:\n\tm: 1\n", r":2:1: found a tab, which YAML does not allow there; indent with spaces"),
        (b"a: 1\n---\nb: 1\n", r":2:1: found a second document, which --- begins; keep one of the two"),
        (b"a: *x\n", r":1:4: found \*x, but no &x stands above it; write it out, or put it in quotes"),
        (b"a: &x {b: [1, *x]}\n", r":1:4: config key a.b.1: is an alias of what it stands in itself; write it out"),
        (b"a: &x [1, 2, *x]\n", r":1:4: config key a.2: is an alias of what it stands in itself"),
        (b"x: " + b"[" * 5000, r": brackets or indents are nested too deeply to be read"),
        (
            b"a: &a [0,0,0,0,0,0,0,0,0,0]\n"
            + b"".join(b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 10)) for c in b"abcdefgh"),
            r":5:4: config key e: holds more than 100,000 values, those of aliases counted; write fewer",
        ),
        (b"", r": is empty; expected the keys of a run, experiment and models at least"),
        (b"# nothing\n---\n", r": is empty; expected the keys of a run"),
        (b"- a\n- b\n", r":1:1: found a list, expected the keys of a run"),
        (b"# a comment\nhello\n", r":2:1: found a single value, expected the keys of a run"),
        # The encoding.
        ("a: 1\nname: é".encode("latin-1"), r":2:7: found the byte 0xE9, expected UTF-8; save the file as UTF-8"),
        (codecs.BOM_UTF16_LE + "a: 1".encode("utf-16-le"), r":1:1: found UTF-16, expected UTF-8; save the file as UTF-8"),
        (codecs.BOM_UTF32_LE + "a: 1".encode("utf-32-le"), r":1:1: found UTF-32, expected UTF-8"),
        (b"ab: 1\nb: x\0\n", r":2:5: found the character U\+0000, which YAML does not allow; take it out"),
        # Tags.
        (b"a: !!python/object/apply:os.system [id]\n", r":1:4: config key a: found the tag !!python/object/apply:os.system, which is not"),
        (b"a: !!python/tuple [1]\n", r":1:4: config key a: found the tag !!python/tuple, which is not read here; take it out"),
        (b"a: [!mine x]\n", r":1:5: config key a.0: found the tag !mine, which is not read here; take it out"),
        # What YAML reads as something else.
        (b"models:\n  m: {steps: [1]}\n  n: {}\n  m: {}\n", r":4:3: config key models.m: is given twice; keep one of the two"),
        (b'{"a": 1, "a": 2}', r":1:10: config key a: is given twice"),
        (b"models: {3: {}}\n", r":1:10: config key models.3: YAML reads it as a number; put the name in quotes"),
        (b"models: {1.50: {}}\n", r":1:10: config key models.1.50: YAML reads it as a number; put the name in quotes"),
        (b"models: {on: {}}\n", r":1:10: config key models.on: YAML reads yes, on and true as true; put the name in quotes"),
        (
            b"leave_out:\n  pos: [a]\n  ~: [b]\n",
            r":3:3: config key leave_out.~: YAML reads ~, null and an empty place as null",
        ),
        (b"models: {2020-01-01: {}}\n", r":1:10: config key models.2020-01-01: YAML reads it as a date; put the name in quotes"),
        (b"a: 2020-13-41\n", r":1:4: config key a: found '2020-13-41', which YAML takes for a value of kind timestamp and"),
        (b"a: !!int x\n", r":1:4: config key a: found 'x', which YAML takes for a value of kind int and"),
        (b"a: !!bool x\n", r":1:4: config key a: found 'x', which YAML takes for a value of kind bool and"),
        (b"a: " + b"9" * 5000, r":1:4: config key a: found a number of 5,000 characters, '9999.*; write a shorter one, or put"),
        (b"a: 0x" + b"f" * 5000, r":1:4: config key a: found a number of 5,002 characters, '0xff.*; write a shorter one"),
        (b"a: 0" + b"7" * 5000, r":1:4: config key a: found a number of 5,001 characters"),
        (b"a: 1" + b":59" * 5000, r":1:4: config key a: found a number of 15,001 characters"),
        (b"a: 1\n" * 60_000, r": is larger than 262,144 bytes, so it is no configuration; name a run's YAML file"),
        (b"? [1, 2]\n: 3\n", r":1:3: found a list or a group of keys as a name, expected text"),
        (b"steps: [0, 010]\n", r":1:12: config key steps.1: YAML reads 010 as 8; write 8, or put it in quotes where it is text"),
        (b"steps: [10:20]\n", r":1:9: config key steps.0: YAML reads 10:20 as 620; write 620, or put it in quotes"),
        (b"a: {<<: 3}\n", r":1:9: not YAML: expected a mapping or list of mappings for merging, but found scalar"),
    ],
)
def test_faults_in_a_file_end_in_one_sentence_with_their_place(tmp_path, content, message):
    (tmp_path / "run.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=rf"run\.yaml({message})") as caught:
        read(tmp_path / "run.yaml")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_sound_file_is_read_as_it_stands(tmp_path):
    path = tmp_path / "run.yaml"
    lines = ["a: &x {b: 1, 'no': 0x10}", "models:", "  m: {<<: *x, c: [no, 1_000, '2020-01-01', 0]}", "  n: {<<: *x, <<: *x}", ""]
    path.write_bytes(codecs.BOM_UTF8 + "\r\n".join(lines).encode())
    anchored = {"b": 1, "no": 16}
    assert read(path) == {"a": anchored, "models": {"m": anchored | {"c": [False, 1000, "2020-01-01", 0]}, "n": anchored}}


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    with pytest.raises(ConfigError, match=r"none.yaml: no such configuration; name a run's YAML file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read as a configuration \(Is a directory\); name a run's YAML file"):
        read(tmp_path)


def test_make_learns_from_the_script_what_is_wrong_or_where_results_go(tmp_path):
    def checked(path):
        command = [sys.executable, "scripts/check_configuration.py", "--configuration", path]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    assert checked("config/tiny.yaml") == (0, "results/tiny\n", "")
    (tmp_path / "run.yaml").write_text("experiment: a\n\tb: c\n")
    assert checked(tmp_path / "run.yaml") == (
        1,
        "",
        f"error: {tmp_path}/run.yaml:2:1: found a tab, which YAML does not allow there; indent with spaces\n",
    )
