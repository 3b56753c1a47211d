"""What training masks: each draw of a sample anew, or each sample alike within an epoch, as fairseq does."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_configuration

import xlprobe.pretraining.fairseq_runtime  # noqa: F401  isort: skip  (must come before fairseq)
from fairseq import options
from fairseq.data import indexed_dataset

from xlprobe.artifacts.vocabulary import BOS, EOS, PAD
from xlprobe.pretraining.fairseq_models import rebuild_model
from xlprobe.pretraining.fairseq_task import MaskedLanguageModelTask
from xlprobe.pretraining.intervals import PretrainingRun, fairseq_arguments

SYMBOLS = 200
# With alpha 0, each has a third of the 360 samples: the small ones are drawn four times. `same` has the text of `small`.
LINES = {"large": 300, "same": 30, "small": 30}


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    """`dict.txt`, and the binarised languages: lines of 20 to 39 random symbols, then </s>."""
    folder = tmp_path_factory.mktemp("run") / "data"
    folder.mkdir()
    (folder / "dict.txt").write_text("".join(f"s{number} 1\n" for number in range(SYMBOLS)))
    for language, lines in LINES.items():
        for split, seed in (("train", int(language == "large")), ("valid", 2)):
            random = np.random.default_rng(seed)
            (folder / language).mkdir(exist_ok=True)
            builder = indexed_dataset.MMapIndexedDatasetBuilder(str(folder / language / f"{split}.bin"), dtype=np.uint16)
            for _ in range(lines):
                builder.add_item(torch.from_numpy(np.append(random.integers(4, 4 + SYMBOLS, random.integers(20, 40)), EOS)))
            builder.finalize(str(folder / language / f"{split}.idx"))
    return folder


def run_on(text: Path, **training) -> PretrainingRun:
    """A tiny training on this text."""
    model = tiny_configuration()["models"]["xlmr"]["pretrain"]
    return PretrainingRun(
        folder=text.parent,
        dictionary=text / "dict.txt",
        languages={language: text / language for language in LINES},
        architecture=model["architecture"],
        training=model["training"] | {"alpha": 0.0} | training,
        execution=model["execution"],
    )


def training_task(text: Path, epoch: int = 1, **training) -> MaskedLanguageModelTask:
    """The task as the trainer has it in an epoch, its training and validation data loaded."""
    run = run_on(text, **training)
    arguments = options.parse_args_and_arch(options.get_training_parser(), fairseq_arguments(run, 1, None, "cpu"))
    task = MaskedLanguageModelTask.setup_task(arguments)
    task.load_dataset("valid_small")
    task.load_dataset("train", epoch=epoch)
    task.datasets["train"].set_epoch(epoch)
    return task


def samples(task: MaskedLanguageModelTask, split: str = "train") -> list[tuple[int, tuple, tuple, tuple]]:
    """Each sample as drawn: language, the text itself, what the model reads, what it is to predict (PAD elsewhere)."""
    found = []
    for place in range(len(task.datasets[split])):
        sample = task.datasets[split].dataset[place] if split == "train" else task.datasets[split][place]
        source, target = sample["net_input.src_tokens"], sample["target"]
        original = torch.where(target == PAD, source, target)
        found.append((sample["lang_id"], tuple(original.tolist()), tuple(source.tolist()), tuple(target.tolist())))
    return found


def test_the_kind_of_masks_is_always_said_in_training_and_asked_for_by_no_model_that_is_rebuilt(text, capsys):
    """States from elsewhere, and those of the first version, do not say it."""
    task = training_task(text)
    arguments = fairseq_arguments(run_on(text), 1, None, "cpu")
    place = arguments.index("--masks")
    state = {"cfg": {"task": task.args, "model": task.args}, "model": task.build_model(task.args).state_dict()}
    del task.args.masks
    assert not rebuild_model(state, text).training
    with pytest.raises(SystemExit):
        options.parse_args_and_arch(options.get_training_parser(), arguments[:place] + arguments[place + 2 :])
    assert "the following arguments are required: --masks" in capsys.readouterr().err


def test_a_sample_that_is_drawn_four_times_is_masked_in_four_ways(text):
    masks = {"draw": defaultdict(list), "block": defaultdict(list)}
    for name, of_sample in masks.items():
        for language, original, *masked in samples(training_task(text, masks=name)):
            of_sample[language, original].append(tuple(masked))
    of_small = [repeats for (language, _), repeats in masks["draw"].items() if language == 2]
    assert sum(map(len, of_small)) == 120 and any(len(repeats) == 4 for repeats in of_small)
    assert all(len({*repeats}) == len(repeats) for repeats in masks["draw"].values())
    assert all(len({*repeats}) == 1 for repeats in masks["block"].values())


@pytest.mark.parametrize("sample_break", ["eos", "complete", "none"])
def test_masks_alone_differ_and_validation_does_not(text, sample_break):
    draw, block = (training_task(text, 2, masks=masks, sample_break=sample_break, tokens_per_sample=48) for masks in ("draw", "block"))
    drawn, of_blocks = samples(draw), samples(block)
    assert [sample[:2] for sample in drawn] == [sample[:2] for sample in of_blocks]
    assert sum(a == b for a, b in zip(drawn, of_blocks, strict=True)) < len(drawn) / 100
    assert np.array_equal(draw.datasets["train"].ordered_indices(), block.datasets["train"].ordered_indices())
    assert np.array_equal(draw.datasets["train"].sizes, block.datasets["train"].sizes)
    assert samples(draw, "valid_small") == samples(block, "valid_small")


def test_a_mask_follows_from_seed_epoch_language_and_place_alone(text):
    for seed, epoch in ((1, 1), (1, 2), (7, 2)):
        drawn_of_language: Counter[int] = Counter()
        for language, original, _, target in samples(training_task(text, epoch, seed=seed)):
            random = np.random.RandomState([seed, epoch, language, drawn_of_language[language]])
            count = int(0.15 * len(original) + random.rand())
            assert {*np.flatnonzero(np.array(target) != PAD)} == {*random.choice(len(original), count, replace=False)}
            drawn_of_language[language] += 1


def test_data_are_loaded_anew_at_each_epoch(text):
    """Else a run resumed in a later epoch sees other batches."""
    assert training_task(text).has_sharded_data("train")


@pytest.mark.parametrize("masks", ["draw", "block"])
def test_a_batch_counts_the_tokens_of_its_samples(text, masks):
    data = training_task(text, masks=masks).datasets["train"]
    batch = data.collater([data[place] for place in range(3)])
    lengths = batch["net_input"]["src_lengths"].tolist()
    assert batch["ntokens"] == sum(lengths) == int((batch["net_input"]["src_tokens"] != PAD).sum()) and batch["nsentences"] == 3


@pytest.mark.parametrize("masks", ["draw", "block"])
def test_shares_of_what_is_masked_are_fairseqs(text, masks):
    task = training_task(text, masks=masks, mask_probability=0.3)
    drawn = samples(task)
    original, source, target = (np.concatenate([sample[part] for sample in drawn]) for part in (1, 2, 3))
    chosen, mask = target != PAD, task.source_dictionary.index("<mask>")
    assert np.array_equal(source[~chosen], original[~chosen])
    assert chosen.mean() == pytest.approx(0.3, abs=0.005)
    kinds = np.stack([source == mask, source == original, (source != mask) & (source != original)])[:, chosen]
    assert kinds.mean(axis=1) == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
    # <s> and </s> are chosen as often as others, but never put in.
    for special in (BOS, EOS):
        assert chosen[original == special].mean() == pytest.approx(0.3, abs=0.06)
    assert source[chosen & (source != original)].min() >= task.source_dictionary.nspecial


def rows(batches) -> list[tuple[tuple, tuple]]:
    """What a gradient is made of: each sample that the model reads and what it is to predict, without padding."""
    found = []
    for batch in filter(None, batches):
        for source, target, length in zip(
            batch["net_input"]["src_tokens"], batch["target"], batch["net_input"]["src_lengths"], strict=True
        ):
            found.append((tuple(source[:length].tolist()), tuple(target[:length].tolist())))
    return found


def epoch_of_batches(task, processes: int = 1, rank: int = 0, workers: int = 0):
    return task.get_batch_iterator(
        task.datasets["train"],
        max_sentences=24 // processes,
        max_positions=64,
        ignore_invalid_inputs=True,
        num_shards=processes,
        shard_id=rank,
        num_workers=workers,
        epoch=2,
        disable_iterator_cache=True,
    )


def test_processes_workers_and_resume_change_no_mask(text):
    batches = epoch_of_batches(training_task(text, 2))
    alone = list(batches.next_epoch_itr())
    # Every draw is seen once.
    drawn = samples(training_task(text, 2))
    assert Counter(rows(alone)) == Counter(sample[2:] for sample in drawn) and len(drawn) == 360
    two = [rows(epoch_of_batches(training_task(text, 2), 2, rank).next_epoch_itr()) for rank in (0, 1)]
    assert Counter(two[0] + two[1]) == Counter(rows(alone)) and abs(len(two[0]) - len(two[1])) < 24
    assert rows(epoch_of_batches(training_task(text, 2), workers=2).next_epoch_itr()) == rows(alone)
    cut = epoch_of_batches(training_task(text, 2))
    first = cut.next_epoch_itr()
    before = [next(first) for _ in range(7)]
    resumed = epoch_of_batches(training_task(text, 2))
    resumed.load_state_dict(cut.state_dict())
    assert rows(before) + rows(resumed.next_epoch_itr()) == rows(alone)
