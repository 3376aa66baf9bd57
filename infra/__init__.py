"""What a team's stack is made of: services of one machine (`services`), images, Kubernetes, the wheel for devices."""
