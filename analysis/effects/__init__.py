"""What a stretch of Python may raise, read off its syntax tree and left open where that cannot be known."""
