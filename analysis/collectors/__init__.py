"""One collector per topic: what the walk notes down of a file."""
