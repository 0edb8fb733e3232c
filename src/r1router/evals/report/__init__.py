"""Reports what a run's numbers say: sums them up, compares methods, writes tables and plots."""
