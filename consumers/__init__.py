"""Who works: the batch loop and the members of the fleet."""
