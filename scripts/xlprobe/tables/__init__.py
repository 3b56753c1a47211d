"""Tables of papers, as CSV, Markdown and LaTeX: each module but `declaration` and `rendering` declares one kind as `TABLE`."""
