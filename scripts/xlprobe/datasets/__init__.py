"""Datasets made: treebanks, bitexts and inference sets, read as published and written as tables."""
