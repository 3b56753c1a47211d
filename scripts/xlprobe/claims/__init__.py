"""What papers claim, held against a run: each claim names a measure, and a rule that gives the verdict."""
