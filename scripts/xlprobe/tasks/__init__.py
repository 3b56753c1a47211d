"""What is measured: each module here but `declaration` declares a task as `TASK`, and is loaded by its name.

A task's module is loaded when it is asked for, so that a change to one task touches no other task's results.
"""
