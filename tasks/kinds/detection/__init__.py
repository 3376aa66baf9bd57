"""Object detection: any number of boxes per picture, each with one class out of several."""
