"""Questions that are asked of a Python tree: source, facts, the index, and one module per question."""
