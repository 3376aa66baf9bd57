"""What a model is compared with: the champion of an environment, and the best answer that looks at no input."""
