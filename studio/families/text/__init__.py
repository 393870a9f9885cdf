"""Families that write text."""
