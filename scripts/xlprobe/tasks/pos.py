"""Part-of-speech tagging (paper 1, section 2.2): the word's vector, one label a word.

Paper 1 does not say of which tag set; these are UD's universal tags, punctuation included.
"""

from operator import itemgetter

from xlprobe.tasks.declaration import ProbeTask

TASK = ProbeTask(
    name="pos", title="Part of speech", metric="accuracy", direction="higher", version=1, data="words", label=itemgetter("upos")
)
