"""Natural language inference (paper 1, section 2.2): how a hypothesis stands to a premise, each encoded apart, as means over subwords."""

from operator import itemgetter

from xlprobe.tasks.declaration import ProbeTask

TASK = ProbeTask(
    name="xnli",
    title="Natural language inference",
    metric="accuracy",
    direction="higher",
    version=1,
    data="sentence_pairs",
    label=itemgetter("label"),
)
