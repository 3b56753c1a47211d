"""Checkpoint suites made on the spot: small models of four families, trained for a few updates on given text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from xlprobe.files import read_json, sha256, write_json

# WordPiece, byte-level BPE with and without special tokens around a text, SentencePiece.
FAMILIES = ("bert", "roberta", "xlm-roberta", "gpt-neox")
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
WINDOW = 48
VOCABULARY = 400


def word_piece_tokenizer(texts: Sequence[str], vocabulary: int = VOCABULARY) -> transformers.PreTrainedTokenizerFast:
    """BERT's: words split at spaces and punctuation, subwords inside a word begin with ##."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=WINDOW, **names)


def byte_level_tokenizer(texts: Sequence[str], framed: bool, vocabulary: int = VOCABULARY) -> transformers.PreTrainedTokenizerFast:
    """RoBERTa's where framed by <s> and </s>, else GPT-NeoX's: bytes, a space belongs to the subword after it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if framed else ["<|endoftext|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    settings: dict[str, Any] = {"special_tokens": special, "initial_alphabet": alphabet, "show_progress": False}
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocabulary, **settings))
    if framed:
        tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
        names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
        names = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=WINDOW, **names)


def new_tokenizer(
    family: str, texts: Sequence[str], sentencepiece: Path, vocabulary: int = VOCABULARY
) -> transformers.PreTrainedTokenizerFast:
    """A family's tokenizer, trained on texts; XLM-R's is the one in the folder `sentencepiece`."""
    if family == "bert":
        return word_piece_tokenizer(texts, vocabulary)
    if family == "xlm-roberta":
        return transformers.AutoTokenizer.from_pretrained(sentencepiece)
    return byte_level_tokenizer(texts, family == "roberta", vocabulary)


def new_model(family: str, tokenizer: transformers.PreTrainedTokenizerFast, **changes: Any) -> transformers.PreTrainedModel:
    """A family's small language model, untrained."""
    torch.manual_seed(int(changes.pop("seed", 0)))
    sizes = SIZES | {"vocab_size": len(tokenizer)} | changes
    if family == "bert":
        return transformers.BertForMaskedLM(transformers.BertConfig(max_position_embeddings=WINDOW, **sizes))
    if family == "gpt-neox":
        untied = {"tie_word_embeddings": False, "max_position_embeddings": WINDOW}
        return transformers.GPTNeoXForCausalLM(transformers.GPTNeoXConfig(**untied, **sizes))
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    kinds = {"roberta": transformers.RobertaForMaskedLM, "xlm-roberta": transformers.XLMRobertaForMaskedLM}
    # Two positions before the first are set aside for padding.
    return kinds[family](kinds[family].config_class(max_position_embeddings=WINDOW + 2, **ids, **sizes))


def write_suite(family: str, texts: Sequence[str], sentencepiece: Path, folder: Path, steps: Sequence[int], **changes: Any) -> None:
    """Train a family's model on texts and save it at each step as `folder/step_<n>`."""
    tokenizer = new_tokenizer(family, texts, sentencepiece)
    model = new_model(family, tokenizer, **changes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    rows = [tokenizer(text, truncation=True, max_length=WINDOW)["input_ids"] for text in texts]
    for step in range(max(steps) + 1):
        if step in steps:
            model.save_pretrained(folder / f"step_{step}")
            tokenizer.save_pretrained(folder / f"step_{step}")
        batch = [torch.tensor(row) for row in rows[step % 8 :: 8][:32]]
        inputs_BT = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
        labels_BT = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=-100)
        if family != "gpt-neox":
            hidden_BT = (torch.rand(inputs_BT.shape, generator=generator) < 0.2) & (labels_BT != -100)
            inputs_BT[hidden_BT], labels_BT[~hidden_BT] = tokenizer.mask_token_id, -100
        model.train()(input_ids=inputs_BT, labels=labels_BT).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def renew_digests(checkpoint: Path) -> Path:
    """Let a published checkpoint's identity say the files as a test has changed them."""
    identity = read_json(checkpoint / "identity.json")
    write_json(checkpoint / "identity.json", identity | {"files": {name: sha256(checkpoint / name) for name in identity["files"]}})
    return checkpoint
