"""The release channel: consumes what the ledger says leads an environment, produces the TUF repository of it."""
