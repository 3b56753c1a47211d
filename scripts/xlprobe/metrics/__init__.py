"""From outcomes to scores, from the files of single jobs to tidy tables, and from these to curves."""
