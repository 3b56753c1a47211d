"""What ends a job is one short sentence on the terminal, whatever a file holds and whatever fails."""

import errno
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from xlprobe.errors import FormatError, ResumeError, XlprobeError, one_line, shortened
from xlprobe.files import MAKE_AGAIN, read_json, reading
from xlprobe.paths import PROJECT
from xlprobe.pretraining.training_records import Training, resume_point

SCRIPT = """import logging, sys
from xlprobe import command_line
from xlprobe.errors import XlprobeError

def main():
    parser = command_line.parser("tries")
    parser.add_argument("--line", required=True)
    arguments = vars(parser.parse_args())
    assert [*arguments] == ["line"]
    logging.getLogger("a").warning("a %s\\nb", "\\x1b[31mred")
    exec(arguments["line"])

command_line.run(main)
"""


def test_several_calls_share_a_start():
    """What stands before the first `--and` holds for all of them."""
    command = [sys.executable, "-c", SCRIPT, "--line", "print(sys.argv[1:])", "--and", "--and", "--line", "print(2)"]
    done = subprocess.run(command, cwd=PROJECT / "scripts", capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['--line', 'print(sys.argv[1:])']", "2"]
    done = subprocess.run([*command, "--and", "--more"], cwd=PROJECT / "scripts", capture_output=True, text=True)
    assert done.returncode == 2 and "unrecognized arguments: --more" in done.stderr


def test_a_message_repeats_no_more_than_200_characters_of_a_file_and_is_one_line():
    said = str(FormatError("/a/file", 3, f"label {'y' * 300!r}", "one of a, b"))
    assert said.startswith("/a/file:3: found label 'yyyy") and said.endswith("yyyy', expected one of a, b") and said.count("y") < 200
    for piece in ("z" * 10**7, repr("a b " * 10**6), f"'{'é ' * 5000}'", "x\n" * 200, "'" * 10**6, repr("'\"\\" * 10**5)):
        said = str(XlprobeError(f"/a/file: found {piece}, which is nothing; it's the layout's own"))
        assert said.startswith("/a/file: found ") and said.endswith("; it's the layout's own")
        assert len(said) < 300 and "\n" not in said, said
    assert str(XlprobeError("a\x1b[31m\r\n\u2028\ud800\x85é")) == r"a\x1b[31m\r\n\u2028\ud800\x85é"


def test_our_own_sentences_and_paths_are_not_cut():
    long = "/data" * 100 + f"/file: the sets' own links aren't 'sure'; {'delete each of them, and run again ' * 20}; it's needed"
    assert str(XlprobeError(long)) == long and shortened("a" * 200) == "a" * 200
    assert one_line("\u4e2d\u6587 \u0645\u0631\u062d\u0628\u0627 e\u0301") == "\u4e2d\u6587 \u0645\u0631\u062d\u0628\u0627 e\u0301"


def test_a_command_to_follow_is_whole(tmp_path):
    """As many steps as the paper's, after whose list the command would delete half a training."""
    steps = [0, *range(5_000, 50_000, 5_000), *range(50_000, 1_550_000, 50_000)]
    training = Training("xlmr", steps, tmp_path / "pretrain", tmp_path / "checkpoints", {}, {}, [])
    for step in steps[:-1]:
        training.record(step).parent.mkdir(parents=True)
        training.record(step).touch()
    with pytest.raises(ResumeError) as caught:
        resume_point(training, steps[-1], steps[-2])
    command = re.search("`rm -r (.*)`", str(caught.value))
    assert len(steps) == 40 and command and command[1] == f"{tmp_path}/checkpoints/{{{','.join(map(str, steps[:-1]))}}}"
    # In what a file holds, backticks keep nothing.
    assert len(str(XlprobeError(f"/a/file: found {'`' + 'a b ' * 1000 + '`'!r}, do `rm -r x`"))) < 300


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_file_that_the_disk_or_the_system_refuses_is_not_called_damaged(number):
    said = f"cannot be read ({os.strerror(number)}); expected a file that you may read, on a disk that works"
    for error, file in ((OSError(number, "in words"), "f.h5"), (OSError(number, "in words", "part"), "part")):
        with pytest.raises(XlprobeError) as caught, reading("f.h5", "text", MAKE_AGAIN):
            raise error
        assert str(caught.value) == f"{file}: {said}"
    with pytest.raises(XlprobeError, match=r"^f\.h5: no such file; run again to make it$"), reading("f.h5", "text", MAKE_AGAIN):
        raise FileNotFoundError


def test_what_a_reader_does_not_foresee_has_the_file_and_the_line():
    with (
        pytest.raises(
            XlprobeError, match=r"^f\.txt:7: cannot be read as text \(KeyError: 'misc'\); correct it, or fetch it again$"
        ) as caught,
        reading("f.txt", "text") as place,
    ):
        place.line = 7
        raise KeyError("misc")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(XlprobeError, match=r"^f\.txt: cannot be read as text \(error: Error -3"), reading("f.txt", "text"):
        zlib.decompress(b"x" * 9)
    # Of Arrow: the file may be whole.
    no_thread = RuntimeError("Unknown error: Failed to launch worker thread: Resource temporarily unavailable")
    for ours in (XlprobeError("as it is"), MemoryError(), no_thread, KeyboardInterrupt(), GeneratorExit()):
        with pytest.raises(type(ours)), reading("f.txt", "text"):
            raise ours


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", r"a\.json: cannot be read as JSON \(UnicodeDecodeError: .*\)"),
        (b"[" * 100_000, r"a\.json: cannot be read as JSON \(RecursionError: .*\)"),
        (b"9" * 5000, r"a\.json: cannot be read as JSON \(ValueError: Exceeds the limit .*\)"),
        (b"{", r"a\.json:1: not JSON \(Expecting property name enclosed in double quotes\)"),
        (b"", r"a\.json:1: not JSON \(Expecting value\)"),
        (None, r"a\.json: no such file"),
    ],
)
def test_json_that_cannot_be_read_is_one_sentence(tmp_path, content, said):
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(XlprobeError, match=f"{said}; restore it, or fetch or make it again$"):
        read_json(tmp_path / "a.json")
    with pytest.raises(XlprobeError, match=f"{said}; ask who wrote it$"):
        read_json(tmp_path / "a.json", "ask who wrote it")
    with pytest.raises(XlprobeError, match=r"cannot be read \(Is a directory\); expected a file that you may read"):
        read_json(tmp_path)


def ran(folder: Path, line: str, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, folder / "script.py", "--line", line, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("raise XlprobeError('a\\nb')", 1, r"error: a\nb"),
        (
            "{}['x' * 1000]",
            1,
            f"error: KeyError: '{'x' * 98}…{'x' * 98}'; a fault of xlprobe (<string>, line 1); please report it, with the traceback that"
            " XLPROBE_DEBUG=1 in the environment adds to the log",
        ),
        ("open('/none/x')", 1, "error: FileNotFoundError: [Errno 2] No such file or directory: '/none/x'; a file could not be read or"),
        ("raise MemoryError", 1, "error: memory is full (MemoryError: without a message); run fewer jobs at once, or give the job more"),
        ("raise KeyboardInterrupt", 130, "error: interrupted before the end; run the same command again"),
        ("sys.exit('in words')", 1, "in words"),
    ],
)
def test_a_script_ends_in_one_sentence_and_a_log_writes_no_colours(tmp_path, line, status, said):
    assert (found := ran(tmp_path, line))[0] == status
    lines = [r"a \x1b[31mred", "b", said]
    assert all(line.startswith(start) for line, start in zip(found[1], lines, strict=True))


def test_the_traceback_stands_before_the_sentence_where_it_is_asked_for(tmp_path):
    asked = [ran(tmp_path, "{}['x']", "--debug"), ran(tmp_path, "{}['x']", XLPROBE_DEBUG="1")]
    for status, lines in [*asked, ran(tmp_path, "raise XlprobeError('x') from ValueError()", "--debug")]:
        assert status == 1 and lines[-1].startswith("error: ") and any(line.startswith("Traceback") for line in lines)
    assert len(ran(tmp_path, "{}['x']", XLPROBE_DEBUG="0")[1]) == 3


def test_a_reader_that_ends_before_is_no_traceback(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = f"{sys.executable} script.py --line 'for n in range(10**5): print(n)' | head -1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(PROJECT / "scripts")}
    )
    assert done.stdout == "0\n" and done.stderr.splitlines()[2:] == [
        "error: BrokenPipeError: [Errno 32] Broken pipe; what read the output has ended before"
    ]
