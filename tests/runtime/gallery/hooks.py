"""What schemathesis sends where a file with a sample is asked for; imported by it, by this name."""

import numpy as np
import schemathesis
from hypothesis.extra.numpy import arrays
from schemathesis.transport.serialization import Binary

from tests.runtime.schemathesis_hooks import packed

SIDE = 4
pictures = arrays(np.uint8, (1, 1, SIDE, SIDE))
npy = pictures.map(packed(np.save))
schemathesis.openapi.media_type("application/x-npy", npy)
schemathesis.openapi.media_type("application/x-npz", pictures.map(packed(lambda to, array: np.savez(to, inputs=array))))
schemathesis.openapi.format("binary", npy.map(Binary))
