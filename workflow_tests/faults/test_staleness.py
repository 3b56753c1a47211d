"""What each change makes again, by what Snakemake would record of each job before and after it; staleness.py has the table."""

import random
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import amount, count
from recorded import Job, jobs
from staleness import CHANGES, TOGETHER, WORLD, Change, changed, key_paths

from xlprobe import config as configuration

SCHEMA = dict(key_paths())
TRIED = random.Random(1).sample(CHANGES, amount(len(CHANGES)))


class Judge:
    """Says which rules' targets a configuration makes again where another one's have been made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("20", "other"):
            checkpoint = folder / "suites" / name
            checkpoint.mkdir(parents=True)
            for file in ("config.json", "model.safetensors", "tokenizer.json"):
                (checkpoint / file).write_text(name)
        for file in ("20.pt", "xlmr.model", "other.model"):
            (folder / "suites" / file).write_text(file)
        (folder / "data" / "xnli").mkdir(parents=True)
        for split in ("train", "dev", "test"):
            (folder / "data" / "xnli" / f"{split}-en.tsv").touch()

    def jobs(self, text: str) -> list[Job]:
        path = self.folder / "run.yaml"
        path.write_text(text)
        return jobs(path, self.folder)

    @cache  # noqa: B019
    def made(self, base: str) -> dict[str, Job]:
        """The jobs of a finished run by what they have made."""
        return {path: job for job in self.jobs(base) for path in job.output}

    def again(self, base: str, after: str) -> set[str]:
        """The rules of jobs that have been made and are made again: for themselves, not for what they follow from."""
        made = self.made(base)
        return {
            job.rule
            for job in self.jobs(after)
            if (before := [made.get(path) for path in job.output]) != [None] * len(before)
            and any(old is None or old.recorded != job.recorded for old in before)
        }


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("XLPROBE_DATA", raising=False)
        yield Judge(tmp_path_factory.mktemp("judged"))


def test_every_key_of_the_configuration_stands_in_the_table():
    assert {change.key for change in CHANGES} == set(SCHEMA)


@pytest.mark.parametrize("change", TRIED, ids=lambda change: change.key)
def test_a_key_makes_again_what_reads_it_and_nothing_else(judge, change: Change):
    after = changed(change, SCHEMA[change.key])
    assert judge.again(change.base, yaml.safe_dump(after)) == set(change.again.split())
    count("changes judged")


def upside_down(value, leave: str = "world"):
    """The same value, its keys in the opposite order, but for what is to be left as it is."""
    if isinstance(value, dict):
        return {key: inner if key == leave else upside_down(inner, leave) for key, inner in reversed(value.items())}
    return value


@pytest.mark.parametrize("base", [WORLD, TOGETHER])
def test_how_a_configuration_is_written_makes_nothing_again(judge, base):
    written = yaml.safe_load(base)
    for same in (upside_down(written), configuration.complete(written), upside_down(configuration.complete(written))):
        assert judge.again(base, yaml.safe_dump(same, sort_keys=False)) == set()
        count("changes judged")
    assert judge.again(base, "# A comment.\n" + base.replace("\n", "\n\n")) == set()
    count("changes judged")


@pytest.mark.xfail(strict=True, reason="the order of a world's languages names its alignment sets, and stands in its settings as written")
def test_the_order_of_a_worlds_languages_makes_nothing_again(judge):
    assert judge.again(WORLD, yaml.safe_dump(upside_down(yaml.safe_load(WORLD), leave=""), sort_keys=False)) == set()
