"""Checkpoints made: brought to one form wherever they come from, tried, compared, listed."""
