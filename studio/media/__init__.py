"""Reading, writing and measuring files of each medium, without Qt and without torch."""
