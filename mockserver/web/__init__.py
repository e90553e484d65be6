"""Shared by the faces: the imitated API, the control plane and the console.

`bodies` reads bodies as JSON objects, `openapi` describes operations, `rendering` makes responses of documents and
errors, `hosts` decides which hosts and origins may call, `proxies` gives requests their public URL, and `foreign`
adapts to other WSGI servers.
"""
