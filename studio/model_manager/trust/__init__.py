"""Files of unknown origin: what they are, whether they are sound, and how they become models of this computer.

Nothing here is believed for its name. Contents are read in a short-lived child with limits (`sandbox` starts it,
`child` is its inside), by readers of our own that import no library which the file could aim at.
"""
