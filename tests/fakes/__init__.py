"""Stand-ins for the parts that tests do without."""
