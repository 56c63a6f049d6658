"""Sections and check plugins."""
