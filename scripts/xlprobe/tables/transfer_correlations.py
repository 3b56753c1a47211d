"""What transfer between languages goes together with (paper 1: Table 5)."""

from xlprobe.metrics.correlations import TRANSFER
from xlprobe.tables.correlation_cells import PrintedCorrelations
from xlprobe.tables.declaration import TableKind

PRINTED = PrintedCorrelations(TRANSFER, "published/paper1_table5.tsv")
TABLE = TableKind(reads=("correlations", "best"), table=PRINTED.table, notes=PRINTED.notes, beside=PRINTED.beside)
