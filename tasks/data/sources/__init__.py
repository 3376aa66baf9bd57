"""Where data comes from: consumes `data.source`, produces a few large files, as their publisher made them."""
