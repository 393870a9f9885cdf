"""What a tab edits: texts and conversations, versioned, undone by commands, saved by themselves. Free of Qt."""
