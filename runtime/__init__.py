"""What rewritten code imports."""
