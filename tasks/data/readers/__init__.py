"""How files become samples: consumes `data/NAME/raw` and `data.reader`, produces a `Reading`."""
