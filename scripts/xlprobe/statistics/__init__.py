"""What test sentences earned, kept; and how far test sentences and seeds let scores vary."""
