"""The pretraining task as fairseq sees it, and its masks."""

import argparse
from typing import Any

# isort: off
import xlprobe.pretraining.fairseq_runtime  # noqa: F401  (must come before fairseq)
from fairseq.data import (
    ConcatDataset,
    MaskTokensDataset,
    NestedDictionaryDataset,
    NumelDataset,
    NumSamplesDataset,
    PadDataset,
    RawLabelDataset,
    ResamplingDataset,
    data_utils,
)
from fairseq.tasks import register_task
from fairseq.tasks.multilingual_masked_lm import MultiLingualMaskedLMTask
from xlprobe.pretraining.fairseq_models import without_fast_path

# isort: on

VALIDATION_PREFIX = "valid_"
TASK = "xlprobe_masked_lm"


class MasksOfDraws(MaskTokensDataset):
    """fairseq's masks over the draws of an epoch, so that a block that is drawn again gets another mask.

    A mask follows from the seed of training, the epoch, the language and the place among its draws; nothing is counted at
    run time, so that workers, processes and resumed runs mask alike.

    Args:
        seeds: the seed of training and the language's number.
    """

    def __init__(self, *arguments: Any, seeds: tuple[int, int], **options: Any) -> None:
        # Without a seed, fairseq leaves the generator as it finds it.
        super().__init__(*arguments, seed=None, **options)
        self.seeds = seeds

    def __getitem__(self, place: int) -> Any:
        # All four numbers as they are: fairseq makes one of a million seeds of its three.
        seed, language = self.seeds
        with data_utils.numpy_seed([seed, self.epoch, language, place]):
            return super().__getitem__(place)


@register_task(TASK)
class MaskedLanguageModelTask(MultiLingualMaskedLMTask):
    """fairseq's multilingual masked LM, with exact resume in every epoch and `valid_<language>` as validation sets."""

    @staticmethod
    def add_args(parser: argparse.ArgumentParser) -> None:
        """Add `--masks` to fairseq's own: whether each draw of a block gets a mask of its own, or each block one an epoch."""
        MultiLingualMaskedLMTask.add_args(parser)
        parser.add_argument("--masks", choices=["draw", "block"], required=True)

    def build_model(self, args: Any, from_checkpoint: bool = False) -> Any:
        """Build the model without fairseq's fast path."""
        return without_fast_path(super().build_model(args, from_checkpoint))

    def has_sharded_data(self, split: str) -> bool:
        """Say yes: the trainer then reloads the data at each epoch.

        Stock fairseq draws the shuffle from the epoch in which the process loaded the data, so that a run resumed in a
        later epoch sees other batches than an uninterrupted one.
        """
        return True

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **kwargs: Any) -> None:
        """Load `train` or, for `valid_<language>`, the validation sets of all languages at once."""
        if split.startswith(VALIDATION_PREFIX):
            if split in self.datasets:
                return
            split = "valid"
        super().load_dataset(split, epoch=epoch, combine=combine, **kwargs)
        if split == self.args.train_subset and self.args.masks == "draw":
            by_size = self.datasets[split]
            by_size.dataset = ConcatDataset([self._masked_draws(draws, number) for number, draws in enumerate(by_size.dataset.datasets)])

    def _masked_draws(self, draws: ResamplingDataset, language: int) -> NestedDictionaryDataset:
        """One language's samples, drawn and then masked; fairseq draws from masked ones."""
        # Under the padding and a cache lie fairseq's masks, and under these the blocks.
        draws.dataset = draws.dataset.defn["net_input.src_tokens"].dataset.dataset.dataset
        source, target = MasksOfDraws.apply_mask(
            draws,
            self.source_dictionary,
            pad_idx=self.source_dictionary.pad(),
            mask_idx=self.mask_idx,
            seeds=(self.args.seed, language),
            mask_prob=self.args.mask_prob,
            leave_unmasked_prob=self.args.leave_unmasked_prob,
            random_token_prob=self.args.random_token_prob,
        )
        padded, padded_target = (PadDataset(part, pad_idx=self.source_dictionary.pad(), left_pad=False) for part in (source, target))
        return NestedDictionaryDataset(
            {
                "net_input": {"src_tokens": padded, "src_lengths": NumelDataset(source, reduce=False)},
                "target": padded_target,
                "nsentences": NumSamplesDataset(),
                "ntokens": NumelDataset(source, reduce=True),
                "lang_id": RawLabelDataset([language] * len(draws)),
            },
            sizes=[source.sizes],
        )
