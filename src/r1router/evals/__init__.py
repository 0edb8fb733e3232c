"""Question sets and methods to numbers that one can believe: data sets, metrics, runs, reports."""
