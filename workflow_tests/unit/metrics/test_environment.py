import json
import platform

import torch

from xlprobe.metrics import environment


def test_what_a_run_was_made_with_stands_beside_its_tables(tmp_path):
    configuration = {"models": {"a": {"checkpoints": "c_{step}.pt"}}, "experiment": "é"}
    environment.write_description(configuration, tmp_path / "config.json", tmp_path / "environment.json")
    assert json.loads((tmp_path / "config.json").read_text()) == configuration
    found = json.loads((tmp_path / "environment.json").read_text())
    assert found["host"] == platform.node() and found["python"] == platform.python_version() and found["processor"]
    assert found["packages"]["torch"] == torch.__version__ and len(found["packages"]) > 50


def test_a_gpu_is_named_and_a_package_that_is_missing_too(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    monkeypatch.setattr(environment, "pins", lambda: {"no-such-package": "1"})
    found = environment.describe_environment()
    assert found["gpus"] == ["GPU 0", "GPU 1"] and found["packages"] == {"no-such-package": None}


def test_the_processor_is_called_by_its_model(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A CPU: fast\nmodel name\t: A CPU: fast\n")
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "cpuinfo")
    assert environment.describe_environment()["processor"] == "A CPU: fast"
    monkeypatch.setattr(environment, "CPU_INFO", tmp_path / "none")
    assert environment.describe_environment()["processor"] == platform.processor()
