"""Pictures with boxes: the one form that all formats of annotations are read into, and how it becomes samples."""
