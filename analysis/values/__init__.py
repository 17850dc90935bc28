"""What an expression comes to, as far as the source says: numbers and text followed to where they are used."""
