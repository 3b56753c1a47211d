"""Bits per character: what text costs a language model."""
