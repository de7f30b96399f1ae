"""Every read. Takes the actor, and returns only what the actor may see."""
