"""Correlations of mean signatures with scores of XLM-R, by layer (paper 2: Table 6)."""

from xlprobe.tables.declaration import TableKind
from xlprobe.tables.task_correlation_cells import LayerCorrelations

CELLS = LayerCorrelations("XLM-R", "published/paper2_table6.tsv")
TABLE = TableKind(reads=("task_correlations",), table=CELLS.table, notes=CELLS.notes, beside=CELLS.beside)
