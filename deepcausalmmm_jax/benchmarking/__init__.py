"""How quick this machine is at fitting, and how near that is to what it can do at all."""
