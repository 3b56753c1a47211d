"""Tables of papers, as CSV, Markdown and LaTeX.

Each module declares one kind as `TABLE`, but for `declaration`, `rendering`, `correlation_cells` and `reasons`, which these share.
"""
