"""The vocabulary's fixed part, as XLM-R has it, and the names of a tokenizer's files."""

BOS, PAD, EOS, UNK = 0, 1, 2, 3
SENTENCEPIECE_FILE = "sentencepiece.bpe.model"
DICTIONARY_FILE = "dict.txt"
HUGGING_FACE_FILES = ("tokenizer.json", "tokenizer_config.json")
IDENTITY_FILE = "tokenizer.identity.json"
