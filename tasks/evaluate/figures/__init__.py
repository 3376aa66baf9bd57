"""Pictures of an evaluation: consumes scores, learning curves and mistakes, produces SVG files for the report."""
