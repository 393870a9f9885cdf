"""Models on disk: the catalogue, the starter pack, downloads and their verification."""
