"""Kills a real flow at random moments until it is done, and compares what comes of it with the undisturbed run."""
