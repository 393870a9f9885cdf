"""The child process that holds the models and does the work. It is spoken to only by `core.messages`."""
