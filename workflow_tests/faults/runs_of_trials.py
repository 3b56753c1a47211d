"""The two runs in which faults are tried: a small one on a world, and one that fetches what the first has made.

The second finds the first one's treebank and checkpoints published on loopback, as others publish theirs.
"""

import io
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import yaml
from projects import Project
from upstream_server import UpstreamServer, publish_repository

from xlprobe.study.resource_tables import sources

RELEASE = "ud-treebanks-v2.18"
STEP = 10
CHECKPOINT_FILES = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")


def write_small_configuration(project: Project, short: bool) -> Path:
    """Write the configuration of a run that has every kind of job, but few of each; its path.

    Args:
        short: whether to leave out what the short version does not harm.
    """
    path = project.folder / "config" / "tiny.yaml"
    configuration = yaml.safe_load(path.read_text())
    configuration["models"]["xlmr"]["steps"] = [0, STEP]
    configuration["treebanks"] = ["qaa_world", "qba_pud"]
    configuration["probes"] |= {"tasks": ["pos"], "n_seeds": 1, "epochs": 2}
    if short:
        configuration |= {"xnli": [], "bpc": {"languages": []}}
    path.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return path


def make_fetched_run(project: Project, server: UpstreamServer, tiny: Path, environment: Mapping[str, str]) -> Path:
    """Make a run that fetches everything from a server; its configuration.

    Args:
        tiny: the results of the small run.
        environment: what Snakemake needs besides the usual.
    """
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for file in sorted((tiny / "sources" / "ud" / "UD_Arva-World").iterdir()):
            tar.add(file, f"{RELEASE}/UD_English-EWT/{file.name.replace('qaa_world', 'en_ewt')}")
    archive = written.getvalue()
    published = sources()["ud_2.18"]
    project.edit("resources/sources.tsv", published.address, server.publish(f"{RELEASE}.tgz", archive))
    project.edit("resources/sources.tsv", published.sha256, sha256(archive).hexdigest())
    files = {name: (tiny / "checkpoints" / "xlmr" / str(STEP) / name).read_bytes() for name in CHECKPOINT_FILES}
    publish_repository(server, "org/adopted", f"step{STEP}", files)
    server.publish(f"{STEP}.pt", (tiny / "pretrain" / "xlmr" / f"step_{STEP}.pt").read_bytes())
    server.publish("xlmr.model", (tiny / "tokenizer" / "sentencepiece.bpe.model").read_bytes())
    fairseq = {"checkpoints": f"{server.address}/{{step}}.pt", "sentencepiece": f"{server.address}/xlmr.model"}
    configuration = {
        "experiment": "fetched",
        "models": {
            "adopted": {"steps": [STEP], "huggingface": {"repository": "org/adopted", "revision": "step{step}"}},
            "converted": {"steps": [STEP], "fairseq": fairseq},
        },
        "treebanks": ["en_ewt"],
        "features": {"keep": True, "together": True, "device": "cpu"},
        "probes": {"tasks": ["pos"], "together": True, "n_seeds": 1, "epochs": 2},
    }
    path = project.folder / "config" / "fetched.yaml"
    path.write_text(yaml.safe_dump(configuration))
    # What is fetched for one use would be deleted after it.
    project.snakemake("--configfile", str(path), "--notemp", "--quiet", "all", environment=dict(environment))
    return path
