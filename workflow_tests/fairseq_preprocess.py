"""fairseq's own tool that makes binarised text, which ours is compared with."""

import subprocess
import sys
from pathlib import Path


def fairseq_preprocess(subwords: Path, tokenizer: Path, folder: Path) -> None:
    """Binarise text that is given as subwords; `folder` gets train.bin and train.idx."""
    command = [sys.executable, "-m", "xlprobe.pretraining.fairseq_runtime", "preprocess", "--only-source", "--workers", "1"]
    command += ["--srcdict", str(tokenizer / "dict.txt"), "--trainpref", str(subwords), "--destdir", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"})
