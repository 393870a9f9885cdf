"""Training: recipes that turn a folder of pictures into a model of one's own, in a child process."""
