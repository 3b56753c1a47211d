"""Correlations of mean signatures with scores of MMTE, by layer (paper 2: Table 7)."""

from xlprobe.tables.declaration import TableKind
from xlprobe.tables.task_correlation_cells import LayerCorrelations

CELLS = LayerCorrelations("MMTE", "published/paper2_table7.tsv")
TABLE = TableKind(reads=("task_correlations",), table=CELLS.table, notes=CELLS.notes, beside=CELLS.beside)
