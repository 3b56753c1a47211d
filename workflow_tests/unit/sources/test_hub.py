"""Checkpoints from a hub on loopback that answers as the Hugging Face hub does."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from upstream_server import Answer, UpstreamServer, publish_repository

from xlprobe.errors import XlprobeError
from xlprobe.paths import PROJECT
from xlprobe.sources.downloads import recorded
from xlprobe.sources.hub import fetch_repository

FILES = {
    "config.json": b'{"model_type": "bert"}',
    "tokenizer.json": b"{}",
    "model.safetensors": bytes(range(256)) * 4000,
    "pytorch_model.bin": b"not asked for",
    "README.md": b"# nor this",
}
COMMIT = "a" * 40


def publish(hub: UpstreamServer, files: dict[str, bytes] = FILES, commit: str = COMMIT, **answers: Answer) -> None:
    publish_repository(hub, "org/name", "step10", files, commit, **answers)


def fetching(hub: UpstreamServer, folder: Path, revision: str = "step10", repository: str = "org/name") -> subprocess.Popen[str]:
    command = [sys.executable, "scripts/fetch_repository.py", "--repository", repository, "--revision", revision]
    command += ["--output", str(folder / "10"), "--lock", str(folder / "lock.tsv"), "--key", "models.m"]
    environment = os.environ | {"HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def fetch(hub: UpstreamServer, folder: Path, **what: str) -> subprocess.CompletedProcess[str]:
    process = fetching(hub, folder, **what)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def test_what_is_read_is_fetched_and_verified(upstream, tmp_path):
    publish(upstream, **{"model.safetensors": Answer(cut=300_000)})
    done = fetch(upstream, tmp_path)
    assert done.returncode == 0, done.stderr
    found = {path.name: path.read_bytes() for path in (tmp_path / "10").iterdir()}
    assert found == {name: FILES[name] for name in ("config.json", "tokenizer.json", "model.safetensors")}
    assert "bytes=300000-" in upstream.ranges(), "the download was not gone on with"
    (row,) = recorded(tmp_path / "lock.tsv").values()
    assert row["address"] == "https://huggingface.co/org/name/tree/step10" and row["sha256"] == COMMIT
    # Killed after all had come, a job is started again.
    again = fetch(upstream, tmp_path)
    assert again.returncode == 0, again.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "10").iterdir()} == found
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_what_came_before_a_kill_is_not_fetched_again(upstream, tmp_path):
    publish(upstream, **{"model.safetensors": Answer(status=404)})
    assert fetch(upstream, tmp_path).returncode == 1 and not (tmp_path / "10").exists()
    asked = len(upstream.asked)
    assert fetch(upstream, tmp_path).returncode == 0
    fetched = [path.rpartition("/")[2] for path, _ in upstream.asked[asked:]][1:]
    assert fetched == ["model.safetensors", "tokenizer.json"], "config.json came before"


def test_a_busy_hub_is_asked_again(upstream, tmp_path):
    publish(upstream)
    upstream.files["/api/models/org/name/revision/step10?blobs=true"].answers.append(Answer(status=503))
    assert fetch(upstream, tmp_path).returncode == 0 and (tmp_path / "10" / "config.json").exists()


def test_parts_of_two_commits_are_never_joined(upstream, tmp_path):
    publish(upstream, **{"model.safetensors": Answer(status=404)})
    assert fetch(upstream, tmp_path).returncode == 1
    (tmp_path / "lock.tsv").unlink()
    newer = FILES | {"config.json": b'{"model_type": "roberta"}'}
    publish(upstream, newer, commit="c" * 40)
    other = tmp_path / f"0.{COMMIT[:12]}.partial"
    other.mkdir()
    assert fetch(upstream, tmp_path).returncode == 0
    assert [*tmp_path.glob("*.partial")] == [other], "what came of the earlier commit stays forever"
    assert (tmp_path / "10" / "config.json").read_bytes() == newer["config.json"]


def test_a_killed_fetch_goes_on(upstream, tmp_path):
    publish(upstream, FILES | {"model.safetensors": bytes(4_000_000)}, **{"model.safetensors": Answer(pause=0.05)})
    process = fetching(upstream, tmp_path)
    partial = tmp_path / f"10.{COMMIT[:12]}.partial" / "model.safetensors.partial"
    for _ in range(300):
        time.sleep(0.1)
        if partial.exists() and partial.stat().st_size > 500_000:
            break
    process.kill()
    process.wait()
    came = partial.stat().st_size
    assert 500_000 < came < 4_000_000 and not (tmp_path / "10").exists()
    assert fetch(upstream, tmp_path).returncode == 0
    assert (tmp_path / "10" / "model.safetensors").read_bytes() == bytes(4_000_000) and f"bytes={came}-" in upstream.ranges()


def test_a_revision_that_has_moved_is_refused(upstream, tmp_path):
    publish(upstream)
    assert fetch(upstream, tmp_path).returncode == 0
    (tmp_path / "10").rename(tmp_path / "old")
    publish(upstream, FILES | {"config.json": b'{"model_type": "gpt2"}'}, commit="b" * 40)
    done = fetch(upstream, tmp_path)
    assert done.returncode == 1 and not (tmp_path / "10").exists()
    assert f"sha256 is {'b' * 40}" in done.stderr and "has changed upstream; delete that line" in done.stderr


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_is_not_the_described_one_is_refused(upstream, tmp_path, name):
    publish(upstream)
    upstream.publish(f"org/name/resolve/{COMMIT}/{name}", b"something else")
    done = fetch(upstream, tmp_path)
    assert done.returncode == 1 and not (tmp_path / "10").exists()
    assert ("sha256 is" if name == "model.safetensors" else "is not the file that the hub describes") in done.stderr
    assert done.stderr.count("\n") == 1 or "Traceback" not in done.stderr


def test_what_is_not_there_ends_in_one_sentence(upstream, tmp_path):
    upstream.publish(
        "api/models/org/name/revision/step99?blobs=true", b"", Answer(status=404, headers={"X-Error-Code": "RevisionNotFound"})
    )
    upstream.publish("api/models/org/none/revision/step10?blobs=true", b"", Answer(status=401, headers={"X-Error-Code": "RepoNotFound"}))
    publish(upstream, {"config.json": b"{}", "tf_model.h5": b""})
    for keys, message in (
        ({"revision": "step99"}, "there is no such revision; look at config keys models.m.huggingface.revision and models.m.steps"),
        (
            {"repository": "org/none"},
            "there is no such repository, or you may not read it; look at config key models.m.huggingface.repository, or",
        ),
        ({}, "org/name, revision step10, on the Hugging Face hub: holds no weights"),
        ({"repository": "a/b/c"}, "; look at config key models.m.huggingface.repository and at HF_ENDPOINT in the environment, or run"),
    ):
        done = fetch(upstream, tmp_path, **keys)
        assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_hub_that_never_answers_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.sources.hub.TIMEOUTS", (0.02, 0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr("xlprobe.sources.hub.HfApi", lambda: HfApi(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        # So that the test ends where nothing else does.
        end = threading.Timer(5, silent.shutdown, [socket.SHUT_RDWR])
        end.start()
        with pytest.raises(XlprobeError, match=r"the hub could not be asked \(.*timed out\); look at config key models\.m\.hugg"):
            fetch_repository("org/name", "step10", tmp_path / "10", tmp_path / "lock.tsv", "models.m", backoff=0)
        end.cancel()


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"5", b'{"id": "org/name", "sha": null, "siblings": []}', b'{"siblings": [5]}'])
def test_an_answer_that_describes_no_repository_locks_nothing(upstream, tmp_path, monkeypatch, answer):
    monkeypatch.setattr("xlprobe.sources.hub.HfApi", lambda: HfApi(endpoint=upstream.address))
    answers = {"headers": {"Content-Type": "application/json"}}
    upstream.publish("api/models/org/name/revision/step10?blobs=true", answer, **answers)
    with pytest.raises(XlprobeError, match=r"hub names no commit|hub could not be asked|holds no config.json") as caught:
        fetch_repository("org/name", "step10", tmp_path / "10", tmp_path / "lock.tsv", "models.m")
    assert "\n" not in str(caught.value) and not (tmp_path / "lock.tsv").exists()
