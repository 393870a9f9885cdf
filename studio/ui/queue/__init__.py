"""The queue as the window shows it: the strip at the bottom and the panel that opens above it."""
