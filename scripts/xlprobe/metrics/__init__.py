"""From the files of single jobs to tidy tables."""
