"""Vectors of words, sentences or subwords, computed and written."""
