"""Word alignment by the similarity of vectors."""
