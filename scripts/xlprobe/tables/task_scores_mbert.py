"""Correlations of mean signatures with scores of mBERT, by layer (paper 2: Table 4)."""

from xlprobe.tables.declaration import TableKind
from xlprobe.tables.task_correlation_cells import LayerCorrelations

CELLS = LayerCorrelations("mBERT", "published/paper2_table4.tsv")
TABLE = TableKind(reads=("task_correlations",), table=CELLS.table, notes=CELLS.notes, beside=CELLS.beside)
