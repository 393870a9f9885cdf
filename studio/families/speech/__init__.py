"""Families that speak."""
