"""Measuring: datasets, metrics, statistics, benchmarks."""
