"""Painted and composed widgets; each takes its colours from the theme while painting."""
