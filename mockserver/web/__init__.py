"""What the faces share: `bodies` reads JSON bodies, `openapi` describes calls from their schemas."""
