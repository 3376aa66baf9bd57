"""How a file does while it listens: misses, false alarms and latency on a stream of sound."""
