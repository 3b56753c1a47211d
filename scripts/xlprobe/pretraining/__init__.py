"""Pretraining with fairseq, and what says what was trained."""
