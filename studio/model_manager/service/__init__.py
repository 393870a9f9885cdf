"""The child that looks after models: `python -m studio --models`."""
