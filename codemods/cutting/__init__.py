"""What the codemod ``event_bus`` is made of: a tree in memory, and one module for each way to cut an import."""
