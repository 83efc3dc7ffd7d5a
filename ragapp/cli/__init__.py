"""The command line: folds the core's events and prints them."""
