"""Metrics, graphs and perfometers."""
