"""What a run reads from upstream: which files, from where, and how they come here."""
