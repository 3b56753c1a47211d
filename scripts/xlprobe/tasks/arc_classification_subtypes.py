"""Arc classification with subtypes of the relations kept (`nsubj:pass`), which languages name each in their own way."""

from operator import itemgetter

from xlprobe.tasks.declaration import ProbeTask

TASK = ProbeTask(
    name="arc_classification_subtypes",
    title="Arc classification (subtypes)",
    metric="accuracy",
    direction="higher",
    version=1,
    data="pairs",
    label=itemgetter("relation"),
)
