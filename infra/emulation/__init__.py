"""Another processor on this machine: consumes pinned packages, runs the device's own code under emulation."""
