"""The Models tab: find, get, keep and remove models."""
