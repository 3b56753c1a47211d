"""What is told of a whole run."""
