"""What a dataset is: its identity and the catalogue call it by one of these names."""

TREEBANK, NLI, BITEXT, MORPHOLOGY = "treebank", "nli", "bitext", "morphology"
