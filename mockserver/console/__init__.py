"""The console: web pages under `/__admin/` that show a sandbox and change it."""
