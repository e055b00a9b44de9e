"""What is wrong, or doubtful, with a panel before any model is fitted to it."""
