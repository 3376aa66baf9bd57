"""What augmentation does to pictures beyond their values: where it moves what is on them, and pictures of several."""
