"""What rendering costs: `python -m bench.reports`."""
