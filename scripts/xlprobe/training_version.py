"""The version of pretraining: what its targets carry in place of their code's identity."""

# Raise it whenever a change to the code gives pretraining other weights (a test on a tiny model says when).
TRAINING_VERSION = 2
