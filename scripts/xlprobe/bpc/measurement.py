"""Measuring what held-out and parallel text cost a checkpoint, line by line and, where it is asked for, fairseq's way beside."""

from collections.abc import Sequence
from pathlib import Path

from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.bpc.bits_per_character import BitsSettings, BlockSettings, held_out_text, line_counts, parallel_text
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.device import choose_device
from xlprobe.library_errors import library_errors
from xlprobe.models.language_models import PRECISIONS
from xlprobe.statistics.outcomes import write_outcomes


def measure_bits(
    checkpoint: Path,
    texts: Sequence[Path],
    languages: Sequence[str],
    parallel: Sequence[Path],
    output: Path,
    settings: BitsSettings,
    tokens_per_batch: int,
    device: str,
    precision: str = "float32",
    blocks: BlockSettings | None = None,
) -> None:
    """Measure a checkpoint on held-out and on parallel text; write the sums of each line or block (`xlprobe.artifacts.outcome_file`).

    Args:
        texts: cleaned held-out text, one file for each of `languages`.
        parallel: parallel test sets, as datasets.
        precision: one of PRECISIONS, of the model; bits are computed in float32 whatever it is.
        blocks: how held-out text, all of it, is read fairseq's way, too; None where it is not.

    Raises:
        XlprobeError: the checkpoint cannot predict subwords, a text has none to predict, or a library fails on the checkpoint.
    """
    everything = [held_out_text(path, language, settings.max_lines) for path, language in zip(texts, languages, strict=True)]
    everything += map(parallel_text, parallel)
    with library_errors(checkpoint, "bpc.tokens_per_batch"):
        predictor = SubwordPredictor(checkpoint, choose_device(device), PRECISIONS[precision])
        outcomes: list[Outcome] = []
        if blocks:
            # Not at the top: importing fairseq takes seconds.
            from xlprobe.bpc.fairseq_blocks import outcome_of_blocks, special_tokens

            special = special_tokens(predictor, checkpoint)
            whole = (held_out_text(path, language, None) for path, language in zip(texts, languages, strict=True))
            outcomes = [outcome_of_blocks(predictor, text, special, settings, blocks, tokens_per_batch) for text in whole]
        outcomes += [
            Outcome(
                OutcomePlace("bpc", text.name, text.name, text.split, "lines"),
                line_counts(predictor, text, settings, tokens_per_batch),
                text.clusters,
                facts=text.facts,
            )
            for text in everything
        ]
    write_outcomes(output, outcomes, predictor.identity)
