"""The command palette: commands, results and models behind one field."""
