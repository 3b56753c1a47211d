"""What learning in language goes together with (paper 1: Table 4)."""

from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.tables.correlation_cells import PrintedCorrelations
from xlprobe.tables.declaration import TableKind

PRINTED = PrintedCorrelations(IN_LANGUAGE, "published/paper1_table4.tsv")
TABLE = TableKind(reads=("correlations", "best"), table=PRINTED.table, notes=PRINTED.notes, beside=PRINTED.beside)
