"""Why the training of a probe is flagged, as the table of probe training says it."""

REASONS = CAP, SEEDS_DISAGREE, LOSS_FALLING, FIRST_EPOCH = "cap", "seeds disagree", "loss falling", "first epoch"
