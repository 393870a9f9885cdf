"""Networks of our own, as torch classes. Imported only inside `load` and `run` of the families that need them."""
