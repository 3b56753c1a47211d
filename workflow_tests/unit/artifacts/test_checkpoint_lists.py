import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from xlprobe.artifacts.checkpoint_lists import as_argument, checkpoint_files, from_argument
from xlprobe.paths import PROJECT

CHECKPOINTS = [("xlmr", 0), ("multiberts/seed_3", 20), ("xlmr", 5000)]
# What Linux takes as one argument, which a job's whole command is to the shell that runs it.
LONGEST = 128 * 1024


def test_what_a_list_says_is_read_again():
    listed = from_argument(as_argument(CHECKPOINTS))
    assert listed == {"xlmr": [0, 5000], "multiberts/seed_3": [20]}
    files = [Path("outcomes/multiberts/seed_3/20.h5"), Path("outcomes/xlmr/0.h5"), Path("outcomes/xlmr/5000.h5")]
    assert checkpoint_files(Path("outcomes"), listed, ".h5") == files
    assert from_argument(as_argument([])) == {}
    # How a configuration is written makes nothing again.
    assert as_argument(CHECKPOINTS[::-1]) == as_argument(CHECKPOINTS)


def test_thousands_of_checkpoints_fit_a_command_line():
    assert len(as_argument([("xlm-roberta-base", 500 * step) for step in range(3000)])) < LONGEST / 4
    # The largest of the published suites: 26 models with 154 steps.
    assert len(as_argument([(f"pythia-12b-deduped-{model}", 1000 * step) for model in range(26) for step in range(154)])) < LONGEST / 3


@pytest.mark.parametrize("text", ["", "xlmr", "[0, 20]", '{"xlmr": 20}', '{"xlmr": ["20"]}', '{"xlmr": [true]}', "5"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="expected the steps of each training run"):
        from_argument(text)


def test_tables_without_a_name_are_refused():
    script = PROJECT / "scripts" / "join_tables.py"
    done = subprocess.run([sys.executable, script, "--schema-name", "audit.schema.yaml", "--output", "x"], capture_output=True, text=True)
    assert done.returncode == 2 and "name tables with --paths, or with --parts and --checkpoints" in done.stderr
