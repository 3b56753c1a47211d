"""What a run is: its settings, and its plan, which says what is measured and which jobs that makes."""
