"""Checkpoints as the transformers library has them: files, weights, tokenizers, rows of subwords."""
