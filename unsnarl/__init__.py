"""The command line and flake8's entry: the doors to the other packages."""
