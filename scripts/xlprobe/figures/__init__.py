"""Figures, each with the table behind it: PNG, PDF and CSV of one name.

Each module but `declaration` and `drawing` declares one kind of figure as `FIGURE`. It is loaded when it is asked for, so that
an edit of one kind redraws no other.
"""
