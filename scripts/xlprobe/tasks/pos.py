"""Part-of-speech tagging with UD's universal tags (paper 1, section 2.2): the word's vector, one label a word."""

from operator import itemgetter

from xlprobe.tasks import ProbeTask

TASK = ProbeTask(
    name="pos", title="Part of speech", metric="accuracy", direction="higher", version=1, data="words", label=itemgetter("upos")
)
