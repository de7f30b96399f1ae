"""Benchmarks: what a page of Candour costs, beside the least that could serve and save the same rows."""
