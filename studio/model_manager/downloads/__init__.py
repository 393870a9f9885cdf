"""Downloads of models: which files are wanted, where they go, and the queue of them."""
