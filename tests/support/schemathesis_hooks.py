"""Tells schemathesis how bodies of the API's own media type are written."""

import schemathesis

schemathesis.serializer.alias("application/trickle-ice-sdpfrag", "text/plain")
