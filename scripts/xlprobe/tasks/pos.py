"""Part-of-speech tagging with UD's universal tags (paper 1, section 2.2): the word's vector, one label a word."""

from xlprobe.tasks import WordTask

TASK = WordTask(name="pos", label="upos")
