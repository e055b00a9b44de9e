"""Work side by side: batches, their memory, devices and hosts."""
