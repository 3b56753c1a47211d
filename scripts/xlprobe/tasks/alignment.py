"""Word alignment by the similarity of word vectors (paper 1, section 2.2): no probe, scored against gold links.

Paper 1 says both "default settings", which link subwords, and "word-level" (A.1); `alignment.unit` has both.
"""

from xlprobe.tasks.declaration import Task

TASK = Task(name="alignment", title="Word alignment", metric="f1", direction="higher", version=1)
