"""What several objectives share: layers made comparable, sums over pairs of layers, divergences, projections."""
