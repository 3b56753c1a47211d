import shutil
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from suites import renew_digests

from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.dataset_kinds import NLI
from xlprobe.artifacts.feature_file import FeatureFile, read_sentence
from xlprobe.artifacts.tables import write_table
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.features.encoding import DatasetSentences, EncodedSentence, Encoder, numbered_subwords, subword_word_pairs
from xlprobe.features.extraction import Alike, Audit, extract_features, means, vectors_of_units
from xlprobe.files import read_json, sha256, write_json
from xlprobe.models.windows import batches, windows
from xlprobe.study.resource_tables import treebanks

LAYERS = [0, 1, 2]


def sentence(sent_id: str, *forms: str, spaces: bool = True) -> Sentence:
    words, text = [], ""
    for form in forms:
        text += " " * bool(text and spaces)
        words.append(Word(form, len(text), len(text) + len(form), "X", "_", 0, "dep"))
        text += form
    return Sentence(sent_id, text, words)


@pytest.fixture(scope="module")
def dataset(tiny_model, tmp_path_factory):
    """Sentences short and long, with and without spaces, with words that have no subword or share one."""
    folder = tmp_path_factory.mktemp("dataset") / "xx_test"
    known = next(letter for letter in "aeiou" if letter in Encoder(tiny_model.checkpoint, torch.device("cpu")).tokenizer.get_vocab())
    long = [f"word{number}" for number in range(60)]
    splits = {
        "train": [
            sentence("a", "one", "two", "three"),
            sentence("b", *long),
            sentence("c", "漢", "字", "かな", spaces=False),
            sentence("d", "New York", known * 150, "."),
        ],
        "test": [sentence("a", "in", "the", "test"), sentence("e", "\u200b", "word")],
    }
    write_dataset(splits, folder, "xx_test", "en")
    return folder


@pytest.fixture(scope="module")
def features(tiny_model, dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    extract_features(tiny_model.checkpoint, [dataset], [folder / "xx.h5"], [folder / "xx.audit.parquet"], LAYERS, 256, "cpu")
    return folder


def loop(encoder: Encoder, text: str, starts: np.ndarray, ends: np.ndarray, lone: bool = False) -> np.ndarray:
    """Word vectors of one sentence, the slow and plain way: [layers, words, dim]; a lone ▁ counts where it is to."""
    encoded = encoder.tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    size = encoder.framing.window
    starts_of_windows = [0] if len(ids) <= size else sorted({*range(0, len(ids) - size, size // 2), len(ids) - size})
    best: dict[int, tuple[float, torch.Tensor]] = {}
    for start in starts_of_windows:
        part = ids[start : start + size]
        output = encoder.model(torch.tensor([[0, *part, 2]]), output_hidden_states=True)
        hidden = torch.stack([layer[0, 1:-1] for layer in output.hidden_states])
        for place in range(len(part)):
            # How far from the nearer cut edge; the sentence's own ends are no cuts.
            left = place + 0.5 if start else np.inf
            right = len(part) - place - 0.5 if start + size < len(ids) else np.inf
            if min(left, right) > best.get(start + place, (-1.0, None))[0]:
                best[start + place] = (min(left, right), hidden[:, place])
    blank = None if lone else encoder.tokenizer.convert_tokens_to_ids("▁")
    vectors = []
    for word_start, word_end in zip(starts, ends, strict=True):
        own = [n for n, (a, b) in enumerate(offsets) if a < word_end and b > word_start and ids[n] != blank]
        vectors.append(torch.stack([best[n][1] for n in own]).mean(0) if own else torch.zeros(3, 32))
    return torch.stack(vectors, dim=1).detach().numpy()


def test_vectors_equal_a_loop_over_sentences(tiny_model, dataset):
    encoder = Encoder(tiny_model.checkpoint, torch.device("cpu"))
    sentences, words = read_sentences(dataset), pd.read_parquet(dataset / "words.parquet")
    spans = [words[words["sentence"] == number] for number in range(len(sentences))]
    starts, ends = [span["start"].to_numpy() for span in spans], [span["end"].to_numpy() for span in spans]
    encoded = encoder.encode(sentences["text"].to_list(), starts, ends)
    assert max(len(one.ids) for one in encoded) > 2 * encoder.framing.window > 100
    for tokens_per_batch in (1, 100, 100_000):
        found = vectors_of_units(encoder, encoded, LAYERS, tokens_per_batch)
        with torch.no_grad():
            expected = np.concatenate([loop(encoder, *parts) for parts in zip(sentences["text"], starts, ends, strict=True)], axis=1)
        assert found.shape == (3, len(words), 32)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_file_holds_what_it_says(features, dataset, tiny_model):
    with h5py.File(features / "xx.h5", locking=False) as file:
        assert file["vectors"].dtype == np.float16 and file["vectors"].shape[0] == 3 and file["vectors"].compression is None
        assert file["offsets"][-1] == file["vectors"].shape[1] == 3 + 60 + 3 + 3 + 3 + 2
    with FeatureFile(features / "xx.h5") as opened:
        assert opened.layers == LAYERS and opened.units == "words"
        assert opened.checkpoint["step"] == 12 and opened.checkpoint["files"]["model.safetensors"]
        assert opened.dataset["dataset"] == "xx_test" and opened.dataset["sha256"]
        layer = opened.layer(2)
        assert layer.shape == (74, 32)
        np.testing.assert_array_equal(opened.sentence("b")[2], layer[3:63])
        with pytest.raises(XlprobeError, match="holds layers"):
            opened.layer(3)


def test_a_sentence_is_read_by_its_id_in_one_call(features):
    assert read_sentence(features / "xx.h5", "b").shape == (3, 60, 32)
    assert read_sentence(features / "xx.h5", "a", split="test").shape == (3, 3, 32)
    with pytest.raises(XlprobeError, match=r"2 sentences are named 'a'; name the split, too$"):
        read_sentence(features / "xx.h5", "a")
    with pytest.raises(XlprobeError, match=r"0 sentences are named 'z'; name one that the dataset's sentences.parquet lists$"):
        read_sentence(features / "xx.h5", "z")
    with pytest.raises(XlprobeError, match="no such file"):
        read_sentence(features / "gone.h5", "a")


def test_vectors_fit_float16(features, tiny_model, dataset):
    encoder = Encoder(tiny_model.checkpoint, torch.device("cpu"))
    text = "one two three"
    (encoded,) = encoder.encode([text], [np.array([0, 4, 8])], [np.array([3, 7, 13])])
    exact = vectors_of_units(encoder, [encoded], LAYERS, 100)
    np.testing.assert_allclose(read_sentence(features / "xx.h5", "a", "train"), exact, atol=2e-3)


@pytest.mark.parametrize(("precision", "least", "most"), [("float32", 0.0, 5e-4), ("bfloat16", 1e-3, 2e-2), ("float16", 1e-4, 2e-3)])
def test_half_precision_is_off_by_little(tiny_model, dataset, tmp_path, precision, least, most):
    output = tmp_path / "xx.h5"
    extract_features(tiny_model.checkpoint, [dataset], [output], [tmp_path / "audit"], LAYERS, 256, "cpu", precision)
    encoder = Encoder(tiny_model.checkpoint, torch.device("cpu"))
    sentences, words = read_sentences(dataset), pd.read_parquet(dataset / "words.parquet")
    spans = [words[words["sentence"] == number] for number in range(len(sentences))]
    encoded = encoder.encode(sentences["text"], [span["start"].to_numpy() for span in spans], [span["end"].to_numpy() for span in spans])
    exact_LWD = vectors_of_units(encoder, encoded, LAYERS, 256)
    with h5py.File(output, locking=False) as file:
        assert file.attrs["precision"] == precision
        difference_LW = np.linalg.norm(file["vectors"] - exact_LWD, axis=2)
    norm_LW = np.linalg.norm(exact_LWD, axis=2)
    # A word without a subword has zeros in all of them.
    assert (difference_LW[norm_LW == 0] == 0).all() and (norm_LW == 0).any()
    off = difference_LW[norm_LW > 0] / norm_LW[norm_LW > 0]
    assert least <= off.mean() and off.max() < most


def test_means_are_computed_in_float32():
    one, next_one = 1.0, 1.0078125  # neighbours in bfloat16
    hidden_BTD = torch.tensor([[[9.0], [one], [next_one]], [[next_one], [8.0], [7.0]]], dtype=torch.bfloat16)
    found_LWD = means([hidden_BTD, 2 * hidden_BTD], np.array([1, 2, 3, 5]), np.array([0, 2, 3]))
    assert found_LWD.dtype == torch.float32
    assert found_LWD[:, :, 0].tolist() == [[1.00390625, next_one, 7.0], [2.0078125, 2 * next_one, 14.0]]


def test_words_of_a_text_without_subwords_get_zeros(tiny_model):
    nothing = EncodedSentence(np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64), units=2)
    found_LWD = vectors_of_units(Encoder(tiny_model.checkpoint, torch.device("cpu")), [nothing], LAYERS, 256)
    assert found_LWD.shape == (3, 2, 32) and not found_LWD.any()


def altered(tiny_model, folder, name: str, change) -> Path:
    """The tiny model's checkpoint with a weight changed."""
    return altered_again(Path(shutil.copytree(tiny_model.checkpoint, folder)), name, change)


def altered_again(folder: Path, name: str, change) -> Path:
    weights = load_file(folder / "model.safetensors")
    weights[name] = change(weights[name])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return renew_digests(folder)


def written(checkpoint: Path, dataset: Path, folder: Path, precision: str = "float32", storage: str = "auto") -> np.ndarray:
    """The vectors of a features file, [layers, units, dim]."""
    extract_features(
        checkpoint, [dataset], [folder / "f.h5"], [folder / "f.parquet"], LAYERS, 256, "cpu", precision=precision, storage=storage
    )
    with FeatureFile(folder / "f.h5") as opened:
        found_LUD = np.stack([opened.layer(layer) for layer in LAYERS])
        assert opened.storage == str(found_LUD.dtype) and opened.sentence("b").dtype == found_LUD.dtype
    return found_LUD


def exact(checkpoint: Path, dataset: Path) -> np.ndarray:
    """The vectors as they are computed, [layers, units, dim] in float32."""
    encoder = Encoder(checkpoint, torch.device("cpu"))
    return vectors_of_units(encoder, DatasetSentences(encoder, dataset, False).of_words(slice(0, 6)), LAYERS, 256)


BIAS = "roberta.encoder.layer.1.output.LayerNorm.bias"
SCALE = "roberta.encoder.layer.1.output.LayerNorm.weight"


def with_a_large_coordinate(bias_D: torch.Tensor) -> torch.Tensor:
    return bias_D.index_fill(0, torch.tensor([7]), 70_000.0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_vectors_beyond_float16_are_stored_in_float32(tiny_model, dataset, tmp_path, precision, caplog):
    caplog.set_level("INFO")
    checkpoint = altered(tiny_model, tmp_path / "checkpoint", BIAS, with_a_large_coordinate)
    found_LUD = written(checkpoint, dataset, tmp_path, precision)
    expected_LUD = exact(checkpoint, dataset)
    assert found_LUD.dtype == np.float32 and np.abs(found_LUD[2, :, 7]).max() > 65_504
    error = 1e-6 if precision == "float32" else 0.01
    np.testing.assert_allclose(found_LUD, expected_LUD, rtol=error, atol=error * np.abs(expected_LUD[:2]).max())
    assert [record.message for record in caplog.records] == [f"{checkpoint}: float16 does not hold its vectors of xx_test: float32"]
    with pytest.raises(
        XlprobeError,
        match=r"checkpoint: float16 does not hold .* xx_test: .* \(the largest is 7[.\d]*e\+04\); set features\.storage to auto or",
    ):
        written(checkpoint, dataset, tmp_path, precision, storage="float16")


def test_a_part_that_does_not_fit_changes_the_whole_file(tiny_model, dataset, tmp_path, monkeypatch):
    """No file holds vectors of both kinds: those before the first that does not fit are written again."""
    monkeypatch.setattr("xlprobe.features.encoding.UNITS_PER_WRITE", 3)
    checkpoint = altered(tiny_model, tmp_path / "checkpoint", BIAS, lambda bias_D: bias_D)
    fits = iter([True, True, False])
    monkeypatch.setattr("xlprobe.features.extraction.fits_float16", lambda _: next(fits))
    found_LUD = written(checkpoint, dataset, tmp_path)
    assert found_LUD.dtype == np.float32 and not list(fits)
    np.testing.assert_allclose(found_LUD, exact(checkpoint, dataset), atol=1e-6)


def test_vectors_that_float16_would_lose_are_stored_in_float32(tiny_model, dataset, tmp_path):
    checkpoint = altered(tiny_model, tmp_path / "tiny", SCALE, lambda scale_D: scale_D * 1e-7)
    checkpoint = altered_again(checkpoint, BIAS, lambda bias_D: bias_D * 1e-7)
    found_LUD, expected_LUD = written(checkpoint, dataset, tmp_path), exact(checkpoint, dataset)
    assert found_LUD.dtype == np.float32 and 0 < np.abs(expected_LUD[2]).max() < 1e-6
    np.testing.assert_allclose(found_LUD[2], expected_LUD[2], rtol=1e-3, atol=1e-10)


def test_storage_is_what_the_configuration_says(tiny_model, dataset, tmp_path):
    assert written(tiny_model.checkpoint, dataset, tmp_path).dtype == np.float16
    np.testing.assert_allclose(
        written(tiny_model.checkpoint, dataset, tmp_path, storage="float32"), exact(tiny_model.checkpoint, dataset), atol=1e-6
    )


@pytest.mark.parametrize(
    ("precision", "bias", "scale", "said"),
    [
        # 3e38 is finite, and its double is not.
        ("float32", 3e38, 3e38, "a vector is not finite; the checkpoint is not usable"),
        ("bfloat16", 3e38, 3e38, "a vector is not finite; the checkpoint is not usable"),
        ("float16", 100.0, 60_000.0, r"a vector is not finite; set features\.precision to bfloat16 or float32"),
        ("float16", 0.0, 1e-9, r"\S+weight and 0 other weights are too small for float16; set features\.precision, or bpc\.pre"),
        ("float16", 70_000.0, 1.0, r"\S+dense\.bias and 0 other weights are too large for float16; set features\.precision, or bpc\.pre"),
    ],
)
def test_a_vector_that_is_not_finite_is_refused(tiny_model, dataset, tmp_path, precision, bias, scale, said):
    name = "roberta.encoder.layer.0.attention.output.dense.bias"
    checkpoint = altered(tiny_model, tmp_path / "checkpoint", name, lambda bias_D: bias_D * 0 + bias)
    checkpoint = altered_again(checkpoint, SCALE, lambda scale_D: scale_D * scale)
    with pytest.raises(XlprobeError, match=f"^{checkpoint}: {said}"):
        written(checkpoint, dataset, tmp_path, precision)
    assert not (tmp_path / "f.h5").exists()


def test_the_audit_counts_what_encoding_met(features):
    (audit,) = pd.read_parquet(features / "xx.audit.parquet").to_dict("records")
    assert (audit["model"], audit["step"], audit["dataset"]) == ("xlmr", 12, "xx_test")
    assert (audit["sentences"], audit["words"]) == (6, 74)
    assert audit["sentences_over_window"] == 2  # b, and the one with a word of 150 letters
    assert audit["words_without_subword"] == 1  # the zero-width space
    assert audit["words_cut"] >= 1
    assert audit["unknown_subwords"] >= 1  # 漢字かな is one unknown subword, which four words share
    assert audit["shared_subwords"] >= 1


@pytest.fixture(scope="module")
def texts(tiny_model, tmp_path_factory):
    """A dataset of sentences without words, as of inference pairs: one has no text, one is longer than the window."""
    dataset = tmp_path_factory.mktemp("texts") / "xnli_xx"
    known = next(letter for letter in "aeiou" if letter in Encoder(tiny_model.checkpoint, torch.device("cpu")).tokenizer.get_vocab())
    # 漢 after a space is a lone ▁ and an unknown subword.
    texts = ["a word", "one two 漢 three.", "", f"{known * 150} {known} end", "in the test"]
    splits = ["train"] * 4 + ["test"]
    columns = {"split": splits, "sent_id": [str(n) for n in range(5)], "text": texts, "first_word": range(5), "words": 1}
    write_table(pd.DataFrame(columns), "sentences.schema.yaml", dataset / "sentences.parquet")
    digests = {"sentences": sha256(dataset / "sentences.parquet")}
    write_json(dataset / "identity.json", declaration("xnli_xx", NLI, ["xx"], "xnli") | {"sha256": digests})
    return dataset


def extracted(checkpoint, dataset, folder, tokens_per_batch=256):
    """A features file's vectors of all layers, and its audit's row."""
    extract_features(checkpoint, [dataset], [folder / "f.h5"], [folder / "f.parquet"], LAYERS, tokens_per_batch, "cpu")
    with FeatureFile(folder / "f.h5") as opened:
        assert opened.units == "sentences"
        np.testing.assert_array_equal(opened.sentence("1"), np.stack([opened.layer(layer)[[1]] for layer in LAYERS]))
        vectors_LUD = np.stack([opened.layer(layer) for layer in LAYERS])
    (audit,) = pd.read_parquet(folder / "f.parquet").to_dict("records")
    return vectors_LUD, audit


def test_without_words_a_sentence_is_the_mean_of_all_its_subwords(tiny_model, texts, tmp_path):
    found_LUD, audit = extracted(tiny_model.checkpoint, texts, tmp_path)
    encoder = Encoder(tiny_model.checkpoint, torch.device("cpu"))
    subwords = lone = 0
    for number, text in enumerate(read_sentences(texts)["text"]):
        encoded = encoder.tokenizer(text, return_tensors="pt")
        length = encoded["input_ids"].shape[1] - 2
        subwords += length
        lone += encoder.tokenizer.convert_ids_to_tokens(encoded["input_ids"][0]).count("▁")
        if length == 0:
            assert not found_LUD[:, number].any()
            continue
        if length > encoder.framing.window:
            # As a word that covers the sentence: the loop knows the windows.
            expected_LUD = loop(encoder, text, np.array([0]), np.array([len(text)]), lone=True)
        else:
            with torch.no_grad():
                hidden = encoder.model(encoded["input_ids"], output_hidden_states=True).hidden_states
            expected_LUD = torch.stack([layer[:, 1:-1].mean(1) for layer in hidden]).numpy()
        np.testing.assert_allclose(found_LUD[:, [number]], expected_LUD, atol=2e-3)
    assert lone >= 1
    assert (audit["sentences"], audit["words"], audit["subwords"]) == (5, 5, subwords) and audit["unknown_subwords"] >= 1
    # The text that is empty, and the long one.
    assert (audit["words_without_subword"], audit["sentences_over_window"], audit["words_cut"]) == (1, 1, 1)
    assert audit["shared_subwords"] == 0


def test_sentences_are_extracted_in_parts(tiny_model, texts, tmp_path, monkeypatch):
    whole_LUD, audit = extracted(tiny_model.checkpoint, texts, tmp_path)
    for units, characters in ((2, 10**6), (10**6, 20), (1, 1)):
        monkeypatch.setattr("xlprobe.features.encoding.UNITS_PER_WRITE", units)
        monkeypatch.setattr("xlprobe.features.encoding.CHARACTERS_PER_WRITE", characters)
        found_LUD, found_audit = extracted(tiny_model.checkpoint, texts, tmp_path)
        np.testing.assert_allclose(found_LUD, whole_LUD, atol=2e-3)
        assert found_audit == audit


def test_parts_hold_to_whichever_bound_comes_first(monkeypatch):
    monkeypatch.setattr("xlprobe.features.encoding.UNITS_PER_WRITE", 4)
    monkeypatch.setattr("xlprobe.features.encoding.CHARACTERS_PER_WRITE", 100)
    texts = object.__new__(DatasetSentences)
    texts.offsets, texts.characters = np.array([0, 2, 4, 5, 9, 9, 18, 19]), np.array([10, 10, 90, 5, 0, 3, 500])
    assert [(part.start, part.stop) for part in texts.parts()] == [(0, 2), (2, 3), (3, 5), (5, 6), (6, 7)]


def test_words_that_are_gone_are_no_sentences(tiny_model, dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "xx_test")
    (tmp_path / "xx_test" / "words.parquet").unlink()
    with pytest.raises(XlprobeError, match=r"words\.parquet: no such file; delete .*identity\.json to make the dataset again$"):
        extracted(tiny_model.checkpoint, tmp_path / "xx_test", tmp_path)


def test_the_mean_of_a_words_subwords_is_its_vector(tiny_model, dataset, features, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.features.encoding.UNITS_PER_WRITE", 50)
    arguments = [dataset], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], LAYERS, 256, "cpu"
    extract_features(tiny_model.checkpoint, *arguments, subwords=["xx_test"])
    with FeatureFile(tmp_path / "f.h5") as opened, FeatureFile(features / "xx.h5") as words:
        assert (opened.units, words.units) == ("subwords", "words")
        subword, word = opened.subword_words().T
        # All rows belong to a word, one to several, and no row but a word's stands there; only the zero-width space has none.
        assert np.array_equal(np.unique(subword), np.arange(opened.offsets[-1])) and np.bincount(subword).max() > 1
        assert np.flatnonzero(np.bincount(word, minlength=74) == 0).tolist() == [72]
        sentence_of = [np.searchsorted(file.offsets, rows, side="right") for file, rows in ((opened, subword), (words, word))]
        assert np.array_equal(*sentence_of)
        for layer in LAYERS:
            total_WD = np.zeros((74, 32))
            np.add.at(total_WD, word, opened.layer(layer)[subword].astype(float))
            means_WD = total_WD / np.maximum(np.bincount(word, minlength=74), 1)[:, None]
            np.testing.assert_allclose(means_WD, words.layer(layer), atol=2e-3)
        assert opened.sentence("a", "train").shape[1] == opened.offsets[1] >= 3
    # What encoding met is said of words all the same.
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "f.parquet"), pd.read_parquet(features / "xx.audit.parquet"))


def test_subwords_are_numbered_over_all_sentences():
    # Of the first sentence's subwords 1 belongs to no word, and 2 to both; the second sentence has none.
    pairs = [np.array([[0, 0], [2, 0], [2, 1]]), np.zeros((0, 2), dtype=int), np.array([[3, 0], [4, 2]])]
    offsets, numbered = numbered_subwords(pairs, np.array([0, 2, 3, 6]))
    assert offsets.tolist() == [0, 2, 2, 4]
    assert numbered.tolist() == [[0, 0], [1, 0], [1, 1], [2, 3], [3, 5]]


def test_an_audit_starts_at_nothing():
    assert {*asdict(Audit()).values()} == {0}


def test_layers_that_a_model_has_not_are_refused(tiny_model, dataset, tmp_path):
    last = read_json(tiny_model.checkpoint / "identity.json")["layers"]
    with pytest.raises(XlprobeError, match=rf": layer {last + 1} is asked for, .* has 0 to {last}$"):
        extract_features(tiny_model.checkpoint, [dataset], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], [0, last + 1], 256, "cpu")


def test_subwords_of_no_dataset_or_of_one_without_words_are_refused(tiny_model, texts, tmp_path):
    arguments = tiny_model.checkpoint, [texts], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], LAYERS, 256, "cpu", "float32"
    with pytest.raises(XlprobeError, match="--subwords: align_en_fr is none of the datasets xnli_xx"):
        extract_features(*arguments, ["align_en_fr"])
    with pytest.raises(XlprobeError, match="--subwords: xnli_xx has no words, whose subwords these could be; take it out"):
        extract_features(*arguments, ["xnli_xx"])


def test_windows_cover_a_sentence_once():
    for length in (1, 9, 10, 11, 14, 15, 16, 37, 100):
        plan = windows(7, length, 10)
        assert [n for window in plan for n in range(window.keep_from, window.keep_to)] == list(range(length))
        assert all(window.start <= window.keep_from < window.keep_to <= window.end <= length for window in plan)
        assert all(window.end - window.start == min(length, 10) and window.sentence == 7 for window in plan)


def test_subwords_belong_to_the_words_they_cover():
    # "ab cd" and "ef" without a space: words ab, cd, ef; subwords ▁ab, ▁ (alone), c, def, and one of no width.
    offsets = np.array([[0, 2], [2, 3], [3, 4], [4, 7], [7, 7]])
    blank = np.array([False, True, False, False, False])
    pairs = subword_word_pairs(offsets, blank, np.array([0, 3, 5]), np.array([2, 5, 7]))
    assert pairs.tolist() == [[0, 0], [2, 1], [3, 1], [3, 2]]
    # A lone ▁ may be said to cover the first character of an unspaced text.
    assert subword_word_pairs(np.array([[0, 1], [0, 1]]), np.array([True, False]), np.array([0]), np.array([1])).tolist() == [[1, 0]]


def test_batches_hold_to_their_budgets_and_take_each_sentence_once():
    costs = [(1, 5), (1, 9), (3, 10), (1, 1), (2, 10), (1, 7)]
    for padding_per_batch in (0, 2, 30):
        found = list(batches(costs, 30, padding_per_batch))
        assert sorted(index for batch in found for index in batch) == list(range(6))
        for batch in found:
            size = sum(costs[index][0] for index in batch) * max(costs[index][1] for index in batch)
            assert size <= 30 and size - sum(costs[index][0] * costs[index][1] for index in batch) <= padding_per_batch
    # Full to the last place, and with as much padding as may be.
    assert list(batches([(1, 10)] * 3, 30, 0)) == list(batches([(1, 10)] * 3, 39, 0)) == [[0, 1, 2]]
    assert list(batches([(1, 10)] * 3, 29, 0)) == [[0, 1], [2]]
    assert list(batches([(1, 10), (1, 8)], 30, 2)) == [[0, 1]] and list(batches([(1, 10), (1, 8)], 30, 1)) == [[0], [1]]
    assert list(batches(costs, 100, 0)) == [[2, 4], [1], [5], [0], [3]]
    assert list(batches(costs, 100, 2)) == [[2, 4, 1], [5, 0], [3]]


def test_an_incomplete_checkpoint_is_refused(tiny_model, tmp_path):
    shutil.copytree(tiny_model.checkpoint, tmp_path / "checkpoint")
    (tmp_path / "checkpoint" / "model.safetensors").unlink()
    with pytest.raises(XlprobeError, match=r"model\.safetensors: is gone; delete .*identity\.json"):
        Encoder(tmp_path / "checkpoint", torch.device("cpu"))


def test_a_checkpoint_whose_files_are_not_its_own_is_refused(tiny_model, tmp_path):
    """Swapped with another step's, zeroed in part, or with another tokenizer of the same size."""
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        folder = tmp_path / name / "checkpoint"
        shutil.copytree(tiny_model.checkpoint, folder)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-8] + bytes(8) if name == "model.safetensors" else content.replace(b"a", b"b", 1))
        with pytest.raises(XlprobeError, match=rf"{name}: is damaged, .*; delete {folder}/identity\.json to make the checkpoint again$"):
            Encoder(folder, torch.device("cpu"))


def test_a_checkpoint_in_the_folder_of_another_step_is_refused(tiny_model, tmp_path):
    shutil.copytree(tiny_model.checkpoint, tmp_path / "20")
    with pytest.raises(
        XlprobeError, match=r"/20: holds step 12, by its identity\.json; delete .*/20/identity\.json to make the checkpoint"
    ):
        Encoder(tmp_path / "20", torch.device("cpu"))


@pytest.mark.parametrize(("vectors", "constant"), [("same", [0, 1]), ("same but for a zero", [0, 1]), ("one differs", [1]), ("single", [])])
def test_layers_whose_vectors_are_all_the_same_are_found(vectors, constant):
    stored_LUD = np.ones((2, 1 if vectors == "single" else 700, 4), dtype=np.float16)
    if vectors == "same but for a zero":
        stored_LUD[:, [0, 300]] = 0
    if vectors == "one differs":
        stored_LUD[0, 600, 3] = 2
    alike = Alike(2)
    for start in range(0, stored_LUD.shape[1], 350):
        alike.see(stored_LUD[:, start : start + 350])
    assert alike.layers() == constant


def test_a_layer_whose_vectors_are_all_the_same_is_flagged(tiny_model, texts, tmp_path, monkeypatch, caplog):
    def constant(*arguments):
        vectors_LUD = vectors_of_units(*arguments)
        vectors_LUD[1] = 0.5
        return vectors_LUD

    monkeypatch.setattr("xlprobe.features.extraction.vectors_of_units", constant)
    _, audit = extracted(tiny_model.checkpoint, texts, tmp_path)
    assert audit["constant_layers"] == 1
    assert f"at layer {LAYERS[1]} all its vectors are the same" in caplog.text


@pytest.mark.parametrize("name", ["zh_gsd", "ja_gsd", "th_pud", "tr_imst", "fr_gsd"])
def test_real_words_get_their_subwords(real_data, tiny_model, tmp_path, name):
    files = sorted((real_data / "ud" / treebanks()[name].folder).glob("*-test.conllu.xz"))
    splits = read_splits(files, 60, 0.1)
    write_dataset(splits, tmp_path / name, name, "xx")
    extract_features(tiny_model.checkpoint, [tmp_path / name], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], [0], 4096, "cpu")
    (audit,) = pd.read_parquet(tmp_path / "f.parquet").to_dict("records")
    assert audit["words_without_subword"] == 0 and audit["subwords"] >= 60
    with FeatureFile(tmp_path / "f.h5") as opened:
        assert np.abs(opened.layer(0)).max(axis=1).min() > 0
