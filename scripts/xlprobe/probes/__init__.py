"""Linear probes: their examples, training, baselines, and transfer to other languages."""
