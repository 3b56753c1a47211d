"""Reading tokenizers that are made here: the SentencePiece model, and how its ids become the language model's."""

from pathlib import Path

import numpy as np
import sentencepiece

from xlprobe.artifacts.vocabulary import UNK
from xlprobe.errors import XlprobeError


def load_sentencepiece(model: Path) -> sentencepiece.SentencePieceProcessor:
    """Load a SentencePiece model.

    Raises:
        XlprobeError: the file is missing, is no SentencePiece model, or does not begin with `<unk> <s> </s>`.
    """
    if not model.is_file():
        raise XlprobeError(f"{model}: no such SentencePiece model")
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    except RuntimeError:
        raise XlprobeError(f"{model}: not a SentencePiece model") from None
    first = [processor.id_to_piece(index) for index in range(3)]
    if first != ["<unk>", "<s>", "</s>"]:
        raise XlprobeError(f"{model}: begins with the subwords {first}, expected ['<unk>', '<s>', '</s>'] as XLM-R's model does")
    return processor


def model_ids(sentencepiece_ids: np.ndarray) -> np.ndarray:
    """Language-model ids of SentencePiece ids, any shape: i + 1, and 3 for the unknown subword 0."""
    return np.where(sentencepiece_ids == 0, UNK, sentencepiece_ids + 1)
