"""The version of pretraining, which its targets carry instead of a code identity."""

# Raise it whenever a change to the code gives pretraining other weights (a test on a tiny model says when).
TRAINING_VERSION = 2
