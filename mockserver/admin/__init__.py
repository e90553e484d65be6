"""The control plane under `/__admin`: calls about the mock, over `sandbox`."""
