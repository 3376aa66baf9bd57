"""What may be wrong with this machine and the state folder; takes a project, gives findings with what mends each."""
