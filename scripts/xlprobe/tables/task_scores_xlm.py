"""Correlations of mean signatures with scores of XLM, by layer (paper 2: Table 5)."""

from xlprobe.tables.declaration import TableKind
from xlprobe.tables.task_correlation_cells import LayerCorrelations

CELLS = LayerCorrelations("XLM", "published/paper2_table5.tsv")
TABLE = TableKind(reads=("task_correlations",), table=CELLS.table, notes=CELLS.notes, beside=CELLS.beside)
