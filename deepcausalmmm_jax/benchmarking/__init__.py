"""How fast this machine fits, and how close that is to the limits of its hardware."""
