"""Payment methods broken on purpose: payers, a world that acts behind our back, and checks from the outside."""
