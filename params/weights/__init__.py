"""Where the first weights of a network come from, and files inside packages."""
