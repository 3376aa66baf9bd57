"""Drawing: a sheet, its colours and letters, samples of any layout, and the SVG file that a page takes in."""
