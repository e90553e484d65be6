"""The console: pages under `/__admin/` that show a sandbox to people and let them change it."""
