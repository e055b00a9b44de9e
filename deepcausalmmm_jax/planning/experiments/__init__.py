"""What to test next: experiments that would improve the next budget plan, and what they cost."""
