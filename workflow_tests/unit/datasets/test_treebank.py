import pandas as pd
import pytest

from xlprobe.artifacts.dataset_folder import read_sentences, read_words, read_written
from xlprobe.artifacts.splits import split_of_file
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.files import link_file, read_json

LINE = "1\t{}\t_\tX\t_\t_\t0\troot\t_\t_\n\n"


def write_split(folder, split, count, first=0):
    path = folder / f"xx_test-ud-{split}.conllu"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"# sent_id = {split}{n}\n" + LINE.format(f"w{n}") for n in range(first, first + count)))
    return path


def ids(sentences):
    return [sentence.sent_id for sentence in sentences]


def test_a_missing_dev_set_is_carved_from_train_by_a_fixed_rule(tmp_path, caplog):
    splits = read_splits([write_split(tmp_path, "train", 10), write_split(tmp_path, "test", 2)], None, dev_fraction=0.25)
    assert "every 4th sentence of train becomes dev" in caplog.text
    assert ids(splits["dev"]) == ["train3", "train7"]
    assert ids(splits["train"]) == [f"train{n}" for n in (0, 1, 2, 4, 5, 6, 8, 9)]
    assert list(splits) == ["train", "dev", "test"]


@pytest.mark.parametrize(("fraction", "dev"), [(0.9, [1, 3, 5]), (0.5, [1, 3, 5]), (0.4, [1, 3, 5]), (0.3, [2, 5]), (0.2, [4])])
def test_at_most_every_second_sentence_becomes_dev(tmp_path, fraction, dev):
    splits = read_splits([write_split(tmp_path, "train", 7)], None, fraction)
    assert ids(splits["dev"]) == [f"train{n}" for n in dev]
    assert ids(splits["train"]) == [f"train{n}" for n in range(7) if n not in dev]


def test_a_treebank_without_train_is_for_testing_alone(tmp_path):
    assert list(read_splits([write_split(tmp_path, "test", 2)], None, 0.1)) == ["test"]


def test_splits_are_cut_to_a_number_of_sentences(tmp_path):
    splits = read_splits([write_split(tmp_path, split, 9) for split in ("train", "dev", "test")], 4, 0.1)
    assert [len(sentences) for sentences in splits.values()] == [4, 4, 4] and ids(splits["dev"])[0] == "dev0"


def test_tables_keep_order_and_identity_tells_content_apart(tmp_path):
    files = [write_split(tmp_path, split, 3) for split in ("test", "train", "dev")]
    for name, limit in (("a", None), ("b", None), ("c", 2)):
        write_dataset(read_splits(files, limit, 0.1), tmp_path / name, "xx_test", "en", parallel="mine")
    sentences, words = read_sentences(tmp_path / "a"), read_words(tmp_path / "a")
    assert sentences["split"].tolist() == ["train"] * 3 + ["dev"] * 3 + ["test"] * 3
    assert sentences["first_word"].tolist() == list(range(9)) and words["split"].tolist() == sentences["split"].tolist()
    assert words["form"].tolist() == ["w0", "w1", "w2"] * 3
    a, b, c = (read_json(tmp_path / name / "identity.json") for name in "abc")
    assert a == b and a["sha256"] != c["sha256"] and a["words"] == {"train": 3, "dev": 3, "test": 3}
    assert a.items() > {"dataset": "xx_test", "kind": "treebank", "languages": ["en"], "parallel": "mine", "format": 2}.items()


def test_a_file_that_does_not_say_its_split_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match="does not say the split"):
        split_of_file(tmp_path / "en_ewt.conllu")


def test_real_treebanks_become_tables(real_data, tmp_path):
    files = sorted((real_data / "ud" / "UD_Czech-CAC").glob("*.conllu.xz"))
    write_dataset(read_splits(files, None, 0.1), tmp_path, "cs_cac", "cs")
    words, sentences = read_words(tmp_path), read_sentences(tmp_path)
    assert read_json(tmp_path / "identity.json")["sentences"] == {"train": 482, "dev": 121, "test": 500}
    texts = sentences["text"].to_numpy()[words["sentence"]]
    assert all(text[start:end] == form for text, start, end, form in zip(texts, words["start"], words["end"], words["form"], strict=True))
    assert words["upos"].isin(["NOUN", "VERB"]).mean() > 0.2 and isinstance(words, pd.DataFrame)


def test_two_files_of_one_split_are_refused(tmp_path):
    files = [write_split(tmp_path / name, "train", 2) for name in ("a", "b")]
    with pytest.raises(XlprobeError, match=r"b/xx_test-ud-train.conllu: a second file of the split train; give one file a split"):
        read_splits(files, None, 0.1)


MARKED = """# sent_id = x
1-3\tbeito\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tbe\t_\tADP\t_\t_\t2\tcase\t_\t_
2\tbayit_\t_\tNOUN\t_\t_\t0\troot\t_\t_
3\t_hu\t_\tPRON\t_\t_\t2\tnmod\t_\t_
4\t.\t_\tPUNCT\t_\t_\t2\tpunct\t_\t_

"""


@pytest.mark.parametrize(("clean_forms", "text", "done"), [(False, "be bayit_ _hu.", "kept"), (True, "be bayit hu.", "taken off")])
def test_marked_forms_are_counted_and_said_and_cleaned_on_request(tmp_path, caplog, clean_forms, text, done):
    path = write_split(tmp_path, "test", 2)
    path.write_text(path.read_text() + MARKED)
    caplog.set_level("INFO")
    write_dataset(read_splits([path], None, 0.1, clean_forms), tmp_path / "out", "xx_test", "xx", clean_forms=clean_forms)
    identity, words = read_json(tmp_path / "out" / "identity.json"), read_words(tmp_path / "out")
    assert identity["words_marked"] == {"test": 2} and identity["clean_forms"] is clean_forms
    assert f"xx_test: '_' that marks parts of tokens on 2 words (33.3 %) is {done} (datasets.clean_forms)" in caplog.text
    assert read_sentences(tmp_path / "out")["text"].to_list()[-1] == text and read_written(tmp_path / "out").to_list()[-1] == "beito."
    assert [text[start:end] for start, end in zip(words["start"][2:], words["end"][2:], strict=True)] == words["form"].to_list()[2:]


def test_a_link_takes_the_time_of_its_file(tmp_path):
    source = tmp_path / "source"
    source.write_text("x")
    for _ in range(2):
        link_file(source, tmp_path / "run" / "link")
    link = tmp_path / "run" / "link"
    assert link.is_symlink() and link.read_text() == "x"
    assert link.lstat().st_mtime_ns == source.stat().st_mtime_ns
    with pytest.raises(XlprobeError, match="no such file"):
        link_file(tmp_path / "gone", link)


def test_sentences_with_multiword_tokens_are_kept_as_written(tmp_path):
    path = write_split(tmp_path, "test", 2)
    contracted = "# sent_id = x\n1-2\tdu" + "\t_" * 8 + "\n1\tde\t_\tX\t_\t_\t0\troot\t_\t_\n2\tle\t_\tX\t_\t_\t1\tdep\t_\t_\n\n"
    path.write_text(path.read_text() + contracted)
    write_dataset(read_splits([path], None, 0.1), tmp_path / "out", "xx_test", "xx")
    assert read_sentences(tmp_path / "out")["text"].to_list() == ["w0", "w1", "de le"]
    assert read_written(tmp_path / "out").to_list() == ["w0", "w1", "du"]
