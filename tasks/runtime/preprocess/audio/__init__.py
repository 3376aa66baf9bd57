"""Sound: WAV files as samples, other rates, and clips of one length."""
