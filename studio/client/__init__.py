"""The one way to the engine: an abstract client, the local one, and the persistent queue of jobs."""
