"""How each stage is done: one folder per stage, records between them, and the plumbing that all of them share."""

import tasks.runtime  # noqa: F401 - sets what ONNX Runtime reads when it is loaded, and loads nothing
