"""From raw files to prepared data: read, checked, split, written as shards."""
