"""Text for pretraining: cleaned, turned into subwords, binarised."""
