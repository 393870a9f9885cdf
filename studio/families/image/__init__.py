"""Families of models that make pictures, and of what is added to them."""
