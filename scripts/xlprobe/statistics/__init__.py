"""What test sentences earned, kept; how far test sentences and seeds let scores vary; and what goes together with what."""
