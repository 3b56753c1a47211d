"""Scores, and how far test sentences and seeds let them vary."""
