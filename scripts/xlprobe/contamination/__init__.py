"""How much of the text that models are tested on stands in the text that they learned from."""
