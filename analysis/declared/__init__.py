"""What configuration files say of ports: read without running anything, with the place of every value."""
