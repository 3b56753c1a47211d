import pytest

from xlprobe.study.dropped import with_dropped, with_dropped_parts


@pytest.fixture
def paths(tmp_path):
    """Weights of three sources, and the identity of a dataset, that are there."""
    found = [tmp_path / name for name in ("en.safetensors", "fi.safetensors", "el.safetensors", "fi/identity.json")]
    (tmp_path / "fi").mkdir()
    for path in found:
        path.write_text("")
    return [str(path) for path in found]


def test_inputs_of_dropped_datasets_stay_with_a_job_that_stands(paths):
    en, fi, el, identity = paths
    assert with_dropped([el, en], [en, fi, el, identity], ["fi"]) == [el, en, fi, identity]
    # Of a dataset that is not dropped they do not: the task has left it out.
    assert with_dropped([el], [en, fi, el], ["fi"]) == [el, fi]
    # One is new, or what is dropped is gone, or nothing was ever made.
    assert with_dropped([el, en], [fi, el], ["fi"]) == [el, en]
    assert with_dropped([en], [en, fi + ".safetensors", fi], ["fi", "fi.safetensors"]) == [en]
    assert with_dropped([en], [], ["fi"]) == [en]


def test_parts_that_are_dropped_are_recorded_on_until_one_is_new():
    recorded = ["'abc'", "{'fi': ['--layers', 1], 'en': []}"]
    assert with_dropped_parts({"en": ["x"]}, recorded) == ({"en": ["x"], "fi": ["--layers", 1]}, [])
    parts, new = with_dropped_parts({"en": [], "el": []}, recorded)
    assert (list(parts), new) == (["el", "en"], ["el"])
    assert with_dropped_parts({"en": []}, []) == ({"en": []}, [])
