"""What datasets say of themselves, and what is refused."""

import re

import pytest

from xlprobe.artifacts.dataset_folder import has_words, read_sentences
from xlprobe.artifacts.dataset_identity import declaration, read_identity
from xlprobe.artifacts.dataset_kinds import BITEXT, NLI, TREEBANK
from xlprobe.errors import XlprobeError
from xlprobe.files import write_json
from xlprobe.study.catalogue import AlignmentSet, nli_sets, world_treebanks

SOUND = declaration("en_pud", TREEBANK, ("en",), "pud") | {"sha256": {}}


def test_an_identity_says_what_the_dataset_is(tmp_path):
    write_json(tmp_path / "identity.json", SOUND)
    said = {"format": 2, "dataset": "en_pud", "kind": "treebank", "languages": ["en"], "parallel": "pud", "sha256": {}}
    assert read_identity(tmp_path) == said and has_words(tmp_path)


def test_the_catalogue_calls_kinds_groups_and_languages_as_identities_do():
    treebank, parallel = world_treebanks("qaa", "Arva")
    assert [(found.kind, found.languages, found.parallel) for found in (treebank, parallel)] == [
        (TREEBANK, ("qaa",), None),
        (TREEBANK, ("qaa",), "pud"),
    ]
    assert {(found.kind, found.languages, found.parallel) for found in nli_sets(["zh-Hans"], ["zh-Hans"]).values()} == {
        (NLI, ("zh-Hans",), "xnli")
    }
    bitext = AlignmentSet("align_ro_en", "ro", "en", "wpt", ())
    assert (bitext.kind, bitext.languages, bitext.parallel) == (BITEXT, ("ro", "en"), None)


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        # As older versions wrote it.
        ({"dataset": "en_pud", "language": "en", "sha256": {}}, "says no format version, expected 2: another version of xlprobe wrote it"),
        (SOUND | {"format": 1}, "is of format version 1, expected 2: another version of xlprobe wrote it"),
        (
            {key: value for key, value in SOUND.items() if key != "kind"},
            "cannot be read as a dataset's identity (ValueError: it does not say",
        ),
        ([], "cannot be read as a dataset's identity (AttributeError"),
    ],
)
def test_an_identity_of_another_form_is_refused_in_one_sentence(tmp_path, identity, message):
    write_json(tmp_path / "identity.json", identity)
    for read in (read_identity, has_words):
        with pytest.raises(XlprobeError, match=rf"^{tmp_path}/identity.json: {re.escape(message)}.*; delete it to make the dataset again$"):
            read(tmp_path)
    (tmp_path / "identity.json").unlink()
    with pytest.raises(XlprobeError, match=r"identity\.json: no such file; delete it to make the dataset again"):
        read_identity(tmp_path)
    with pytest.raises(XlprobeError, match=r"sentences\.parquet: no such file; delete .* to make the dataset again"):
        read_sentences(tmp_path)
