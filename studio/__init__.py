"""Atelier, a desktop studio for generative AI."""

__version__ = "0.1.0"
