"""What held-out text costs the model itself (paper 1, section 2.2): no probe, no layer.

Paper 1 does not say what is masked and which characters count; `xlprobe.bpc.bits_per_character` says what is done here.
"""

from xlprobe.tasks.declaration import Task

TASK = Task(name="bpc", title="Bits per character", metric="bits_per_character", direction="lower", version=2)
