"""Replication suite for facial expression recognition: five papers, each checked number by number."""

__version__ = "0.1.0"
