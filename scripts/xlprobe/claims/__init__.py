"""Claims of papers, held against a run: what each is measured by, by what rule it is judged, and the table of all of them."""
