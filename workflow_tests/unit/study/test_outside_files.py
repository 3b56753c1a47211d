import os

import pytest

from xlprobe.errors import XlprobeError
from xlprobe.study import outside_files
from xlprobe.study.outside_files import OutsideFiles


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "data" / "en.txt"
    file.parent.mkdir()
    file.write_text("one")
    return file


def digest(tmp_path, file, **options):
    """As of a process that starts anew."""
    (found,) = OutsideFiles(tmp_path / "results" / "outside_files.json").digests({"en.txt": file}, **options)
    return found


def put(file, text):
    """Other content of the same size under an older time, as `cp -p` does."""
    file.write_text(text)
    os.utime(file, ns=(0, 1_000_000_000))


def test_content_counts_and_time_and_place_do_not(tmp_path, file):
    before = digest(tmp_path, file)
    file.touch()
    assert digest(tmp_path, file) == before
    moved = file.rename(tmp_path / "en.txt")
    assert digest(tmp_path, moved) == before
    put(moved, "two")
    other = digest(tmp_path, moved)
    # The same time and size again, in place.
    put(moved, "six")
    assert len({before, other, digest(tmp_path, moved)}) == 3


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path, file, monkeypatch):
    before = digest(tmp_path, file)
    monkeypatch.setattr(outside_files, "sha256", lambda path: "read")
    assert digest(tmp_path, file) == before
    file.touch()
    assert digest(tmp_path, file) == "read"


def test_a_file_that_is_gone_is_what_it_was(tmp_path, file):
    before = digest(tmp_path, file)
    file.unlink()
    assert digest(tmp_path, file) == before


def test_a_dry_run_reads_no_file_for_the_first_time(tmp_path, file):
    assert digest(tmp_path, file, read_new=False) == "" and not (tmp_path / "results").exists()
    before = digest(tmp_path, file)
    assert digest(tmp_path, file, read_new=False) == before
    put(file, "two")
    assert digest(tmp_path, file, read_new=False) not in ("", before)


def test_a_damaged_record_is_made_anew_and_a_file_that_cannot_be_read_ends_in_one_sentence(tmp_path, file):
    before = digest(tmp_path, file)
    for content in (
        "{",
        "[]",
        "null",
        '{"en.txt": 3}',
        '{"en.txt": {"like": []}}',
        '{"en.txt": {"sha256": 3, "like": []}}',
        '{"en.txt": {"sha256": "a"}}',
    ):
        (tmp_path / "results" / "outside_files.json").write_text(content)
        assert digest(tmp_path, file) == before
    with pytest.raises(XlprobeError, match=r"data: cannot be read \(Is a directory\); expected a file that you may read"):
        digest(tmp_path, file.parent)


def test_what_takes_long_is_said_before_it_is_read(tmp_path, monkeypatch, capsys):
    """Also where it is many files that do, in one call or in several."""
    monkeypatch.setattr(outside_files, "SAID_BYTES", 5 * 10**9)
    monkeypatch.setattr(outside_files, "sha256", lambda path: "read")
    files = {}
    for name in "abcd":
        files[name] = tmp_path / name
        with files[name].open("wb") as file:
            file.truncate(3 * 10**9)
    outside = OutsideFiles(tmp_path / "record.json")
    for names in ("a", "bc", "d", "abcd"):
        outside.digests({name: files[name] for name in names})
    said = "reading files once, to know them by what they hold: 6 GB with {}\n"
    assert capsys.readouterr().err == said.format(files["b"]) + said.format(files["d"])
