"""Tables of papers, as CSV, Markdown and LaTeX.

Each module declares one kind as `TABLE`, of a model (paper 1) or of a comparison of signatures (paper 2), but for `declaration`,
`rendering`, `correlation_cells`, `reasons` and `task_correlation_cells`, which these share.
"""
